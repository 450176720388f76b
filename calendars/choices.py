"""The words calendars are described with."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class CalendarType(models.TextChoices):
    """The five kinds of booking calendar; the type never changes."""

    SIMPLE = "simple", _("Simple calendar")
    CLASS_BOOKING = "class_booking", _("Class booking")
    ROUND_ROBIN = "round_robin", _("Round-robin")
    COLLECTIVE = "collective", _("Collective")
    SERVICE = "service", _("Service")

    @property
    def accepts_icloud(self) -> bool:
        """Whether iCloud works with this type (rules K1, K2)."""
        return self is not CalendarType.SIMPLE


class Assignment(models.TextChoices):
    """How a round-robin or service calendar picks its host (rule A3)."""

    AVAILABILITY = "availability", _("Optimise for availability")
    EQUAL_DISTRIBUTION = "equal_distribution", _("Equal distribution")


class AppointmentStatus(models.TextChoices):
    CONFIRMED = "confirmed", _("Confirmed")
    CANCELLED = "cancelled", _("Cancelled")


class SlotSource(models.TextChoices):
    LEADMAGICX = "leadmagicx", _("LeadMagicX")
    ICLOUD = "icloud", _("iCloud")


class SlotCode(models.TextChoices):
    """Why a blocked slot blocks, or does not (rule A6)."""

    BUSY = "BUSY", _("Busy")
    FREE = "FREE", _("Marked Free in iCloud")
    CANCELLED = "CANCELLED", _("Cancelled")
    DECLINED = "DECLINED", _("Invitation declined")
    NOT_CONFLICT_CALENDAR = "NOT_CONFLICT_CALENDAR", _("Not in a conflict calendar")
    ZERO_LENGTH = "ZERO_LENGTH", _("Has no length")
    RELEASED = "RELEASED", _("Freed after it was deleted in iCloud")
    LEADMAGICX = "LEADMAGICX", _("Blocked in LeadMagicX")
