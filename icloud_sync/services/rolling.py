"""Keep blocks as far ahead as the booking windows reach (rule P13), and forget what nobody needs any more."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from calendars.models import BlockedSlot
from icloud_sync.local import blocks, flags
from icloud_sync.local.context import PAST, block_context, horizon_from
from icloud_sync.models import (
    Attention,
    EventState,
    ICloudCalendar,
    ICloudConnection,
    ICloudEvent,
    JournalEntry,
    SyncedEvent,
    SyncRun,
)

CHUNK = 500
# How long records are kept for people to look at.
JOURNAL_DAYS = timedelta(days=90)
RECORD_DAYS = timedelta(days=30)


def roll_windows(*, now: datetime) -> int:
    """Expand every series whose blocks end more than a day before the horizon; return how many there were."""
    horizon = horizon_from(now)
    rolled = 0
    for calendar in ICloudCalendar.objects.filter(listed_at__isnull=False).select_related("connection__user"):
        context = block_context(calendar.connection, now=now)
        short = ICloudEvent.objects.filter(
            calendar=calendar, recurring=True, expanded_to__lt=horizon - timedelta(days=1)
        )
        while ids := list(short.order_by("pk").values_list("pk", flat=True)[:CHUNK]):
            with transaction.atomic():
                blocks.rebuild(ICloudEvent.objects.filter(pk__in=ids), calendar=calendar, context=context)
                ICloudEvent.objects.filter(pk__in=ids).update(expanded_to=horizon)
            rolled += len(ids)
    connected = ICloudConnection.objects.filter(horizon__isnull=False)
    connected.update(horizon=horizon)
    return rolled


def too_short_for(days: int, *, now: datetime) -> bool:
    """Return whether some account's blocks end before a booking window of so many days does."""
    return ICloudConnection.objects.filter(horizon__lt=now + timedelta(days=days)).exists()


def clean_up(*, now: datetime) -> None:
    """Forget old records: journal, finished runs, resolved attention, closed copies, blocks long past (S37)."""
    JournalEntry.objects.filter(at__lt=now - JOURNAL_DAYS).delete()
    SyncRun.objects.filter(created_at__lt=now - RECORD_DAYS).delete()
    Attention.objects.filter(resolved_at__lt=now - RECORD_DAYS).delete()
    SyncedEvent.objects.filter(state=EventState.GONE, created_at__lt=now - RECORD_DAYS).filter(
        Q(written_at__isnull=True) | Q(written_at__lt=now - RECORD_DAYS)
    ).delete()
    flags.resolve_past(now=now)
    _forget_past_events(now=now)


def _forget_past_events(*, now: datetime) -> None:
    """Events deleted in iCloud whose every occurrence is long past say nothing any more."""
    coming = BlockedSlot.objects.filter(external_id=OuterRef("pk"), end__gt=now - PAST)
    old = ICloudEvent.objects.filter(removed_at__lt=now - PAST).exclude(Exists(coming))
    blocks.remove_events(list(old.values_list("pk", flat=True)[:CHUNK]))
