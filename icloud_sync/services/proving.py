"""What vanished from a calendar is proved at its very address before it counts (rules P4, P5, P6)."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from icloud_sync.errors import ItemMissing, ItemUnreadable
from icloud_sync.local import attention, blocks, copies, journal, mirror
from icloud_sync.models import ICloudEvent, SyncedEvent
from icloud_sync.services.calendar_pull import FETCH, CalendarPull
from icloud_sync.services.run import settle
from icloud_sync.sync.push import prove, take


def recheck(pull: CalendarPull) -> None:
    """Prove what vanished from a calendar, and fetch what was not delivered."""
    now = timezone.now()
    proof = _Proof(pull)
    gone = ICloudEvent.objects.filter(calendar=pull.calendar, vanished_at__lte=now - settle())
    theirs = list(gone.select_related("calendar"))
    for start in range(0, len(theirs), FETCH):
        proof.theirs(theirs[start : start + FETCH])
    for row in SyncedEvent.objects.filter(calendar=pull.calendar, vanished_at__lte=now - settle()):
        if row.written_at is None or now >= row.written_at + settle():
            proof.ours(row)
    again = ICloudEvent.objects.filter(calendar=pull.calendar, fetch_at__lte=now).values_list("path", flat=True)
    missing = pull.fetch(list(again))
    if missing:
        pull.mirror.not_delivered(missing, retry_at=pull.retry_at(missing))
    pull.plan_recheck()


class _Proof:
    """Direct looks at what a calendar does not list any more."""

    def __init__(self, pull: CalendarPull) -> None:
        self.pull = pull
        self.run = pull.run
        self.calendar = pull.calendar

    def theirs(self, events: list[ICloudEvent]) -> None:
        fetched = {f.path: f for f in self.run.client.fetch(self.calendar.path, [e.path for e in events])}
        gone: list[ICloudEvent] = []
        for event in events:
            item = fetched.get(event.path)
            if item is None or item.status == 0:
                if self._is_missing(event.path):
                    gone.append(event)
            elif item.status == 404:
                gone.append(event)
            elif item.status == 200 and item.body is not None:
                self.pull.mirror.apply([mirror.Body(item.path, item.etag or "", item.body)], surely_theirs=True)
        with transaction.atomic():
            self.run.guard()
            moved = [event for event in gone if self._moved_elsewhere(event)]
            blocks.remove_events([event.pk for event in moved])
            removed = [event for event in gone if event not in moved and event.essence is not None]
            blocks.mark_removed(removed, release=self.pull.context.release_deleted, now=self.run.started)
            blocks.remove_events([e.pk for e in gone if e not in moved and e not in removed])
            for event in gone:
                action = "event_moved" if event in moved else "event_deleted"
                journal.about_calendar(self.calendar, action, path=event.path, uid=event.uid).save()
                attention.resolve(event, attention.UNREADABLE, now=self.run.started)
        self.run.report.count("removed", len(gone))

    def _is_missing(self, path: str) -> bool:
        try:
            self.run.client.get(path)
        except ItemMissing:
            return True
        return False

    def _moved_elsewhere(self, event: ICloudEvent) -> bool:
        """Return whether the same UID stands in another calendar that is read (rule P6)."""
        others = ICloudEvent.objects.filter(
            uid=event.uid,
            calendar__connection=self.run.connection,
            removed_at__isnull=True,
            vanished_at__isnull=True,
        )
        return others.exclude(pk=event.pk).exists()

    def ours(self, row: SyncedEvent) -> None:
        copy = copies.load(row.pk, now=timezone.now(), settle=settle())
        seen = self.run.side.look(copy)
        if seen is None and self._adopt_moved(row):
            return
        prove(copy, seen, ours=self.run.appointments)

    def _adopt_moved(self, row: SyncedEvent) -> bool:
        """Our event was mirrored as a foreign one before its old place was seen to be empty: it is ours after all."""
        twin = (
            ICloudEvent.objects.filter(uid=row.uid, calendar__connection=self.run.connection, removed_at__isnull=True)
            .select_related("calendar")
            .first()
        )
        if twin is None:
            return False
        copy = copies.load(row.pk, now=timezone.now(), settle=settle())
        try:
            item = self.run.client.get(twin.path)
            assert item.body is not None
            seen = self.run.side.read(copy, path=item.path, etag=item.etag, body=item.body)
        except (ItemMissing, ItemUnreadable):
            return False
        blocks.remove_events([twin.pk])
        ours = self.run.appointments
        take(ours.restored(copy, seen), seen, ours=ours)
        return True
