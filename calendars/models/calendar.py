"""Booking calendars, their members and their hours."""

from __future__ import annotations

import math

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext as _

from calendars.choices import Assignment, CalendarType
from calendars.zones import validate_zone

SIMPLE_NOT_SUPPORTED = "iCloud Integration is not supported for Simple Calendars"
DAY = 24 * 60


def validate_finite(number: float) -> None:
    """Raise ValidationError for NaN and infinities: nothing can be put in order with them, nor shown as JSON."""
    if not math.isfinite(number):
        raise ValidationError(_("Enter a number."), code="invalid")


class Calendar(models.Model):
    """What clients book. Durations are in minutes; hours are in the calendar's own zone."""

    name = models.CharField(max_length=200)
    type = models.CharField(max_length=20, choices=CalendarType)
    timezone = models.CharField(max_length=64, default="UTC", validators=[validate_zone])
    icloud_enabled = models.BooleanField("iCloud", default=True)
    slot_duration = models.PositiveIntegerField(default=30, validators=[MinValueValidator(1), MaxValueValidator(DAY)])
    slot_interval = models.PositiveIntegerField(default=30, validators=[MinValueValidator(1), MaxValueValidator(DAY)])
    buffer_before = models.PositiveIntegerField(default=0, validators=[MaxValueValidator(DAY)])
    buffer_after = models.PositiveIntegerField(default=0, validators=[MaxValueValidator(DAY)])
    minimum_notice = models.PositiveIntegerField(default=0, validators=[MaxValueValidator(730 * DAY)])
    booking_window_days = models.PositiveIntegerField(
        default=60, validators=[MinValueValidator(1), MaxValueValidator(730)]
    )
    max_per_day = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    seats_per_slot = models.PositiveIntegerField(default=1, validators=[MinValueValidator(1), MaxValueValidator(9_999)])
    assignment = models.CharField(max_length=20, choices=Assignment, default=Assignment.AVAILABILITY)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.CheckConstraint(
                name="calendar_simple_never_icloud",
                condition=~Q(type=CalendarType.SIMPLE) | Q(icloud_enabled=False),
                violation_error_message=SIMPLE_NOT_SUPPORTED,
                violation_error_code="simple_calendar_not_supported",
            ),
            models.CheckConstraint(name="calendar_type_known", condition=Q(type__in=CalendarType.values)),
            models.CheckConstraint(
                name="calendar_lengths_positive",
                condition=Q(slot_duration__gte=1, slot_interval__gte=1, seats_per_slot__gte=1),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        if self.type == CalendarType.SIMPLE and self.icloud_enabled:
            raise ValidationError(SIMPLE_NOT_SUPPORTED, code="simple_calendar_not_supported")

    @property
    def kind(self) -> CalendarType:
        return CalendarType(self.type)


class Member(models.Model):
    """A user who gives a calendar's appointments; `position` is the order of the list."""

    calendar = models.ForeignKey(Calendar, on_delete=models.CASCADE, related_name="members")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    priority = models.FloatField(default=0, validators=[validate_finite], help_text="A larger number is preferred.")
    is_primary = models.BooleanField(default=False)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["calendar", "user"], name="member_once_per_calendar"),
            models.UniqueConstraint(fields=["calendar"], condition=Q(is_primary=True), name="member_one_primary"),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.calendar}"


class WeeklyHours(models.Model):
    """One interval of a weekday, in minutes after midnight; 1440 is 24:00."""

    calendar = models.ForeignKey(Calendar, on_delete=models.CASCADE, related_name="hours")
    weekday = models.PositiveSmallIntegerField(validators=[MaxValueValidator(6)], help_text="0 is Monday.")
    start_minute = models.PositiveSmallIntegerField()
    end_minute = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["weekday", "start_minute"]
        verbose_name_plural = "weekly hours"
        constraints = [
            models.CheckConstraint(
                name="hours_in_order",
                condition=Q(weekday__lte=6, end_minute__lte=DAY, start_minute__lt=F("end_minute")),
                violation_error_message="Hours must end after they start, on one day.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.weekday}: {self.start_minute}-{self.end_minute}"


class DateOverride(models.Model):
    """One interval that replaces the weekday's hours on one date; without times the date is closed."""

    calendar = models.ForeignKey(Calendar, on_delete=models.CASCADE, related_name="date_overrides")
    date = models.DateField()
    start_minute = models.PositiveSmallIntegerField(null=True, blank=True)
    end_minute = models.PositiveSmallIntegerField(null=True, blank=True)

    class Meta:
        ordering = ["date", "start_minute"]
        constraints = [
            models.CheckConstraint(
                name="override_in_order",
                condition=Q(start_minute__isnull=True, end_minute__isnull=True)
                | Q(
                    start_minute__isnull=False,
                    end_minute__isnull=False,
                    end_minute__lte=DAY,
                    start_minute__lt=F("end_minute"),
                ),
                violation_error_message="An interval needs a start and a later end; leave both out to close the day.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.date}: {self.start_minute}-{self.end_minute}"
