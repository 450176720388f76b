"""What vanished from a calendar is proved at its very address before it counts (rules P4, P5, P6)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from icloud_sync.errors import ItemError, ItemMissing, ItemUnreadable
from icloud_sync.local import attention, blocks, copies, journal, mirror, reading
from icloud_sync.models import EventState, ICloudCalendar, ICloudEvent, SyncedEvent
from icloud_sync.remote.values import Fetched
from icloud_sync.rules.absence import may_prove
from icloud_sync.rules.reconcile import decide
from icloud_sync.rules.states import Action, Local, Origin, Remote
from icloud_sync.services.calendar_pull import FETCH, CalendarPull
from icloud_sync.services.run import settle
from icloud_sync.sync.sides import Superseded
from icloud_sync.sync.take import follow, prove

log = structlog.get_logger(__name__)


def recheck(pull: CalendarPull) -> None:
    """Prove what vanished from a calendar, and fetch what was not delivered or may have been old."""
    now = timezone.now()
    proof = _Proof(pull)
    gone = ICloudEvent.objects.filter(calendar=pull.calendar, vanished_at__lte=now - settle())
    theirs = list(gone.select_related("calendar"))
    for start in range(0, len(theirs), FETCH):
        proof.theirs(theirs[start : start + FETCH])
    for row in SyncedEvent.objects.filter(calendar=pull.calendar, vanished_at__isnull=False):
        if may_prove(now=now, written_at=row.written_at, vanished_at=row.vanished_at, settle=settle()):
            proof.ours(row)
    proof.fetch_again(now=now)
    pull.judge_moves()
    pull.plan_recheck()
    _not_at_once(pull.calendar)


def _not_at_once(calendar: ICloudCalendar) -> None:
    """What could not be settled now waits for the next look: nobody is asked the same thing over and over."""
    soonest = timezone.now() + timedelta(seconds=settings.ICLOUD_POLL_SECONDS)
    ICloudCalendar.objects.filter(pk=calendar.pk, recheck_at__lte=timezone.now()).update(recheck_at=soonest)


class _Proof:
    """Direct looks at what a calendar does not list any more."""

    def __init__(self, pull: CalendarPull) -> None:
        self.pull = pull
        self.run = pull.run
        self.calendar = pull.calendar

    def theirs(self, events: list[ICloudEvent]) -> None:
        fetched = {f.path: f for f in self.run.client.fetch(self.calendar.path, [e.path for e in events])}
        found = {event.pk: self._surely(fetched[event.path]) for event in events}
        alive = [mirror.Body(f.path, f.etag or "", f.body) for f in found.values() if f and f.body]
        if alive:
            self.pull.mirror.apply(alive, surely_theirs=True)
        gone = [event for event in events if (item := found[event.pk]) is not None and item.status == 404]
        with transaction.atomic():
            self.run.guard()
            self._close(gone)
        self.run.report.count("removed", len(gone))

    def _close(self, gone: list[ICloudEvent]) -> None:
        """Keep the blocks of deleted events, flagged or freed; those of moved ones stand elsewhere (rules P5, P6), and
        what LeadMagicX itself removed frees its time for everybody who saw it (rule W2, F52)."""
        moved = [event for event in gone if self._moved_elsewhere(event)]
        retired = _retired(gone)
        kept = [event for event in gone if event not in moved and event.uid not in retired and _keeps(event)]
        blocks.mark_removed(kept, release=self.pull.context.release_deleted, now=self.run.started)
        for event in gone:
            if not mirror.is_no_event(event):
                action = "event_moved" if event in moved else "event_deleted"
                journal.about_calendar(self.calendar, action, path=event.path, uid=event.uid).save()
            attention.resolve(event, attention.UNREADABLE, now=self.run.started)
        blocks.remove_events([event.pk for event in gone if event not in kept])

    def _surely(self, item: Fetched) -> Fetched | None:
        """Return what stands at an address, 404 if nothing does, or None when nobody can tell now."""
        if item.status in (200, 404):
            return item
        try:
            return self.run.client.get(item.path)
        except ItemMissing:
            return Fetched(item.path, None, None, 404)
        except ItemError as error:
            log.info("not_proved", calendar=self.calendar.pk, error=type(error).__name__)
            return None

    def _moved_elsewhere(self, event: ICloudEvent) -> bool:
        """Return whether the same UID stands in another calendar, where it can be read (rule P6)."""
        others = ICloudEvent.objects.filter(
            uid=event.uid,
            calendar__connection=self.run.connection,
            removed_at__isnull=True,
            vanished_at__isnull=True,
            unreadable="",
        )
        return others.exclude(pk=event.pk).exists()

    def ours(self, row: SyncedEvent) -> None:
        copy = copies.load(row.pk, now=timezone.now(), settle=settle())
        try:
            seen = self.run.side.look(copy)
            if seen is None and self._adopt_moved(row):
                return
            prove(copy, seen, ours=self.run.appointments)
        except Superseded:
            log.info("superseded", row=row.pk)
        except ItemUnreadable as error:
            SyncedEvent.objects.filter(pk=row.pk).update(vanished_at=None)
            journal.about_copy(row, "event_unreadable", code=error.reason)
        except ItemError as error:
            log.info("not_proved", row=row.pk, error=type(error).__name__)

    def _adopt_moved(self, row: SyncedEvent) -> bool:
        """Our event was mirrored as a foreign one before its old place was seen to be empty: it is ours after all."""
        twin = (
            ICloudEvent.objects.filter(uid=row.uid, calendar__connection=self.run.connection, removed_at__isnull=True)
            .select_related("calendar")
            .first()
        )
        if twin is None:
            return False
        if twin.unreadable == reading.DIED:
            # Left unread until tomorrow (F38): what may stand there is not proved to be gone.
            return True
        copy = copies.load(row.pk, now=timezone.now(), settle=settle())
        try:
            item = self.run.client.get(twin.path)
            assert item.body is not None
            seen = self.run.side.read(copy, path=item.path, etag=item.etag, body=item.body)
        except (ItemMissing, ItemUnreadable):
            return False
        blocks.remove_events([twin.pk])
        follow(copy, seen, ours=self.run.appointments)
        return True

    def fetch_again(self, *, now: datetime) -> None:
        """Fetch what was not delivered, and what was delivered with an older ETag than was listed (fact 4.9)."""
        theirs = ICloudEvent.objects.filter(calendar=self.calendar, fetch_at__lte=now)
        ours = SyncedEvent.objects.filter(calendar=self.calendar, fetch_at__lte=now)
        paths = [*theirs.values_list("path", flat=True), *ours.values_list("path", flat=True)]
        self.pull.not_delivered(self.pull.fetch(paths), again=True)
        # What we removed is looked at once: whatever else stands in its place by now has a record of its own.
        ours.filter(state=EventState.GONE).update(fetch_at=None)


def _retired(events: Sequence[ICloudEvent]) -> set[str]:
    """Return the UIDs of another host's appointments that LeadMagicX took out of iCloud itself."""
    removed = SyncedEvent.objects.filter(state__in=[EventState.DELETING, EventState.GONE])
    return set(removed.filter(uid__any_of=[event.uid for event in events]).values_list("uid", flat=True))


def _keeps(event: ICloudEvent) -> bool:
    """Return whether the blocks of an event stay although it was deleted; one never read has none (rule P5)."""
    if event.essence is None:
        return False
    return decide(Origin.ICLOUD, Local.SAME, Remote.ABSENT) is Action.KEEP_BLOCK
