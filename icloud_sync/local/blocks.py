"""Events made in iCloud become blocked slots: one row for each occurrence, written only where something changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from calendars.choices import SlotSource
from calendars.models import BlockedSlot
from icloud_sync.errors import ItemUnreadable
from icloud_sync.ical.event import ScannedEvent
from icloud_sync.ical.expand import expand
from icloud_sync.ical.occurrence import Occurrence
from icloud_sync.local import attention
from icloud_sync.local.bulk import copy_in, copy_lines, next_ids, written
from icloud_sync.local.context import BlockContext
from icloud_sync.models import ICloudCalendar, ICloudEvent
from icloud_sync.rules.blocking import BUSY, NOT_CONFLICT_CALENDAR, why

BATCH = 2_000


class SlotRow(NamedTuple):
    """One blocked slot as it goes into the table, its event's id left out; two equal rows are the same slot."""

    start: datetime
    end: datetime
    busy_start: datetime
    busy_end: datetime
    all_day: bool
    title: str
    blocks: bool
    code: str
    place: str
    removed_at: datetime | None


COLUMNS = ("user_id", "source", "external_id", *SlotRow._fields)
TIMES = 4  # SlotRow begins with them
EVENT_COLUMNS = ("id", "calendar_id", "path", "uid", "etag", "fingerprint", "essence", "recurring", "expanded_to")
EVENT_REST = ("unreadable", "attempts", "fetch_at")


@dataclass(frozen=True, slots=True)
class Expanded:
    """An event and the rows it should have."""

    event: ICloudEvent
    slots: list[SlotRow]
    warnings: list[str]


def expanded(event: ICloudEvent, scanned: ScannedEvent, *, calendar: ICloudCalendar, context: BlockContext) -> Expanded:
    """Return an event's occurrences as unsaved rows. Raises ItemUnreadable when it cannot be expanded."""
    warnings: list[str] = []
    window = context.series_window if event.recurring else context.single_window
    occurrences = expand(
        scanned, zone=context.zone, window=window, own_addresses=context.own_addresses, warnings=warnings
    )
    slots = [row_of(event, found, calendar=calendar, context=context) for found in occurrences]
    return Expanded(event, slots, warnings)


def row_of(event: ICloudEvent, found: Occurrence, *, calendar: ICloudCalendar, context: BlockContext) -> SlotRow:
    """Return one occurrence as an unsaved row (rules P2, P3, P9, P12)."""
    blocks, code = why(
        code=found.code, conflict_calendar=calendar.checks_conflicts, released=event.released_at is not None
    )
    travel = context.travel_time_blocks
    return SlotRow(
        found.start,
        found.end,
        found.start - found.travel_before if travel else found.start,
        found.end + found.travel_after if travel else found.end,
        found.all_day,
        found.title[:500],
        blocks,
        code,
        calendar.name[:200],
        event.removed_at,
    )


def write(changed: Sequence[Expanded], *, user_id: int) -> None:
    """Make the rows of saved events what they should be; a row that stays keeps its id."""
    if not changed:
        return
    present: dict[int, dict[SlotRow, list[int]]] = {item.event.pk: {} for item in changed}
    rows = BlockedSlot.objects.filter(external_id__in=list(present))
    for pk, external_id, *values in rows.values_list("pk", "external_id", *SlotRow._fields):
        present[external_id].setdefault(SlotRow(*values), []).append(pk)
    add: list[tuple[int, SlotRow]] = []
    for item in changed:
        there = present[item.event.pk]
        for slot in item.slots:
            same = there.get(slot)
            if same:
                same.pop()
            else:
                add.append((item.event.pk, slot))
    surplus = [pk for there in present.values() for ids in there.values() for pk in ids]
    if surplus:
        BlockedSlot.objects.filter(pk__in=surplus).delete()
    _copy(add, user_id=user_id)


def create(created: Sequence[Expanded], *, user_id: int) -> None:
    """Add new events and their rows: nothing is read first."""
    if not created:
        return
    events = [item.event for item in created]
    for event, pk in zip(events, next_ids(ICloudEvent, len(events)), strict=True):
        event.pk = pk
    copy_in(ICloudEvent, EVENT_COLUMNS + EVENT_REST, (_event_values(event) for event in events))
    _copy([(item.event.pk, slot) for item in created for slot in item.slots], user_id=user_id)


def _copy(slots: Sequence[tuple[int, SlotRow]], *, user_id: int) -> None:
    if slots:
        copy_lines(BlockedSlot, COLUMNS, _lines(slots, user_id=user_id))


