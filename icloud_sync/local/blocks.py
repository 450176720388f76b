"""Events made in iCloud become blocked slots: one row for each occurrence, written only where something changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from calendars.choices import SlotSource
from calendars.models import BlockedSlot
from icloud_sync.errors import ItemUnreadable
from icloud_sync.ical.event import ScannedEvent
from icloud_sync.ical.expand import expand
from icloud_sync.ical.occurrence import Occurrence
from icloud_sync.local.context import BlockContext
from icloud_sync.models import ICloudCalendar, ICloudEvent
from icloud_sync.rules.blocking import why

BATCH = 2_000
# What makes two rows the same occurrence; a row that stays keeps its id.
SHAPE = ("start", "end", "busy_start", "busy_end", "all_day", "title", "blocks", "code", "place", "removed_at")


@dataclass(frozen=True, slots=True)
class Expanded:
    """An event and the rows it should have."""

    event: ICloudEvent
    slots: list[BlockedSlot]
    warnings: list[str]


def expanded(event: ICloudEvent, scanned: ScannedEvent, *, calendar: ICloudCalendar, context: BlockContext) -> Expanded:
    """Return an event's occurrences as unsaved rows. Raises ItemUnreadable when it cannot be expanded."""
    warnings: list[str] = []
    window = context.series_window if event.recurring else context.single_window
    occurrences = expand(
        scanned, zone=context.zone, window=window, own_addresses=context.own_addresses, warnings=warnings
    )
    slots = [slot_of(event, found, calendar=calendar, context=context) for found in occurrences]
    return Expanded(event, slots, warnings)


def slot_of(event: ICloudEvent, found: Occurrence, *, calendar: ICloudCalendar, context: BlockContext) -> BlockedSlot:
    """Return one occurrence as an unsaved row (rules P2, P3, P9, P12)."""
    blocks, code = why(
        code=found.code, conflict_calendar=calendar.checks_conflicts, released=event.released_at is not None
    )
    nothing = timedelta(0)
    travel = context.travel_time_blocks
    return BlockedSlot(
        user_id=context.user_id,
        source=SlotSource.ICLOUD,
        title=found.title[:500],
        place=calendar.name[:200],
        start=found.start,
        end=found.end,
        busy_start=found.start - (found.travel_before if travel else nothing),
        busy_end=found.end + (found.travel_after if travel else nothing),
        all_day=found.all_day,
        blocks=blocks,
        code=code,
        external_id=event.pk,
        removed_at=event.removed_at,
    )


def write(changed: Sequence[Expanded]) -> tuple[int, int]:
    """Make the rows of saved events what they should be; return how many were added and deleted."""
    wanted: dict[int, list[BlockedSlot]] = {}
    for item in changed:
        for slot in item.slots:
            slot.external_id = item.event.pk
        wanted[item.event.pk] = item.slots
    add: list[BlockedSlot] = []
    surplus: list[int] = []
    present: dict[int, dict[tuple[object, ...], list[int]]] = {pk: {} for pk in wanted}
    for row in BlockedSlot.objects.filter(external_id__in=list(wanted)):
        assert row.external_id is not None
        present[row.external_id].setdefault(_shape(row), []).append(row.pk)
    for pk, slots in wanted.items():
        for slot in slots:
            same = present[pk].get(_shape(slot))
            if same:
                same.pop()
            else:
                add.append(slot)
        surplus.extend(left for ids in present[pk].values() for left in ids)
    if surplus:
        BlockedSlot.objects.filter(pk__in=surplus).delete()
    BlockedSlot.objects.bulk_create(add, batch_size=BATCH)
    return len(add), len(surplus)


def add_new(created: Sequence[Expanded]) -> int:
    """Add the rows of events that had none: nothing is read first."""
    rows: list[BlockedSlot] = []
    for item in created:
        for slot in item.slots:
            slot.external_id = item.event.pk
        rows.extend(item.slots)
    BlockedSlot.objects.bulk_create(rows, batch_size=BATCH)
    return len(rows)


def rebuild(events: Iterable[ICloudEvent], *, calendar: ICloudCalendar, context: BlockContext) -> None:
    """Expand events again from what is stored of them: the window rolled, or a setting or the user's zone changed."""
    changed: list[Expanded] = []
    rolled: list[ICloudEvent] = []
    for event in events:
        if event.essence is None:
            continue
        try:
            item = expanded(event, ScannedEvent.from_json(event.essence), calendar=calendar, context=context)
        except ItemUnreadable as error:
            # It was readable before: its last good rows stay (rule P14).
            event.unreadable = error.reason[:60]
        else:
            changed.append(item)
            event.expanded_to = context.horizon
        rolled.append(event)
    write(changed)
    ICloudEvent.objects.bulk_update(rolled, ["expanded_to", "unreadable"], batch_size=BATCH)


def remove_events(event_ids: Sequence[int]) -> None:
    """Delete events with their rows: their calendar is not looked at any more, or they moved."""
    BlockedSlot.objects.filter(external_id__in=list(event_ids)).delete()
    ICloudEvent.objects.filter(pk__in=list(event_ids)).delete()


def mark_removed(events: Sequence[ICloudEvent], *, release: bool, now: datetime) -> None:
    """Keep the rows of events that are proved to be deleted in iCloud, flagged, or freed by the user's setting (P5)."""
    ids = [event.pk for event in events]
    ICloudEvent.objects.filter(pk__in=ids).update(removed_at=now, vanished_at=None, fetch_at=None)
    rows = BlockedSlot.objects.filter(external_id__in=ids)
    rows.update(removed_at=now)
    if release:
        ICloudEvent.objects.filter(pk__in=ids).update(released_at=now)
        rows.update(blocks=False, code="RELEASED")


def _shape(row: BlockedSlot) -> tuple[object, ...]:
    return tuple(getattr(row, name) for name in SHAPE)
