"""What must hold between LeadMagicX and iCloud, after every step and at rest (reliability section 2: I1-I19)."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from calendars.models import Appointment, BlockedSlot, Engagement, Session
from icloud_sync.ical.text import MARKER
from icloud_sync.local import copies, listing, outbox
from icloud_sync.local.outbox import belongs_in_icloud
from icloud_sync.models import (
    LIVE_STATES,
    Attention,
    ConnectionStatus,
    EventState,
    ICloudCalendar,
    ICloudConnection,
    ICloudEvent,
    SyncedEvent,
)
from icloud_sync.services import syncing
from icloud_sync.sync.sides import Fields
from tests.compiled import Compiled
from tests.fake_icloud import FakeICloud

ACTIVE = (ConnectionStatus.CONNECTED, ConnectionStatus.UNREACHABLE)
SENDABLE = (EventState.PENDING, EventState.WRITTEN, EventState.DELETING)
ROUNDS = 12
# Between two rounds more time passes than iCloud's lags and Apple's own rewriting take (facts 4.9, 5.10).
A_WHILE = 61.0

_COPIES = Compiled(lambda: SyncedEvent.objects.values_list("path", "uid", "engagement_id"))
_FORGOTTEN = Compiled(
    lambda: SyncedEvent.objects.filter(
        outbox.unsent_revision(),
        state__in=[EventState.PENDING, EventState.WRITTEN],
        engagement__active=True,
        vanished_at__isnull=True,
        due_at__isnull=True,
    ).values_list("pk", "state", "path")
)
# Everything that must stand still at rest, marks and clocks left out.
_SIGNATURE = (
    Compiled(lambda: SyncedEvent.objects.order_by("pk").values_list(
        "pk", "state", "calendar", "path", "uid", "revision", "base", "intent", "failure", "vanished_at", "fetch_at"
    )),
    Compiled(lambda: ICloudEvent.objects.order_by("pk").values_list(
        "pk", "calendar", "path", "fingerprint", "vanished_at", "removed_at", "released_at", "unreadable"
    )),
    Compiled(lambda: BlockedSlot.objects.order_by("pk").values_list(
        "pk", "busy_start", "busy_end", "blocks", "code", "title"
    )),
    Compiled(lambda: Session.objects.order_by("pk").values_list("pk", "start", "end", "active", "revision")),
    Compiled(lambda: Appointment.objects.order_by("pk").values_list("pk", "status", "title", "location", "notes")),
    Compiled(lambda: ICloudCalendar.objects.order_by("pk").values_list(
        "pk", "name", "writable", "gone_at", "missing_since"
    )),
)  # fmt: skip


class Writes(dict[str, bytes]):
    """Stands in for the emulator's record of what was PUT and took effect, answered or not; keeps the order."""

    def __init__(self) -> None:
        super().__init__()
        self.log: list[tuple[str, bytes]] = []

    def __setitem__(self, path: str, body: bytes) -> None:
        self.log.append((path, body))
        super().__setitem__(path, body)


@dataclass
class Ledger:
    """What the phone's owner made, and what was ever ours; told by the test, checked against both sides."""

    icloud: FakeICloud
    foreign: dict[str, bytes] = field(default_factory=dict)  # UID -> text as the phone left it
    paths: set[str] = field(default_factory=set)  # every address that was ever reserved for a copy of ours
    uids: dict[str, int | None] = field(default_factory=dict)  # UID -> engagement, of every copy that ever was
    asleep: set[int] = field(default_factory=set)  # accounts that nothing happened to: no need to look at them
    seen: int = 0  # requests checked so far
    wait: Callable[[float], None] | None = None  # lets seconds pass, here and at Apple's
    writes: Writes = field(default_factory=Writes)

    def __post_init__(self) -> None:
        self.icloud.world.ours = self.writes

    def foreign_is(self, event: Any) -> None:
        """The owner of the phone made or changed an event."""
        self.foreign[event.uid] = event.body

    def ours_changed(self, event: Any) -> None:
        """The owner of the phone changed an event of ours."""
        self.writes.log.append((event.calendar.path + event.name, b""))

    def foreign_gone(self, uid: str) -> None:
        self.foreign.pop(uid, None)

    def note(self) -> None:
        """Take down what is reserved now; call it after every step."""
        for path, uid, engagement in _COPIES.rows():
            self.paths.add(path)
            self.uids[uid] = engagement

    def ours_among(self, events: Iterable[Any]) -> dict[int | None, list[Any]]:
        """Return those events that are ours, by engagement."""
        found: dict[int | None, list[Any]] = defaultdict(list)
        for event in events:
            if event.uid in self.uids:
                found[self.uids[event.uid]].append(event)
        return found

    def on_phones(self) -> Iterator[Any]:
        for account in self.icloud.accounts:
            yield from account.phone.events()