def _lines(slots: Sequence[tuple[int, SlotRow]], *, user_id: int) -> Iterator[str]:
    """Write rows for COPY. Those of a series differ in their times only: the rest is written once."""
    written_at = datetime.isoformat
    common: tuple[Any, ...] = ()
    rest = ""
    for pk, slot in slots:
        if slot[TIMES:] != common:
            common = slot[TIMES:]
            rest = written(common)
        start, end = written_at(slot.start), written_at(slot.end)
        busy_start = start if slot.busy_start == slot.start else written_at(slot.busy_start)
        busy_end = end if slot.busy_end == slot.end else written_at(slot.busy_end)
        yield f"{user_id}\t{SlotSource.ICLOUD.value}\t{pk}\t{start}\t{end}\t{busy_start}\t{busy_end}\t{rest}\n"


def _event_values(event: ICloudEvent) -> tuple[Any, ...]:
    return (
        event.pk,
        event.calendar_id,
        event.path,
        event.uid,
        event.etag,
        event.fingerprint,
        event.essence,
        event.recurring,
        event.expanded_to,
        event.unreadable,
        event.attempts,
        event.fetch_at,
    )


def rebuild(events: Iterable[ICloudEvent], *, calendar: ICloudCalendar, context: BlockContext) -> list[ICloudEvent]:
    """Expand events again from what is stored of them: the window rolled, or a setting or the user's zone changed.

    Return those that cannot be expanded: their last good rows stay, go with their calendar as all others do (rule P3),
    and say nothing beyond `expanded_to` (rule P14).
    """
    changed: list[Expanded] = []
    failed: list[ICloudEvent] = []
    for event in events:
        if event.essence is None:
            continue
        try:
            item = expanded(event, ScannedEvent.from_json(event.essence), calendar=calendar, context=context)
        except ItemUnreadable as error:
            event.unreadable = error.reason[:60]
            failed.append(event)
        else:
            changed.append(item)
            event.expanded_to = context.horizon
    write(changed, user_id=context.user_id)
    _go_with(calendar, failed)
    update_events([item.event for item in changed] + failed, ["expanded_to", "unreadable"])
    return failed


def _go_with(calendar: ICloudCalendar, events: Sequence[ICloudEvent]) -> None:
    """Let rows that are not computed again block if their calendar is a conflict calendar now, and only then."""
    if not events:
        return
    rows = BlockedSlot.objects.filter(external_id__in=[event.pk for event in events])
    # Both codes are told of busy time alone.
    blocks, code = why(code=BUSY, conflict_calendar=calendar.checks_conflicts)
    rows.filter(code__in=(BUSY, NOT_CONFLICT_CALENDAR)).exclude(code=code).update(blocks=blocks, code=code)


def update_events(events: Sequence[ICloudEvent], fields: Sequence[str]) -> None:
    """Save some fields of many rows that exist: an upsert costs a tenth of Django's bulk_update (P11)."""
    ICloudEvent.objects.bulk_create(
        events, update_conflicts=True, unique_fields=["id"], update_fields=list(fields), batch_size=BATCH
    )


def remove_events(event_ids: Sequence[int]) -> None:
    """Delete events with their rows: their calendar is not looked at any more, or they moved."""
    BlockedSlot.objects.filter(external_id__in=list(event_ids)).delete()
    ICloudEvent.objects.filter(pk__in=list(event_ids)).delete()


def forget(calendar: ICloudCalendar, *, now: datetime) -> None:
    """Forget the events of a calendar that is not read any more, and what was to be said of them; read again, it is
    read in full."""
    ids = list(calendar.events.values_list("pk", flat=True))
    attention.resolve_events(ids, attention.UNREADABLE, now=now)
    remove_events(ids)
    calendar.mark, calendar.token, calendar.listed_at = "", "", None
    calendar.save(update_fields=["mark", "token", "listed_at"])


def mark_removed(events: Sequence[ICloudEvent], *, release: bool, now: datetime) -> None:
    """Keep the rows of events that are proved to be deleted in iCloud, flagged, or freed by the user's setting (P5)."""
    ids = [event.pk for event in events]
    ICloudEvent.objects.filter(pk__in=ids).update(removed_at=now, vanished_at=None, fetch_at=None)
    rows = BlockedSlot.objects.filter(external_id__in=ids)
    rows.update(removed_at=now)
    if release:
        ICloudEvent.objects.filter(pk__in=ids).update(released_at=now)
        rows.update(blocks=False, code="RELEASED")
