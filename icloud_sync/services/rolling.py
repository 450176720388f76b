"""Keep blocks as far ahead as the booking windows reach (rule P13), and forget what nobody needs any more."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from calendars.models import BlockedSlot
from icloud_sync.local import attention, blocks, flags, journal
from icloud_sync.local.context import PAST, BlockContext, block_context, horizon_from, least_horizon
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
    """Expand every series whose blocks end more than a day before the horizon; return how many there were.

    A series that cannot be expanded so far holds its account's horizon where its blocks end: what is not known is not
    offered (rule P13, reliability I10).
    """
    rolled = 0
    for calendar in ICloudCalendar.objects.filter(listed_at__isnull=False).select_related("connection__user"):
        context = block_context(calendar.connection, now=now)
        short = _short(context.horizon).filter(calendar=calendar)
        rolled += _expand(short, calendar, context, now=now, stays=True)
    _hold(ICloudConnection.objects.all(), now=now)
    return rolled


def rebuild(calendar: ICloudCalendar, *, now: datetime) -> None:
    """Expand every event of a calendar again: it became a conflict calendar or ceased to be one, or what its blocks
    depend on changed. Call inside a transaction."""
    events = calendar.events.order_by("pk")
    _expand(events, calendar, block_context(calendar.connection, now=now), now=now, stays=False)
    _hold(ICloudConnection.objects.filter(pk=calendar.connection_id), now=now)


def _expand(
    events: QuerySet[ICloudEvent], calendar: ICloudCalendar, context: BlockContext, *, now: datetime, stays: bool
) -> int:
    """Expand events of one calendar; a series that has too many occurrences as far as it is kept at least, unless what
    is known beyond that `stays` right. Return how many there were."""
    nearer = replace(context, horizon=min(context.horizon, least_horizon(now)))
    ids = list(events.order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(ids), CHUNK):
        chunk = ICloudEvent.objects.filter(pk__in=ids[start : start + CHUNK])
        with transaction.atomic():
            failed = blocks.rebuild(chunk, calendar=calendar, context=context)
            wanting = [event for event in failed if not (stays and _reaches(event, nearer.horizon))]
            blocks.rebuild(wanting, calendar=calendar, context=nearer)
            for event in failed:
                _name(event, calendar, now=now)
    return len(ids)


def _reaches(event: ICloudEvent, horizon: datetime) -> bool:
    """Return whether nothing is won by expanding a series that far; one that never was is not begun here."""
    return event.expanded_to is None or event.expanded_to >= horizon


def _hold(connections: QuerySet[ICloudConnection], *, now: datetime) -> None:
    """Say how far ahead time is known: as far as the shortest series that blocks."""
    horizon = horizon_from(now)
    held = _short(horizon).filter(_blocks(), calendar__connection=OuterRef("pk")).order_by("expanded_to")
    known_to = Coalesce(Subquery(held.values("expanded_to")[:1]), Value(horizon))
    connections.filter(horizon__isnull=False).update(horizon=known_to)


def _name(event: ICloudEvent, calendar: ICloudCalendar, *, now: datetime) -> None:
    """Tell the user once, as when an event is read (rule P14); of one deleted in iCloud there is nothing to mend."""
    if event.removed_at is None and attention.about_event(event, attention.UNREADABLE, now=now, why=event.unreadable):
        told = {"path": event.path, "uid": event.uid, "code": event.unreadable}
        journal.about_calendar(calendar, "event_unreadable", **told).save()


def _short(horizon: datetime) -> QuerySet[ICloudEvent]:
    return ICloudEvent.objects.filter(recurring=True, expanded_to__lt=horizon - timedelta(days=1))


def _blocks() -> Q:
    """Series that close time."""
    closing = BlockedSlot.objects.filter(external_id=OuterRef("pk"), blocks=True)
    return Q(Exists(closing), calendar__listed_at__isnull=False)


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
