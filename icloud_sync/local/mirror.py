"""One batch of bodies from one iCloud calendar, applied in one transaction (rules P1-P3, P14; reliability I12)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from django.db import transaction
from django.db.models import Q

from icloud_sync.errors import ItemUnreadable
from icloud_sync.ical.fingerprint import fingerprint
from icloud_sync.ical.scan import NOT_AN_EVENT, scan, uid_at_a_glance
from icloud_sync.local import attention, blocks, journal
from icloud_sync.local.bulk import blanks
from icloud_sync.local.context import BlockContext
from icloud_sync.models import EventState, ICloudCalendar, ICloudEvent, JournalEntry, SyncedEvent
from icloud_sync.rules.reconcile import decide
from icloud_sync.rules.states import Action, Local, Origin, Remote
from icloud_sync.sync.report import Report

# An event that iCloud lists but does not deliver is asked for this often, then it is named and tried daily.
TRIES = 5
DAY = timedelta(days=1)
# A page of PostgreSQL's index has room for 2,704 octets.
LONGEST_UID = 1_000


@dataclass(frozen=True, slots=True)
class Body:
    """One event as it was fetched."""

    path: str
    etag: str
    text: bytes


@dataclass(slots=True)
class _Batch:
    created: list[blocks.Expanded] = field(default_factory=list)
    changed: list[blocks.Expanded] = field(default_factory=list)
    touched: list[ICloudEvent] = field(default_factory=list)
    unreadable: list[ICloudEvent] = field(default_factory=list)
    entries: list[JournalEntry] = field(default_factory=list)
    first_read: set[str] = field(default_factory=set)  # paths of which nothing was read before
    not_theirs: list[ICloudEvent] = field(default_factory=list)


class Mirror:
    """Mirrors one calendar. `first` leaves single entries out of the journal: the first import is one line there.

    `guard` is called inside each transaction and raises when the run may not write any more.
    """

    def __init__(
        self,
        calendar: ICloudCalendar,
        context: BlockContext,
        report: Report,
        *,
        first: bool,
        now: datetime,
        guard: Callable[[], None] = lambda: None,
    ) -> None:
        self.calendar = calendar
        self.context = context
        self.report = report
        self.first = first
        self.now = now
        self.guard = guard
        self._blank = blanks(ICloudEvent, calendar_id=calendar.pk)

    def apply(self, bodies: Sequence[Body], *, surely_theirs: bool = False) -> list[Body]:
        """Bring events and their blocked slots up to date; one that cannot be read never stops the others.

        Return, unapplied, new events that carry the UID of one of our own: they may be ours, moved on the phone, or
        somebody's copy, and only a look at our old place can tell (`surely_theirs`: somebody looked).
        """
        paths = [body.path for body in bodies]
        known = {row.path: row for row in ICloudEvent.objects.filter(calendar=self.calendar, path__any_of=paths)}
        batch = _Batch()
        for body in bodies:
            self._one(body, known.get(body.path), batch)
        ours = self._tell_ours(batch, surely_theirs=surely_theirs)
        with transaction.atomic():
            self.guard()
            self._save(batch)
        self.report.done += len(bodies) - len(ours)
        return [body for body in bodies if body.path in ours]

    def _tell_ours(self, batch: _Batch, *, surely_theirs: bool) -> list[str]:
        """Return the paths of what was set apart, for it carries the UID of an event written to this account.

        An appointment written to another account of the same user, and read here too because both share the calendar,
        closes its time by itself and never its own seats (rule W7): of it nothing but its fingerprint is kept.
        """
        first = [item for item in (*batch.created, *batch.changed) if item.event.path in batch.first_read]
        uids = [item.event.uid for item in first]
        ours = SyncedEvent.objects.filter(uid__any_of=uids, calendar__connection__user_id=self.context.user_id)
        # What its owner deleted there and has here is an event of theirs: they put it here.
        stands = Q(engagement__active=True) & ~Q(state__in=[EventState.REMOVED, EventState.LEFT_OFF])
        found = ours.annotate(stands=stands).values_list("uid", "calendar__connection_id", "stands") if uids else []
        here = {uid for uid, account, _ in found if account == self.calendar.connection_id}
        elsewhere = {uid for uid, account, there in found if account != self.calendar.connection_id and there}
        for item in first:
            if item.event.uid in elsewhere:
                item.event.essence, item.event.recurring = None, False
                item.slots.clear()
        return [] if surely_theirs else self._set_apart(batch, [item.event for item in first if item.event.uid in here])

    def _set_apart(self, batch: _Batch, events: list[ICloudEvent]) -> list[str]:
        if not events:
            return []
        apart = {event.path: event for event in events}
        created, changed = len(batch.created), len(batch.changed)
        batch.created = [item for item in batch.created if item.event.path not in apart]
        batch.changed = [item for item in batch.changed if item.event.path not in apart]
        batch.entries = [entry for entry in batch.entries if entry.path not in apart]
        # Known until now as something that could not be read.
        batch.not_theirs = [event for event in apart.values() if event.pk is not None]
        self.report.counts["created"] -= created - len(batch.created)
        self.report.counts["updated"] -= changed - len(batch.changed)
        return list(apart)

    def _one(self, body: Body, row: ICloudEvent | None, batch: _Batch) -> None:
        event = row or self._new(body.path)
        if event.essence is None:
            batch.first_read.add(body.path)
        local = Local.ABSENT if row is None else Local.SAME if row.removed_at is None else Local.REMOVED
        event.etag, event.vanished_at, event.fetch_at, event.attempts = body.etag, None, None, 0
        try:
            scanned = scan(body.text)
            mark = fingerprint(scanned)
            remote = Remote.NEW if row is None else Remote.SAME if mark == row.fingerprint else Remote.EDITED
            action = decide(Origin.ICLOUD, local, remote)
            if action is Action.NOTHING and not event.unreadable:
                batch.touched.append(event)
                self.report.count("unchanged")
                return
            event.uid, event.fingerprint, event.essence = known_as(scanned.uid), mark, scanned.to_json()
            event.recurring = scanned.recurring
            event.removed_at = event.released_at = None
            item = blocks.expanded(event, scanned, calendar=self.calendar, context=self.context)
        except ItemUnreadable as error:
            event.uid = event.uid or uid_at_a_glance(body.text)
            self._unreadable(event, error.reason, batch)
            return
        event.unreadable, event.expanded_to = "", self.context.horizon
        new = action is Action.CREATE_BLOCK
        (batch.created if new else batch.changed).append(item)
        self.report.count("created" if new else "updated")
        if not self.first:
            told = "event_new" if new else "event_changed"
            batch.entries.append(self._entry(event, told, code="; ".join(item.warnings)))
        elif item.warnings:
            batch.entries.append(self._entry(event, "event_warning", code="; ".join(item.warnings)))

    def _new(self, path: str) -> ICloudEvent:
        event: ICloudEvent = self._blank()
        event.path = path
        return event

    def _unreadable(self, event: ICloudEvent, reason: str, batch: _Batch) -> None:
        """Keep what it blocked before, name it, and read it again when it changes (rule P14)."""
        event.unreadable = reason[:60]
        event.uid = event.uid or event.path.rsplit("/", 1)[-1][:1000]
        batch.unreadable.append(event)
        self.report.count("skipped")
        if not is_no_event(event):
            batch.entries.append(self._entry(event, "event_unreadable", code=reason))

    def _entry(self, event: ICloudEvent, action: str, *, code: str = "") -> JournalEntry:
        return journal.about_calendar(self.calendar, action, path=event.path, uid=event.uid, code=code)

    def _save(self, batch: _Batch) -> None:
        new = [event for event in batch.unreadable if event.pk is None]
        ICloudEvent.objects.bulk_create(new)
        old = [item.event for item in batch.changed] + [e for e in batch.unreadable if e not in new]
        fields = ["uid", "etag", "fingerprint", "essence", "recurring", "expanded_to", "unreadable"]
        lifecycle = ["vanished_at", "removed_at", "released_at", "fetch_at", "attempts"]
        blocks.update_events(old, fields + lifecycle)
        blocks.update_events(batch.touched, ["etag", "vanished_at", "fetch_at", "attempts"])
        for event in batch.not_theirs:
            attention.resolve(event, attention.UNREADABLE, now=self.now)
        blocks.remove_events([event.pk for event in batch.not_theirs])
        self._drop_moved([item.event.uid for item in batch.created])
        blocks.create(batch.created, user_id=self.context.user_id)
        blocks.write(batch.changed, user_id=self.context.user_id)
        journal.add(batch.entries)
        for event in batch.unreadable:
            if not is_no_event(event):
                attention.about_event(event, attention.UNREADABLE, now=self.now, why=event.unreadable)
        settled = [event.pk for event in old if not event.unreadable or is_no_event(event)]
        attention.resolve_events(settled, attention.UNREADABLE, now=self.now)

    def _drop_moved(self, uids: list[str]) -> None:
        """What was taken for deleted in another calendar, because this one could not be read then, was moved (P6)."""
        kept = ICloudEvent.objects.filter(
            uid__any_of=uids, removed_at__isnull=False, calendar__connection_id=self.calendar.connection_id
        ).exclude(calendar=self.calendar)
        blocks.remove_events(list(kept.values_list("pk", flat=True)))

    def leave_unread(self, path: str, etag: str, *, uid: str, reason: str) -> None:
        """Name an event that must not even be looked into; it is read when it changes (rule P14), or tomorrow: what
        killed its readers may have been something else. `uid`: as far as it is known."""
        event = ICloudEvent.objects.filter(calendar=self.calendar, path=path).first() or self._new(path)
        event.etag, event.vanished_at, event.fetch_at, event.attempts = etag, None, self.now + DAY, 0
        event.uid = event.uid or uid
        batch = _Batch()
        self._unreadable(event, reason, batch)
        with transaction.atomic():
            self.guard()
            self._save(batch)

    def not_delivered(self, paths: Sequence[str], *, retry_at: datetime) -> None:
        """Remember events that iCloud lists and does not deliver, so that the sync token may move on (fact 4.9)."""
        known = {row.path: row for row in ICloudEvent.objects.filter(calendar=self.calendar, path__any_of=paths)}
        for path in paths:
            row = known.get(path) or ICloudEvent(calendar=self.calendar, path=path, uid=path.rsplit("/", 1)[-1])
            row.attempts += 1
            row.etag = ""
            tired = row.attempts >= TRIES
            row.fetch_at = self.now + DAY if tired else retry_at
            if tired:
                row.unreadable = "not_delivered"
            with transaction.atomic():
                row.save()
                if tired and attention.about_event(row, attention.UNREADABLE, now=self.now, why="not_delivered"):
                    self._entry(row, "event_unreadable", code="not_delivered").save()
            self.report.count("skipped")


def is_no_event(event: ICloudEvent) -> bool:
    """Return whether a task or the like stands there, and no event ever did: nothing is missing (fact 3.4)."""
    return event.unreadable == NOT_AN_EVENT and event.essence is None


def known_as(uid: str) -> str:
    """Return a UID as rows keep it: whoever sends an invitation chooses it, and an index has room for some only."""
    octets = uid.encode()
    return uid if len(octets) <= LONGEST_UID else "sha256:" + sha256(octets).hexdigest()


def uid_of(body: Body) -> str:
    """Return the UID of a body that was read before."""
    return scan(body.text).uid