def always(ledger: Ledger) -> None:
    """Check what holds at every moment, also between a crash and what mends it."""
    ledger.note()
    _writes_only_to_ours(ledger)
    events = list(ledger.on_phones())
    _one_event_for_each(ledger, events)
    _foreign_events_untouched(ledger, events)
    _nothing_forgotten()


def _writes_only_to_ours(ledger: Ledger) -> None:
    """I6, I7."""
    for record in ledger.icloud.requests[ledger.seen :]:
        if record.method in ("PUT", "DELETE", "MOVE"):
            assert record.path in ledger.paths, f"{record.method} of what was never ours: {record.path}"
    ledger.seen = len(ledger.icloud.requests)


def _one_event_for_each(ledger: Ledger, present: list[Any]) -> None:
    """I4: never two events for one appointment and host, but for one that the user put where nobody looks, and the old
    and new copy around a move of the primary calendar."""
    several = {engagement: found for engagement, found in ledger.ours_among(present).items() if len(found) > 1}
    if not several:
        return
    closed = SyncedEvent.objects.filter(state__in=[EventState.DELETING, EventState.GONE])
    leaving = set(closed.values_list("uid", flat=True))
    reserved, read = _reserved(), _looked_at(ICloudConnection.objects.all())
    for engagement, events in several.items():
        staying = [e for e in events if e.uid not in leaving and not _is_out_of_sight(e, reserved, read)]
        assert len(staying) <= 1, f"{len(staying)} events for engagement {engagement}: {events}"


def _reserved() -> set[str]:
    """Return the addresses where events of ours are known to stand."""
    return set(SyncedEvent.objects.exclude(state=EventState.GONE).values_list("path", flat=True))


def _looked_at(connections: Iterable[ICloudConnection]) -> set[str]:
    return {calendar.path for connection in connections for calendar in listing.looked_at(connection)}


def _is_out_of_sight(event: Any, reserved: set[str], read: set[str]) -> bool:
    """Return whether the user moved this event of ours to a calendar that nobody reads: no one can know of it."""
    return event.calendar.path not in read and event.calendar.path + event.name not in reserved


def _foreign_events_untouched(ledger: Ledger, events: list[Any]) -> None:
    """I6: every octet that the owner of the phone wrote is still there, and nothing is there that nobody made."""
    present = {event.uid: event.body for event in events}
    for uid, body in ledger.foreign.items():
        assert present.get(uid) == body, f"the user's event {uid} was changed or removed"
    unknown = set(present) - set(ledger.foreign) - set(ledger.uids)
    assert not unknown, f"events that nobody made: {unknown}"


def _nothing_forgotten() -> None:
    """I8: iCloud acknowledged a live appointment's present revision, or somebody is going to tell it."""
    assert not (lost := _FORGOTTEN.rows()), f"{lost} are behind and nothing is due"


# -- at rest -----------------------------------------------------------------------------------------------------


def come_to_rest(ledger: Ledger, *, rounds: int = ROUNDS) -> None:
    """Look at every account until nothing is due and a whole round changed and wrote nothing (I14, I19), two where a
    listing is not believed at once; then check everything."""
    before, quiet, idle = signature(), 0, set[int]()
    enough = 1 if settings.ICLOUD_SETTLE_SECONDS < A_WHILE else 2
    for _ in range(rounds):
        made = len(ledger.icloud.requests)
        one_round(ledger, idle)
        after = signature()
        wrote = [record.path for record in ledger.icloud.requests[made:] if record.method in ("PUT", "DELETE")]
        still = after == before and not wrote and not _due() and not _seen_again_soon() and not _doubted()
        quiet = quiet + 1 if still else 0
        if quiet == enough:
            at_rest(ledger)
            return
        before = after
    raise AssertionError(f"no rest after {rounds} rounds; due: {list(_due())}")


