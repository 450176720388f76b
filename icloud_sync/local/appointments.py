"""Our side of the sync flows: what happened to one of our events becomes rows, in one transaction each."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from calendars.models import Engagement
from icloud_sync import signals
from icloud_sync.local import attention, copies, flags, journal, listing, outbox, phone_edits
from icloud_sync.models import EventState, ICloudCalendar, ICloudEvent, SyncedEvent
from icloud_sync.rules.absence import believed_from
from icloud_sync.rules.merge import Merge, merge
from icloud_sync.sync.compare import started_from
from icloud_sync.sync.push import NO_RIGHT
from icloud_sync.sync.report import Report
from icloud_sync.sync.sides import Additions, Copy, Draft, Fields, Seen, Superseded

DAY = timedelta(days=1)


class Appointments:
    """Implements icloud_sync.sync.sides.Ours with rows. `settle` is how long a listing is not yet believed."""

    def __init__(self, report: Report, *, settle: timedelta) -> None:
        self.report = report
        self.settle = settle

    def begin(self, copy: Copy, draft: Draft, *, before: Fields | None) -> Copy:
        with transaction.atomic():
            row = self._locked(copy)
            if row.state not in (EventState.PENDING, EventState.WRITTEN) or row.uid != copy.uid:
                raise Superseded(row.pk)
            pending = [text for text in row.intent or [] if text != draft.fields]
            row.sent_at, row.intent, row.before = timezone.now(), [*pending, draft.fields], before
            row.save(update_fields=["sent_at", "intent", "before"])
        return replace(copy, intents=tuple(row.intent), before=before, sent=True)

    def written(self, copy: Copy, draft: Draft, *, etag: str) -> None:
        now = timezone.now()
        with transaction.atomic():
            row = self._locked(copy)
            before = row.base
            self._settle(row, copy, etag=etag, base=draft.fields)
            row.written_at = now
            row.save()
            outbox.succeeded(row, now=now)
            if row.engagement and not draft.unsupported:
                attention.resolve(row.engagement, attention.UNSUPPORTED, now=now)
            journal.about_copy(row, "created" if before is None else "updated", before=before, after=draft.fields)
        self.report.count("written")

    def agreed(self, copy: Copy, seen: Seen) -> None:
        now = timezone.now()
        with transaction.atomic():
            row = self._locked(copy)
            arrived = row.sent_at
            self._settle(row, copy, etag=seen.etag, base=seen.fields)
            row.written_at = arrived or row.written_at
            row.save()
            outbox.succeeded(row, now=now)
        self.report.count("unchanged")

    def adopted(self, copy: Copy, seen: Seen) -> Copy:
        now = timezone.now()
        with transaction.atomic():
            row = self._locked(copy)
            # What an earlier write said is the base; a difference to it is the user's. Which details it had is unknown.
            self._settle(row, copy, etag=seen.etag, base=started_from(copy, seen) or seen.fields, revision=0)
            row.details, row.written_at = "", row.sent_at or now
            if row.state == EventState.WRITTEN:
                row.due_at = now
            if seen.path != row.path and not self._follow(row, seen.path):
                self._flag_removed(row, now=now)
            row.save()
            journal.about_copy(row, "adopted", after=row.base)
        self.report.count("written")
        return self._reload(copy)

    def acknowledged(self, copy: Copy, seen: Seen) -> None:
        rows = SyncedEvent.objects.filter(pk=copy.id)
        rows.update(etag=seen.etag, vanished_at=None, fetch_at=None)
        if copy.base is not None and seen.fields == copy.base:
            self._resolve(copy, attention.UNSUPPORTED)
        self.report.count("unchanged")

    def merged(self, copy: Copy, seen: Seen, result: Merge) -> Copy:
        now = timezone.now()
        with transaction.atomic():
            phone_edits.lock(copy.id)
            row = self._locked(copy)
            before, row.base = row.base, seen.fields
            row.etag, row.intent, row.before, row.sent_at = seen.etag, None, None, None
            row.vanished_at = row.fetch_at = None
            row.save()
            if result.take:
                phone_edits.apply(row, result.take, now=now, before=before)
            if result.lost:
                kept = {name: (copy.wanted or {}).get(name, "") for name in result.lost}
                journal.about_copy(row, "edit_lost", code="leadmagicx_wins", before=result.lost, after=kept)
            self._close_if_equal(row, now=now)
            if row.engagement:
                attention.resolve(row.engagement, attention.UNSUPPORTED, now=now)
        self.report.count("updated")
        return self._reload(copy)

    def left_behind(self, copy: Copy, seen: Seen) -> None:
        now = timezone.now()
        with transaction.atomic():
            phone_edits.lock(copy.id)
            row = self._locked(copy)
            before = started_from(copy, seen)
            row.base, row.etag = seen.fields, seen.etag
            row.save(update_fields=["base", "etag"])
            standing = row.engagement and phone_edits.standing(row.engagement)
            wanted = copies.wanted_of(standing) if standing else {}
            result = merge(base=before, local=wanted, remote=seen.fields)
            if standing and result.take:
                phone_edits.apply(row, result.take, now=now, before=before, engagement=standing)
            lost = result.lost if standing else result.lost | result.take
            if lost:
                kept = {name: wanted.get(name, "") for name in lost}
                journal.about_copy(row, "edit_lost", code="leadmagicx_wins", before=lost, after=kept)
        self.report.count("updated")

    def unsupported(self, copy: Copy, seen: Seen) -> None:
        now = timezone.now()
        with transaction.atomic():
            row = self._locked(copy)
            row.etag, row.vanished_at, row.fetch_at = seen.etag, None, None
            row.save(update_fields=["etag", "vanished_at", "fetch_at"])
            assert row.engagement is not None
            if attention.about_engagement(row.engagement, attention.UNSUPPORTED, now=now, why=seen.unsupported):
                journal.about_copy(row, "edit_not_taken", code=seen.unsupported)

    def look_later(self, copy: Copy) -> None:
        with transaction.atomic():
            row = self._locked(copy)
            later = believed_from(written_at=row.written_at, vanished_at=None, settle=self.settle)
            row.fetch_at = later or timezone.now()
            row.save(update_fields=["fetch_at"])
            look_again(row.calendar, at=row.fetch_at)

    def vanished(self, copy: Copy) -> None:
        now = timezone.now()
        with transaction.atomic():
            row = self._locked(copy)
            row.vanished_at = row.vanished_at or now
            row.due_at = row.fetch_at = None
            row.save(update_fields=["vanished_at", "due_at", "fetch_at"])
            again = believed_from(written_at=row.written_at, vanished_at=row.vanished_at, settle=self.settle)
            look_again(row.calendar, at=again or now)

    def removed(self, copy: Copy) -> None:
        now = timezone.now()
        with transaction.atomic():
            row = self._locked(copy)
            self._flag_removed(row, now=now)
            row.save()
        self.report.count("removed")

    def recreate(self, copy: Copy) -> None:
        now = timezone.now()
        with transaction.atomic():
            row = self._locked(copy)
            assert row.engagement is not None
            assert row.engagement.host_id is not None
            journal.about_copy(row, "removed_in_icloud", code="written_again", before=row.base)
            primary = outbox.primary_calendars({row.engagement.host_id}).get(row.engagement.host_id, row.calendar)
            row.state = EventState.REMOVED
            new = outbox.recreate(row, primary, now=now)
            outbox.ring({new.calendar.connection_id})

    def restored(self, copy: Copy, seen: Seen) -> Copy:
        now = timezone.now()
        with transaction.atomic():
            row = self._locked(copy)
            was_removed = row.state in (EventState.REMOVED, EventState.LEFT_OFF)
            if was_removed:
                row.state = EventState.WRITTEN
            if seen.path != row.path:
                self._follow(row, seen.path)
            row.etag, row.vanished_at, row.fetch_at, row.failure = seen.etag, None, None, ""
            row.save()
            if row.engagement:
                attention.resolve(row.engagement, attention.REMOVED, now=now)
            if was_removed:
                journal.about_copy(row, "back_in_icloud")
            if row.engagement and row.engagement.session.revision > row.revision:
                SyncedEvent.objects.filter(pk=row.pk).update(due_at=now)
        return self._reload(copy)

    def removing(self, copy: Copy) -> None:
        SyncedEvent.objects.filter(pk=copy.id, sent_at=None).update(sent_at=timezone.now())

    def is_replaced(self, copy: Copy) -> bool:
        return copy.base is not None and _replacing(copy.id).exists()

    def hand_on(self, copy: Copy, additions: Additions) -> None:
        account = SyncedEvent.objects.filter(pk=copy.id).values("calendar__connection")
        _replacing(copy.id).filter(calendar__connection__in=account).update(additions=additions or None)

    def without_additions(self, copy: Copy) -> Copy:
        SyncedEvent.objects.filter(pk=copy.id).update(additions=None)
        return self._reload(copy)

    def gone(self, copy: Copy, *, found: bool, moved: bool = False) -> None:
        now = timezone.now()
        with transaction.atomic():
            row = self._locked(copy)
            believed = row.written_at is None or now >= row.written_at + self.settle
            by_the_user = not (found or moved or copy.sent) and believed and row.calendar.gone_at is None
            if by_the_user and row.base is not None:
                self._not_again(row, now=now)
            row.state, row.due_at, row.etag, row.vanished_at = EventState.GONE, None, "", None
            row.written_at = now
            row.failure, row.failure_text = "" if found else outbox.MISSING, ""
            row.save(update_fields=["state", "due_at", "etag", "vanished_at", "written_at", "failure", "failure_text"])
            outbox.succeeded(row, now=now)
            if row.base is not None or row.sent_at is not None:
                journal.about_copy(row, "deleted" if found else "already_gone", before=row.base)
        self.report.count("deleted")

    def renamed(self, copy: Copy) -> Copy:
        with transaction.atomic():
            row = self._locked(copy)
            journal.about_copy(row, "name_refused")
            row.uid, row.path = outbox.new_identity(row.calendar)
            row.identities += 1
            row.sent_at = row.intent = None
            row.save(update_fields=["uid", "path", "identities", "sent_at", "intent"])
        return self._reload(copy)

    def refused(self, copy: Copy, *, code: str, detail: str) -> None:
        now = timezone.now()
        with transaction.atomic():
            row = self._locked(copy)
            # A right that was lost shows as a refused write before the next listing says so; the push is held back.
            if code == NO_RIGHT and row.attempts < 2:
                self._hold(row, now=now)
                return
            # Refused for the same reason as the day before, and not tried by hand since: told already.
            told = bool(row.failure_text) and row.failure == code[:60]
            # A removal that is refused stays a removal: another copy may be live already.
            row.state = EventState.DELETING if row.state == EventState.DELETING else EventState.FAILED
            # An event nobody wants any more must not stay for good: its removal is tried again each day (rule W2).
            row.due_at = now + DAY if row.state == EventState.DELETING else None
            row.attempts, row.failure, row.failure_text = row.attempts + 1, code[:60], detail[:500] or code
            row.additions = None
            row.save(update_fields=["state", "due_at", "attempts", "failure", "failure_text", "additions"])
            journal.about_copy(row, "write_failed", code=code, after=copy.wanted)
            if row.engagement:
                # As iCloud has it: the appointment may be deleted, or another host's by now.
                title = (row.base or copy.wanted or {}).get("title", "")
                self._flag_refused(row.engagement, told=told, now=now, status=code, why=detail, title=title)
        self.report.count("skipped")

    def idle(self, copy: Copy) -> None:
        with transaction.atomic():
            row = self._locked(copy)
            if row.engagement is None or row.engagement.session.revision == copy.revision:
                row.due_at, row.revision = None, copy.revision if copy.base is not None else row.revision
                row.save(update_fields=["due_at", "revision"])

    def postpone(self, copy: Copy, *, until: datetime, reason: str) -> None:
        """This one event waits for its next try; the others go on."""
        with transaction.atomic():
            row = self._locked(copy)
            row.due_at, row.attempts = until, row.attempts + 1
            # Why a removal was refused says more than why this try had to wait.
            row.failure = row.failure if row.failure_text else reason[:60]
            row.save(update_fields=["due_at", "attempts", "failure"])
            journal.about_copy(row, "postponed", code=reason)

    def _flag_refused(self, engagement: Engagement, *, told: bool, now: datetime, **values: str) -> None:
        """Show a refusal, and tell it once: another reason is another case. What is long over needs nobody (W9)."""
        if not told:
            attention.resolve(engagement, attention.WRITE_FAILED, now=now)
        if not told or not flags.is_over(engagement, now=now):
            attention.about_engagement(engagement, attention.WRITE_FAILED, now=now, **values)
        if not told:
            signals.write_failed.send(sender=None, appointment_ids=phone_edits.appointment_ids(engagement))

    def _hold(self, row: SyncedEvent, *, now: datetime) -> None:
        """Writer's access seems lost: keep the push until it returns (rule K7)."""
        row.attempts += 1
        row.due_at = now
        row.save(update_fields=["attempts", "due_at"])
        ICloudCalendar.objects.filter(pk=row.calendar_id).update(writable=False, mark="")
        attention.about_calendar(row.calendar, attention.PRIMARY_LOST, now=now, why="writer_access_required")

    def _follow(self, row: SyncedEvent, path: str) -> bool:
        """The user moved our event to another calendar of the account (rule P6); return whether that one is read."""
        folder = path.rsplit("/", 1)[0]
        for calendar in listing.looked_at(row.calendar.connection):
            if calendar.path.rstrip("/") == folder:
                journal.about_copy(row, "moved_between_calendars", after={"href": path})
                row.calendar, row.path = calendar, path
                return True
        return False

    def _not_again(self, row: SyncedEvent, *, now: datetime) -> None:
        """The user deleted a copy that was about to be replaced, by another primary calendar, say: the new one is not
        written, and they are asked (rule P4)."""
        new = _replacing(row.pk).select_for_update(of=("self",)).select_related(*copies.RELATED).first()
        if new is not None:
            new.base, new.revision = row.base, row.revision
            self._flag_removed(new, now=now)
            new.save()

    def _flag_removed(self, row: SyncedEvent, *, now: datetime) -> None:
        row.state, row.etag, row.due_at, row.vanished_at = EventState.REMOVED, "", None, None
        assert row.engagement is not None
        attention.resolve(row.engagement, attention.UNSUPPORTED, now=now)
        _read_again_elsewhere(row.uid, now=now)
        if attention.about_engagement(row.engagement, attention.REMOVED, now=now, calendar=row.calendar.name):
            journal.about_copy(row, "removed_in_icloud", before=row.base)
            phone_edits.tell(row.engagement, attention.REMOVED)

    def _settle(
        self, row: SyncedEvent, copy: Copy, *, etag: str, base: dict[str, str] | None, revision: int | None = None
    ) -> None:
        """Both sides agree on `base` now; whatever changed here meanwhile stays due."""
        row.base, row.etag, row.intent, row.sent_at, row.additions = base, etag, None, None, None
        row.details = "\n".join(copy.details)
        row.revision = copy.revision if revision is None else revision
        row.attempts, row.failure, row.failure_text, row.vanished_at, row.fetch_at = 0, "", "", None, None
        if row.state in (EventState.PENDING, EventState.WRITTEN, EventState.FAILED):
            row.state = EventState.WRITTEN
            current = row.engagement.session.revision if row.engagement else row.revision
            row.due_at = None if current == row.revision else row.due_at

    def _close_if_equal(self, row: SyncedEvent, *, now: datetime) -> None:
        """After an edit was taken: nothing is to be sent when iCloud says just that already (rule W8)."""
        copy = self._reload_row(row, now=now)
        row.refresh_from_db()
        if copy.wanted == copy.base and "\n".join(copy.details) == row.details:
            row.revision, row.due_at = copy.revision, None
        elif row.state == EventState.WRITTEN:
            # Revision 0: also what was not taken (a class's title, no title at all) is written again.
            row.revision, row.due_at = 0, now
        row.save(update_fields=["revision", "due_at"])

    def _resolve(self, copy: Copy, code: str) -> None:
        row = SyncedEvent.objects.select_related("engagement").get(pk=copy.id)
        if row.engagement:
            attention.resolve(row.engagement, code, now=timezone.now())

    def _locked(self, copy: Copy) -> SyncedEvent:
        # Read once the lock is had: joined to it, the other rows would be as they were before the wait.
        list(SyncedEvent.objects.select_for_update().filter(pk=copy.id).values_list("pk"))
        return copies.read(copy.id)

    def _reload_row(self, row: SyncedEvent, *, now: datetime) -> Copy:
        return copies.load(row.pk, now=now, settle=self.settle)

    def _reload(self, copy: Copy) -> Copy:
        return copies.load(copy.id, now=timezone.now(), settle=self.settle)


def _replacing(row_id: int) -> QuerySet[SyncedEvent]:
    """Return the copy that is about to be written in place of another one."""
    engagement = SyncedEvent.objects.filter(pk=row_id, engagement__isnull=False).values("engagement")
    return SyncedEvent.objects.filter(engagement__in=engagement, state=EventState.PENDING, sent_at=None)


def _read_again_elsewhere(uid: str, *, now: datetime) -> None:
    """What was taken for our event in another account of its host is an event of theirs from now on (rule P1)."""
    twins = ICloudEvent.objects.filter(uid=uid, essence__isnull=True, unreadable="")
    ICloudCalendar.objects.filter(pk__in=twins.values("calendar")).update(recheck_at=now)
    twins.update(fingerprint="", fetch_at=now)


def look_again(calendar: ICloudCalendar, *, at: datetime) -> None:
    """Have a calendar looked into at a time, or earlier if it is due earlier."""
    rows = ICloudCalendar.objects.filter(pk=calendar.pk)
    if not rows.filter(recheck_at__lte=at).exists():
        rows.update(recheck_at=at)
