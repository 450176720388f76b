"""Time that is taken, or shown, without an appointment."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.db.models.lookups import GreaterThan
from django.utils.translation import gettext as _

from calendars.choices import SlotCode, SlotSource

SHORT = timedelta(days=2)


def lasts_long() -> GreaterThan:
    """The condition of blocks that last longer than `SHORT`, worded as the index of them is."""
    return GreaterThan(F("busy_end") - F("busy_start"), SHORT)


class BlockedSlot(models.Model):
    """One occurrence: made in LeadMagicX, or mirrored from iCloud by the app that owns `external_id`.

    `start`/`end` are shown, `busy_start`/`busy_end` (with travel time, rule P12) close the time when `blocks`.
    What a user's rows take is read from `BusyDay`; only the few that last longer than `SHORT` are read here, by an
    index of their own. Who asks for reasons reads the rows by where they start, `SHORT` before the time asked about and
    on. So a question costs what lies in its days, not what lies in the years after.
    """

    user = models.ForeignKey(  # found by the indexes below
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="blocked_slots", db_index=False
    )
    source = models.CharField(max_length=10, choices=SlotSource, default=SlotSource.LEADMAGICX)
    title = models.CharField(max_length=500, blank=True)
    place = models.CharField(max_length=200, blank=True, help_text="Name of the iCloud calendar it comes from.")
    start = models.DateTimeField()
    end = models.DateTimeField()
    busy_start = models.DateTimeField()
    busy_end = models.DateTimeField()
    all_day = models.BooleanField(default=False)
    blocks = models.BooleanField(default=True)
    code = models.CharField(max_length=24, choices=SlotCode, default=SlotCode.LEADMAGICX)
    external_id = models.BigIntegerField(
        null=True, blank=True, help_text="The mirrored event's row; only its owner follows it."
    )
    removed_at = models.DateTimeField(
        null=True, blank=True, help_text="When its event was seen to be deleted in iCloud."
    )

    class Meta:
        ordering = ["start", "pk"]
        indexes = [
            models.Index(
                fields=["user", "busy_start", "busy_end"],
                include=["source"],
                condition=Q(blocks=True),
                name="blocked_busy_by_user",
            ),
            # With all that a question asks: PostgreSQL cannot know how few they are, and would read the one above.
            models.Index(
                fields=["user", "busy_end"],
                include=["busy_start", "source", "place"],
                condition=Q(lasts_long(), blocks=True),
                name="blocked_long_by_user",
            ),
            models.Index(fields=["user", "end", "start"], name="blocked_shown_by_user"),
            models.Index(fields=["external_id"], condition=Q(external_id__isnull=False), name="blocked_by_external"),
        ]
        constraints = [
            models.CheckConstraint(
                name="blocked_in_order",
                condition=Q(start__lte=F("end"), busy_start__lte=F("start"), busy_end__gte=F("end")),
                violation_error_message="A blocked slot must end after it starts.",
            ),
            models.CheckConstraint(
                name="blocked_source_and_owner",
                condition=Q(source=SlotSource.LEADMAGICX, external_id__isnull=True)
                | Q(source=SlotSource.ICLOUD, external_id__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        # Without its title: that of an iCloud event is its owner's (rule P15).
        return f"Blocked slot {self.start:%Y-%m-%d %H:%M}"

    def clean(self) -> None:
        if self.start is None or self.end is None or self.source != SlotSource.LEADMAGICX:
            return
        if self.end < self.start or (self.end == self.start and not self.all_day):
            raise ValidationError(
                {"end": ValidationError(_("The end must be after the start."), code="ends_before_start")}
            )
