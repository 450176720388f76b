"""One calendar: what changed since the last token, fetched and applied in batches (rules P1, P6, P7; I12)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Min, Q
from django.utils import timezone

from icloud_sync.errors import ItemError, ItemMissing, ItemUnreadable, TokenLost
from icloud_sync.ical.scan import uid_at_a_glance
from icloud_sync.local import copies, journal, mirror, outbox, phone_edits, reading
from icloud_sync.local.context import BlockContext
from icloud_sync.models import EventState, ICloudCalendar, ICloudEvent, SyncedEvent
from icloud_sync.remote.values import Delta, Fetched
from icloud_sync.rules.absence import believed_from
from icloud_sync.rules.outcomes import backoff
from icloud_sync.services.run import Run, settle
from icloud_sync.sync.sides import Superseded
from icloud_sync.sync.take import follow, take

log = structlog.get_logger(__name__)

# Tokens may be forgotten without a word (fact 4.7): every calendar is listed in full once a day.
FULL_LISTING = timedelta(days=1)
FETCH = 50
LOOKUP = 1_000
# A transaction costs as much as reading ten events: several batches share one, as long as they are small.
PORTION = 500
PORTION_BYTES = 4_000_000
# While this passes between two batches, the run shows how far it is and lets pushes through.
PATIENCE = timedelta(seconds=1)


def listing_due(calendar: ICloudCalendar, *, now: datetime) -> bool:
    return calendar.listed_at is None or now >= calendar.listed_at + FULL_LISTING


class CalendarPull:
    """One calendar in one run."""

    def __init__(self, run: Run, calendar: ICloudCalendar, context: BlockContext) -> None:
        self.run = run
        self.calendar = calendar
        self.context = context
        self.knows_tokens = True
        self.repeated = False  # the answer named something that was known before
        self.still_listed = set[int]()  # records of what we removed a moment ago, by primary key
        first = calendar.listed_at is None
        self.mirror = mirror.Mirror(calendar, context, run.report, first=first, now=run.started, guard=run.guard)

    def pull(self, *, mark: str) -> None:
        """Fetch and apply what changed since the last token; the new token is kept only when all of it was."""
        delta = self._changes()
        fetch, vanished = self._compare(delta)
        if not delta.complete and (self.repeated or delta.empty):
            # More, or less, than what changed: everything, as some answer a token they forgot, and no deletion (4.6).
            delta = self._whole()
            fetch, vanished = self._compare(delta)
        self.run.report.total += len(fetch)
        missing = self.fetch(fetch, listed=delta.changed)
        if delta.changed:
            # Before the mark is kept: whoever dies in between, the next look comes here again.
            self.judge_moves()
        with transaction.atomic():
            self.run.guard()
            self._note_vanished(vanished, now=timezone.now())
            self.not_delivered(missing)
            self._look_again_at_removed()
            # Without a token something of the answer is missing: without a mark it is asked again (F28, F30).
            sure = delta.token is not None or not self.knows_tokens
            values: dict[str, object] = {
                "mark": mark if sure else "",
                "token": delta.token or "",
                "token_at": self.run.started,
            }
            if delta.complete:
                values["listed_at"] = self.run.started
                if self.calendar.listed_at is None:
                    journal.about_calendar(self.calendar, "first_import", after=self.run.report.as_dict()).save()
            ICloudCalendar.objects.filter(pk=self.calendar.pk).update(**values, recheck_at=self._recheck_at())

    def _changes(self) -> Delta:
        full = listing_due(self.calendar, now=self.run.started)
        if self.calendar.token and not full:
            try:
                return self.run.client.changes(self.calendar.path, token=self.calendar.token)
            except TokenLost:
                journal.about_calendar(self.calendar, "token_lost", path=self.calendar.path).save()
        return self._whole()

    def _whole(self) -> Delta:
        try:
            return self.run.client.changes(self.calendar.path, token=None)
        except TokenLost:
            # No sync-collection at all: a plain listing says the same, without a token.
            found = self.run.client.listing(self.calendar.path)
            self.knows_tokens = False
            return Delta(changed={path: etag or None for path, etag in found.items()}, complete=True)

    def _compare(self, delta: Delta) -> tuple[list[str], set[str]]:
        """Return the paths to fetch, and known paths that are not in iCloud as far as this answer says."""
        fetch: list[str] = []
        changed = list(delta.changed)
        for start in range(0, len(changed), LOOKUP):
            fetch += self._to_fetch({path: delta.changed[path] for path in changed[start : start + LOOKUP]})
        vanished = set(delta.removed) - set(delta.changed)
        if delta.complete:
            vanished |= self._known_paths() - set(delta.changed)
        return fetch, vanished

    def _to_fetch(self, changed: dict[str, str | None]) -> list[str]:
        paths = list(changed)
        known: dict[str, str] = {}
        settled: set[str] = set()
        theirs = ICloudEvent.objects.filter(calendar=self.calendar, path__any_of=paths)
        for path, etag, vanished, removed in theirs.values_list("path", "etag", "vanished_at", "removed_at"):
            known[path] = "" if vanished or removed else etag
            self.repeated |= bool(known[path]) and known[path] == changed[path]
        ours = SyncedEvent.objects.filter(calendar=self.calendar, path__any_of=paths)
        for row in ours.only("path", "etag", "state", "vanished_at", "written_at"):
            known[row.path] = "" if row.vanished_at else row.etag
            self.repeated |= known[row.path] == changed[row.path] and self._was_told(row)
            if self._just_removed(row):
                self.still_listed.add(row.pk)
                settled.add(row.path)
            elif row.state in (EventState.DELETING, EventState.PENDING):
                settled.add(row.path)
        return [
            path
            for path, etag in changed.items()
            if path not in settled and (etag is None or not known.get(path) or known[path] != etag)
        ]

    def _was_told(self, row: SyncedEvent) -> bool:
        """Say whether an earlier delta must have named this event as it is now."""
        told = self.calendar.token_at
        return told is not None and row.written_at is not None and row.written_at < told

    def _just_removed(self, row: SyncedEvent) -> bool:
        """A listing may still show what we removed a moment ago (fact 4.9)."""
        gone = row.state == EventState.GONE and row.written_at is not None
        return gone and row.written_at is not None and self.run.started < row.written_at + settle() * 2

    def _look_again_at_removed(self) -> None:
        """What we removed and is still listed may have been moved back: looked at when a listing is believed again."""
        removed = SyncedEvent.objects.filter(pk__in=self.still_listed, state=EventState.GONE)
        removed.update(fetch_at=self.run.started + settle() * 2)

    def _known_paths(self) -> set[str]:
        theirs = ICloudEvent.objects.filter(calendar=self.calendar, removed_at__isnull=True)
        ours = SyncedEvent.objects.filter(calendar=self.calendar, state=EventState.WRITTEN)
        return set(theirs.values_list("path", flat=True)) | set(ours.values_list("path", flat=True))

    def fetch(self, paths: Sequence[str], *, listed: Mapping[str, str | None] | None = None) -> list[str]:
        """Fetch and apply in portions; return the paths iCloud listed and did not deliver.

        `listed` are the ETags just listed. What was delivered with another one may be older (fact 4.9), and the next
        delta will not name it again: it is fetched once more, later.
        """
        missing: list[str] = []
        if not paths:
            return missing
        with reading.noted(self.calendar) as died:
            for portion in self._portions(paths):
                missing += self._apply_one_by_one(portion) if died else self._apply(portion)
                if listed is not None:
                    self._doubt(
                        [item.path for item in portion if item.body and listed.get(item.path) not in (None, item.etag)]
                    )
        return missing

    def _portions(self, paths: Sequence[str]) -> Iterator[list[Fetched]]:
        """Fetch batch after batch and yield what came as soon as it is worth a transaction.

        That is after `PORTION` events, `PORTION_BYTES`, or `PATIENCE`: then the run also shows how far it is and lets
        pushes through. What came before a fault, or before a time limit, is yielded too: it need not be fetched again.
        """
        portion: list[Fetched] = []
        size, shown = 0, timezone.now()
        for start in range(0, len(paths), FETCH):
            try:
                fetched = self.run.client.fetch(self.calendar.path, paths[start : start + FETCH])
            except Exception:
                if portion:
                    yield portion
                raise
            portion += fetched
            size += sum(len(item.body) for item in fetched if item.body)
            patient = timezone.now() <= shown + PATIENCE
            if patient and len(portion) < PORTION and size < PORTION_BYTES:
                continue
            yield portion
            portion, size = [], 0
            if not patient:
                self.run.push_due()
                shown = timezone.now()
        if portion:
            yield portion

    def judge_moves(self) -> None:
        """Let moves made on the phone be judged by what was read after them, too (rule P7)."""
        account = self.run.connection
        phone_edits.judge_again(account.user_id, since=account.data_as_of, now=timezone.now())

    def not_delivered(self, paths: Sequence[str], *, again: bool = False) -> None:
        """Remember what is listed and not delivered (fact 4.9); our own, asked for `again`, counts as vanished."""
        if not paths:
            return
        mine = self.calendar.synced_events.filter(path__any_of=paths)
        ours = set(mine.values_list("path", flat=True))
        if again:
            mine.filter(vanished_at__isnull=True, state=EventState.WRITTEN).update(vanished_at=timezone.now())
        mine.update(fetch_at=None if again else timezone.now() + settle())
        foreign = [path for path in paths if path not in ours]
        if foreign:
            self.mirror.not_delivered(foreign, retry_at=self._retry_at(foreign))

    def _doubt(self, paths: list[str]) -> None:
        if paths:
            again = timezone.now() + settle()
            for model in (ICloudEvent, SyncedEvent):
                model.objects.filter(calendar=self.calendar, path__any_of=paths).update(fetch_at=again)

    def _apply_one_by_one(self, portion: Sequence[Fetched]) -> list[str]:
        """Apply events of which one may have killed the last worker; the one it was at then is left unread (F38)."""
        missing: list[str] = []
        for item in portion:
            if item.path != self.calendar.reading_path or item.body is None:
                reading.at(self.calendar, item.path)
                missing += self._apply([item])
            elif not self._leave_ours_unread(item.path):
                uid = uid_at_a_glance(item.body)
                self.mirror.leave_unread(item.path, item.etag or "", uid=uid, reason=reading.DIED)
        return missing

    def _leave_ours_unread(self, path: str) -> bool:
        row = self.calendar.synced_events.filter(path=path).exclude(state=EventState.GONE).first()
        if row is None:
            return False
        journal.about_copy(row, "event_unreadable", code=reading.DIED)
        SyncedEvent.objects.filter(pk=row.pk).update(fetch_at=None)
        self.run.report.count("skipped")
        return True

    def _apply(self, fetched: Sequence[Fetched]) -> list[str]:
        paths = [item.path for item in fetched]
        open_or_left = ~Q(state=EventState.GONE) | Q(failure=outbox.LEFT)
        rows = SyncedEvent.objects.filter(open_or_left, calendar=self.calendar, path__any_of=paths)
        mine = {row.path: row for row in rows}
        bodies: list[mirror.Body] = []
        ours: list[Fetched] = []
        missing: list[str] = []
        for item in fetched:
            if item.body is None or item.status != 200:
                missing.append(item.path)
            elif item.path in mine:
                ours.append(item)
            else:
                bodies.append(mirror.Body(item.path, item.etag or "", item.body))
        # Theirs first: an appointment that changed places with a private event does not clash with it.
        unsure = self.mirror.apply(bodies)
        for item in ours:
            self._take(mine[item.path], item)
        for body in unsure:
            self._maybe_ours(body)
        return missing

    def _take(self, row: SyncedEvent, item: Fetched) -> None:
        """One of our events changed in iCloud (rule P7)."""
        if row.state == EventState.GONE:
            self._remove_what_was_left(row, item)
            return
        if (
            row.fetch_at is None
            and row.etag
            and row.etag == item.etag
            and row.vanished_at is None
            and row.state == EventState.WRITTEN
        ):
            return
        copy = copies.load(row.pk, now=timezone.now(), settle=settle())
        assert item.body is not None
        try:
            seen = self.run.side.read(copy, path=item.path, etag=item.etag, body=item.body)
        except ItemUnreadable as error:
            journal.about_copy(row, "event_unreadable", code=error.reason)
            SyncedEvent.objects.filter(pk=row.pk).update(fetch_at=None)
            self.run.report.count("skipped")
            return
        try:
            take(copy, seen, ours=self.run.appointments)
        except Superseded:
            log.info("superseded", row=row.pk)

    def _remove_what_was_left(self, row: SyncedEvent, item: Fetched) -> None:
        """The account was disconnected and is back; what it kept of ours is written elsewhere by now (W4, C6)."""
        if row.engagement and row.engagement.end > timezone.now():
            SyncedEvent.objects.filter(pk=row.pk).update(
                state=EventState.DELETING, due_at=timezone.now(), etag=item.etag or "", failure=""
            )

    def _maybe_ours(self, body: mirror.Body) -> None:
        """A new event with the UID of one of ours: ours, moved here, if nothing is left at the old place (P6).

        Ours as well, if this is the old place: moved away where nobody looks, and back.
        """
        row = self._row_by_uid(body)
        if row is None or (row.path != body.path and not self._old_place_is_empty(row)):
            self.mirror.apply([body], surely_theirs=True)
            return
        if row.state in (EventState.GONE, EventState.DELETING):
            SyncedEvent.objects.filter(pk=row.pk).update(
                state=EventState.DELETING, due_at=timezone.now(), etag=body.etag, path=body.path, calendar=self.calendar
            )
            return
        copy = copies.load(row.pk, now=timezone.now(), settle=settle())
        try:
            seen = self.run.side.read(copy, path=body.path, etag=body.etag, body=body.text)
        except ItemUnreadable:
            self.mirror.apply([body], surely_theirs=True)
            return
        follow(copy, seen, ours=self.run.appointments)

    def _row_by_uid(self, body: mirror.Body) -> SyncedEvent | None:
        """Return our record of a UID; one that we removed ourselves does not come back, whoever copies its UID."""
        uid = mirror.uid_of(body)
        rows = SyncedEvent.objects.filter(uid=uid, calendar__connection=self.run.connection).select_related("calendar")
        row = rows.order_by("-pk").first()
        return None if row is None or (row.state == EventState.GONE and row.failure != outbox.MISSING) else row

    def _old_place_is_empty(self, row: SyncedEvent) -> bool:
        try:
            self.run.client.get(row.path)
        except ItemMissing:
            return True
        except ItemError:
            return False
        return False

    def _note_vanished(self, paths: set[str], *, now: datetime) -> None:
        """Remember what was not found; it counts only once it is proved (rule P6)."""
        listed = list(paths)
        for start in range(0, len(listed), LOOKUP):
            chunk = listed[start : start + LOOKUP]
            theirs = ICloudEvent.objects.filter(
                calendar=self.calendar, path__in=chunk, vanished_at__isnull=True, removed_at__isnull=True
            )
            theirs.update(vanished_at=now)
            ours = SyncedEvent.objects.filter(
                calendar=self.calendar, path__in=chunk, vanished_at__isnull=True, state=EventState.WRITTEN
            )
            ours.update(vanished_at=now)

    def _retry_at(self, paths: Sequence[str]) -> datetime:
        tried = ICloudEvent.objects.filter(calendar=self.calendar, path__any_of=paths).order_by("-attempts").first()
        seconds = backoff(
            failures=(tried.attempts if tried else 0) + 1,
            poll=settings.ICLOUD_POLL_SECONDS,
            longest=settings.ICLOUD_BACKOFF_MAX_SECONDS,
        )
        return timezone.now() + timedelta(seconds=seconds)

    def plan_recheck(self) -> None:
        """Have the calendar looked into when the next thing can be proved or fetched."""
        ICloudCalendar.objects.filter(pk=self.calendar.pk).update(recheck_at=self._recheck_at())

    def _recheck_at(self) -> datetime | None:
        """Return when the next thing can be proved or fetched, if anything waits for that."""
        theirs = ICloudEvent.objects.filter(calendar=self.calendar)
        first = theirs.aggregate(vanished=Min("vanished_at"), fetch=Min("fetch_at"))
        waiting = self.calendar.synced_events.filter(Q(vanished_at__isnull=False) | Q(fetch_at__isnull=False))
        ours = waiting.values_list("written_at", "vanished_at", "fetch_at")
        wishes: list[datetime | None] = []
        for written, vanished, fetch in [(None, first["vanished"], first["fetch"]), *ours]:
            proof = believed_from(written_at=written, vanished_at=vanished, settle=settle()) if vanished else None
            wishes += [proof, fetch]
        return min([wish for wish in wishes if wish], default=None)