def one_round(ledger: Ledger, idle: set[int] | None = None) -> None:
    """Time passes, back-off ends but for the wait between two refusals (C5), and every account is looked at once.

    Not those in `idle`, where an earlier round found nothing to do. What is found idle now is added to it.
    """
    idle = set() if idle is None else idle
    (ledger.wait or ledger.icloud.clock.advance)(A_WHILE)
    ICloudConnection.objects.filter(doubted_at=None).update(not_before=None)
    due = SyncedEvent.objects.filter(due_at__isnull=False)
    awake = set(due.values_list("calendar__connection", flat=True))
    ledger.asleep -= awake
    idle -= awake
    for pk, status in ICloudConnection.objects.order_by("pk").values_list("pk", "status"):
        if pk in ledger.asleep | idle:
            continue
        if status in ACTIVE:
            made = len(ledger.icloud.requests)
            syncing.pull(pk)
            if len(ledger.icloud.requests) == made + 1 and _waits_for_nothing(pk):
                idle.add(pk)  # one look at the home, and nothing to do about it
        elif status == ConnectionStatus.DISCONNECTED:
            syncing.push(pk)
    always(ledger)


def _seen_again_soon() -> bool:
    """Say whether something is to be fetched once more within minutes; what waits for tomorrow does not count."""
    soon = timezone.now() + timedelta(minutes=10)
    return any(model.objects.filter(fetch_at__lte=soon).exists() for model in (SyncedEvent, ICloudEvent))


def _doubted() -> bool:
    """Say whether an account waits between two refusals, and so was not looked at (C5)."""
    return ICloudConnection.objects.filter(doubted_at__isnull=False, status__in=ACTIVE).exists()


def _waits_for_nothing(pk: int) -> bool:
    """Say whether the last look at an account succeeded and left nothing to be proved or fetched later."""
    waiting = Q(recheck_at__isnull=False) | Q(missing_since__isnull=False, gone_at__isnull=True)
    well = ICloudConnection.objects.filter(pk=pk, failures=0, status=ConnectionStatus.CONNECTED)
    return well.exists() and not ICloudCalendar.objects.filter(waiting, connection=pk).exists()


def _due() -> Any:
    rows = SyncedEvent.objects.filter(due_at__isnull=False, state__in=SENDABLE)
    mute = rows.filter(calendar__writable=False, calendar__gone_at__isnull=True)
    gone = rows.exclude(state=EventState.DELETING).filter(calendar__gone_at__isnull=False)
    silent = rows.exclude(calendar__connection__status__in=ACTIVE).filter(calendar__connection__removal_until=None)
    waiting = rows.exclude(pk__in=mute).exclude(pk__in=gone).exclude(pk__in=silent)
    return waiting.values_list("pk", "state", "path", "failure", "attempts")


def signature() -> list[Any]:
    """Return everything that must stand still at rest, marks and clocks left out."""
    return [query.rows() for query in _SIGNATURE]


def at_rest(ledger: Ledger) -> None:
    """Check that both sides agree (I17, I18)."""
    always(ledger)
    _nothing_half_done()
    on_phones = ledger.ours_among(ledger.on_phones())
    records = Records.read(ledger)
    for engagement in Engagement.objects.filter(host__isnull=False).select_related("session", "calendar", "host"):
        _both_sides_agree(engagement, on_phones.get(engagement.pk, []), records)
    _blocks_are_what_phones_show(ledger)
    _no_text_was_written_twice(ledger)


@dataclass(frozen=True)
class Records:
    """What the rows say, read at once."""

    rows: dict[int | None, SyncedEvent]  # by engagement, live ones
    wanted: dict[int, Fields | None]  # by row
    active: set[str]  # principals that are connected, with a password that is accepted
    reserved: set[str]  # addresses where events of ours are known to stand
    looked_at: set[str]  # paths of calendars that are looked at
    unsupported: set[int | None]  # engagements whose edit on the phone cannot be taken (rule P7)

    @classmethod
    def read(cls, ledger: Ledger) -> Records:
        live = list(SyncedEvent.objects.filter(state__in=LIVE_STATES).select_related(*copies.RELATED))
        known = copies.copies(live, now=timezone.now(), settle=timedelta(0))
        connections = list(ICloudConnection.objects.all())
        flagged = Attention.objects.filter(code="unsupported_edit", resolved_at=None)
        return cls(
            rows={row.engagement_id: row for row in live},
            wanted={pk: copy.wanted for pk, copy in known.items()},
            active={connection.principal for connection in connections if connection.status in ACTIVE}
            & {account.principal_path for account in ledger.icloud.accounts if account.passwords},
            reserved=_reserved(),
            looked_at=_looked_at(connections),
            unsupported=set(flagged.values_list("engagement_id", flat=True)),
        )


def _nothing_half_done() -> None:
    open_rows = SyncedEvent.objects.filter(calendar__connection__status__in=ACTIVE)
    assert not open_rows.filter(state__in=[EventState.WRITTEN], intent__isnull=False).exists(), "an intent is open"
    assert not open_rows.filter(vanished_at__isnull=False, calendar__gone_at__isnull=True).exists(), "a proof is open"
    assert not open_rows.filter(state=EventState.FAILED).exists(), "a write failed for good"


def _both_sides_agree(engagement: Engagement, events: list[Any], records: Records) -> None:
    row = records.rows.get(engagement.pk)
    seen = [event for event in events if _is_connected(event, records)]
    seen = [event for event in seen if not _is_out_of_sight(event, records.reserved, records.looked_at)]
    if row is None or row.calendar.connection.principal not in records.active:
        assert not seen, f"{seen} has no live record"
        return
    if not belongs_in_icloud(engagement) or row.state in (EventState.REMOVED, EventState.LEFT_OFF):
        assert not seen, f"{row} should not be in iCloud: {seen}"
        return
    if row.state == EventState.PENDING:
        assert not row.calendar.writable or row.calendar.gone_at, f"{row} waits for nothing"
        return
    if row.calendar.gone_at is not None:
        return
    if not seen and row.calendar.path not in records.looked_at:
        return  # whatever became of it there, nobody was told
    (event,) = seen
    assert event.href.endswith(row.path) or event.calendar.path + event.name == row.path, (event, row.path)
    if _is_read(event, records) and engagement.pk not in records.unsupported:
        _says_the_same(row, event, records)


def _is_read(event: Any, records: Records) -> bool:
    return event.calendar.path in records.looked_at


def _is_connected(event: Any, records: Records) -> bool:
    return event.phone.account.principal_path in records.active


def _says_the_same(row: SyncedEvent, event: Any, records: Records) -> None:
    """I17. A title or a place is read as one line, whatever a phone wrote."""
    wanted = records.wanted[row.pk]
    assert wanted is not None
    shown = {
        "title": " ".join((event.summary or "").split()),
        "start": event.start.astimezone(datetime.fromisoformat(wanted["start"]).tzinfo).isoformat(),
        "end": event.end.astimezone(datetime.fromisoformat(wanted["end"]).tzinfo).isoformat(),
        "location": " ".join((event.location or "").split()),
        "notes": (event.description or "").partition(MARKER)[0].strip(),
    }
    assert shown == wanted, f"the two sides of {row} differ: {shown} on the phone, {wanted} wanted"


def _blocks_are_what_phones_show(ledger: Ledger) -> None:
    """I18, I10: every foreign event in a calendar that is read has its rows, and nothing else has."""
    for connection in ICloudConnection.objects.exclude(status=ConnectionStatus.DISCONNECTED).select_related("user"):
        account = next(one for one in ledger.icloud.accounts if one.principal_path == connection.principal)
        for calendar in connection.calendars.filter(listed_at__isnull=False, gone_at__isnull=True):
            place = next((one for one in account.calendars if one.path == calendar.path), None)
            if place is None or connection.status != ConnectionStatus.CONNECTED or not account.passwords:
                continue
            shown = {event.uid: event for event in account.phone.events(place) if event.uid in ledger.foreign}
            rows = {row.uid: row for row in calendar.events.filter(removed_at__isnull=True, unreadable="")}
            assert set(rows) == set(shown), f"{calendar}: mirrored {set(rows)}, on the phone {set(shown)}"
            for uid, event in shown.items():
                _blocks_are_right(rows[uid], event, calendar)


def _blocks_are_right(row: ICloudEvent, event: Any, calendar: ICloudCalendar) -> None:
    now = timezone.now()
    window = (now - timedelta(days=20), now + timedelta(days=380))
    found = sorted(BlockedSlot.objects.filter(external_id=row.pk, end__gt=window[0], start__lt=window[1]).values_list(
        "start", "end", "blocks"
    ))  # fmt: skip
    blocks = calendar.checks_conflicts and not event.free and (event.status or "").upper() != "CANCELLED"
    assert found == sorted((start, end, blocks) for start, end in event.occurrences(*window)), event


_STAMPS = re.compile(rb"(?m)^(DTSTAMP|LAST-MODIFIED|SEQUENCE|CREATED)[:;].*\r\n")


def _no_text_was_written_twice(ledger: Ledger) -> None:
    """I5, W8: two writes of one event in a row, with nobody's change between them, say different things."""
    last: dict[str, bytes] = {}
    for path, body in ledger.writes.log:
        text = _STAMPS.sub(b"", body)
        assert not text or last.get(path) != text, f"written twice: {path}"
        last[path] = text
