"""Two hosts with iPhones, three booking calendars, and everything that people, Apple and workers can do there.

An act never fails: what the product refuses is refused, what cannot be done does not happen. Each keeps the books that
the invariants are checked against.
"""

from __future__ import annotations

import contextlib
import copy
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from calendars.models import Appointment, BlockedSlot, Calendar, Engagement
from calendars.services import blocked
from calendars.services import calendars as calendar_services
from calendars.services.errors import Refused
from icloud_sync.errors import ICloudError
from icloud_sync.local.reading import DIED
from icloud_sync.models import ConnectionStatus, ICloudCalendar, ICloudConnection, ICloudEvent
from icloud_sync.services import InvalidState, choosing, connecting, flags, syncing
from icloud_sync.services import blocked as icloud_blocked
from icloud_sync.services.calendar_pull import FULL_LISTING
from tests.compiled import Compiled
from tests.fake_icloud import faults
from tests.invariants import Ledger, always, come_to_rest
from tests.killing import Moment, dying, let_leases_expire
from tests.stage import Person, Stage

CALENDARS = ("Home", "Work", "Away")
HALF_HOUR = timedelta(minutes=30)
PRIVATE = "blocked in LeadMagicX"  # must never be seen in iCloud (W3)
# What is told of an appointment, and what the rows say of each.
SAID = ("pk", "status", "calendar", "title", "location", "notes", "start", "end")
_SAID = Compiled(
    lambda: Appointment.objects.values_list(
        "pk", "status", "calendar", "title", "location", "notes", "session__start", "session__end"
    )
)
_CHECKED = Compiled(lambda: ICloudCalendar.objects.filter(checks_conflicts=True).values_list("path"))
_BLOCKING = Compiled(
    lambda: ICloudEvent.objects.filter(
        pk__in=BlockedSlot.objects.filter(source="icloud", blocks=True).values("external_id")
    ).values_list("uid")
)
TEXTS = ("Fitting", "Checkup", "Ünïcode 🗓", "two\nlines; and, signs\\", "")

# What happens, whether the request is carried out all the same, and of which requests it is possible.
FAULTS: tuple[tuple[faults.Action, bool, str | None], ...] = (
    (faults.status(503), False, None),
    (faults.status(503), True, None),
    (faults.close_before_response(), False, None),
    (faults.close_before_response(), True, None),
    (faults.status(500), True, None),
    (faults.status(429, retry_after="1"), False, None),
    (faults.html_200(), False, None),
    (faults.spurious_401(), False, None),
    (faults.empty_multistatus(), False, None),
    (faults.without_token(), False, None),
    (faults.weak_etag(), False, None),
    (faults.truncate_xml(300), False, None),
    (faults.cut_body(40), False, None),
    (faults.status(507), False, None),
    (faults.status(412), False, None),
    # A 404 that is no lie: answering DELETE it is a success (F8), answering GET a proof (P6).
    (faults.status(404), False, "PUT"),
    (faults.status(404), False, "PROPFIND"),
    (faults.status(404), False, "REPORT"),
)


@dataclass
class Book:
    """What is expected of the appointments: their status, and every value that a person ever gave a field."""

    status: dict[int, str] = field(default_factory=dict)
    said: dict[tuple[str, int], dict[str, set[Any]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(set))
    )


class Town:
    """The world of one story."""

    def __init__(self, stage: Stage, traveller: Any) -> None:
        self.stage = stage
        self.icloud = stage.icloud
        self.traveller = traveller
        now = timezone.now()
        self.first = (now + timedelta(days=2)).replace(hour=9, minute=0, second=0, microsecond=0)
        self.ada = stage.person("ada", calendars=CALENDARS)
        self.ben = stage.person("ben", calendars=CALENDARS)
        self.people = [self.ada, self.ben]
        self.calendars: list[Calendar] = [
            stage.calendar(self.ada, name="Solo"),
            stage.calendar(self.ada, self.ben, type="collective", name="Pair"),
            stage.calendar(self.ada, type="class_booking", seats_per_slot=2, name="Class"),
            stage.calendar(self.ada, self.ben, name="Either"),
        ]
        self.class_calendar = self.calendars[2]
        self.ada.connect(conflicts=("Home", "Work"))
        self.ben.connect()
        self.ledger = Ledger(self.icloud, wait=traveller.shift)
        self.book = Book()
        self.blocking: dict[str, bytes] = {}
        self.forgotten = False
        self.read = 0  # requests checked so far
        self._what_was_before()

    def _what_was_before(self) -> None:
        """Stories begin in the middle: appointments that both sides know, and an event of the owner's."""
        self.phone_creates(self.ada, "Home", 8, free=False, rrule=None)
        for number, slot in enumerate((0, 2, 4)):
            self.books(self.calendars[number], slot, "Grace Hopper")
        come_to_rest(self.ledger)
        self.check()
        self.began = timezone.now()

    # -- one story after the other -----------------------------------------------------------------------------

    @contextlib.contextmanager
    def story(self) -> Iterator[None]:
        """Everything that happens inside is forgotten afterwards."""
        world = self.icloud.world
        kept = {name: getattr(world, name) for name in ("accounts", "created_names")}
        point = transaction.savepoint()
        for name, value in kept.items():
            setattr(world, name, copy.deepcopy(value, {id(world): world}))
        world.requests.clear()
        self.read = 0
        world.refused_logins.clear()
        world.throttled.clear()
        self.traveller.move_to(self.began)
        before = self.ledger, self.book, self.blocking
        self.ledger = Ledger(self.icloud, wait=self.traveller.shift, foreign=dict(self.ledger.foreign))
        self.ledger.note()
        self.forgotten = False
        self.book, self.blocking = copy.deepcopy(self.book), dict(self.blocking)
        self.ledger.asleep = {person.connection.pk for person in self.people if person.connection}
        for person in self.people:
            person.account = world.by_apple_id(person.account.apple_id)
        try:
            yield
        finally:
            self.icloud.faults.clear()
            self.ledger, self.book, self.blocking = before
            for name, value in kept.items():
                setattr(world, name, value)
            for person in self.people:
                person.account = world.by_apple_id(person.account.apple_id)
            transaction.savepoint_rollback(point)

    def wakes(self, *people: Person) -> None:
        """Something is about to happen to these people's accounts."""
        self.ledger.asleep -= {person.connection.pk for person in people if person.connection}

    def check(self) -> None:
        """What holds after every step."""
        always(self.ledger)
        self._appointments_are_what_people_made_of_them()
        self._blocks_stay()
        for record in self.icloud.requests[self.read :]:
            assert PRIVATE.encode() not in record.body, "a blocked slot was sent to iCloud (W3)"
        self.read = len(self.icloud.requests)

    def _appointments_are_what_people_made_of_them(self) -> None:
        """I1, I2, I3."""
        rows = [dict(zip(SAID, row, strict=True)) for row in _SAID.rows()]
        assert {row["pk"]: row["status"] for row in rows} == self.book.status
        for row in rows:
            for name, said in self.book.said[self._key(row["pk"], row["calendar"])].items():
                assert row[name] in said, f"nobody ever said {name} {row[name]!r} of appointment {row['pk']}: {said}"

    def _blocks_stay(self) -> None:
        """I10, I11, P16: time that was blocked stays blocked while nobody changed its event, whatever goes wrong."""
        if not self.ledger.foreign:
            return
        busy = self._busy_on_phones()
        held = {uid for uid, text in self.blocking.items() if uid in busy and self.ledger.foreign.get(uid) == text}
        present = set(_BLOCKING.column())
        assert held <= present, f"time was opened by mistake: {held - present}"
        self.blocking = {uid: self.ledger.foreign[uid] for uid in present & busy}

    def _busy_on_phones(self) -> set[str]:
        """Return the UIDs of the owners' events that take time in a conflict calendar, whether read already or not."""
        checked = set(_CHECKED.column())
        return {
            event.uid
            for person in self.people
            for event in person.phone.events()
            if event.uid in self.ledger.foreign and event.calendar.path in checked and not event.free
        }

    def end(self) -> None:
        """All goes well from here on; both sides come to agree."""
        self.icloud.faults.clear()
        let_leases_expire()
        for person in self.people:
            self.new_password(person)
        self.rests()
        self.check()

    # -- helpers of acts ---------------------------------------------------------------------------------------

    def at(self, slot: int) -> datetime:
        return self.first + slot * HALF_HOUR

    def foreign_events(self, person: Person) -> list[Any]:
        return [event for event in person.phone.events() if event.uid in self.ledger.foreign]

    def our_events(self, person: Person) -> list[Any]:
        return [event for event in person.phone.events() if event.uid in self.ledger.uids]

    def _appointments_of(self, event: Any) -> list[Appointment]:
        engagement = Engagement.objects.filter(pk=self.ledger.uids[event.uid] or 0).first()
        return list(Appointment.objects.filter(session=engagement.session_id)) if engagement else []

    def _key(self, appointment: int, calendar: int) -> tuple[str, int]:
        """Seats of a class share their texts and times, whenever they were booked."""
        return ("class", 0) if calendar == self.class_calendar.pk else ("appointment", appointment)

    def _said(self, appointment: Appointment, **values: Any) -> None:
        for name, value in values.items():
            self.book.said[self._key(appointment.pk, appointment.calendar_id)][name].add(value)

    # -- LeadMagicX --------------------------------------------------------------------------------------------

    def books(self, calendar: Calendar, slot: int, name: str) -> None:
        with contextlib.suppress(Refused):
            made = self.stage.book(calendar, self.at(slot), name=name)
            self.book.status[made.pk] = "confirmed"
            self._said(made, title=made.title, location="", notes="", start=made.start, end=made.end)

    def moves(self, appointment: Appointment, slot: int) -> None:
        with contextlib.suppress(Refused):
            made = self.stage.edit(appointment, start=self.at(slot), ignore_availability=True)
            made.session.refresh_from_db()
            self._said(made, start=made.session.start, end=made.session.end)
            self._all_say(made)

    def _all_say(self, appointment: Appointment) -> None:
        """A session's time is that of all its seats."""
        for seat in Appointment.objects.filter(session=appointment.session_id).select_related("session"):
            self._said(seat, start=seat.session.start, end=seat.session.end)

    def rewrites(self, appointment: Appointment, **texts: str) -> None:
        with contextlib.suppress(Refused):
            self.stage.edit(appointment, **texts)
            self._said(appointment, **texts)

    def hands_over(self, appointment: Appointment, person: Person) -> None:
        with contextlib.suppress(Refused):
            self.stage.edit(appointment, host_id=person.user.pk, ignore_availability=True)

    def cancels(self, appointment: Appointment) -> None:
        self.stage.cancel(appointment)
        self.book.status[appointment.pk] = "cancelled"

    def acts_on_flag(self, appointment: Appointment, act: str) -> None:
        with contextlib.suppress(InvalidState):
            getattr(flags, act)(appointment_id=appointment.pk, now=timezone.now())

    def blocks_time(self, person: Person, slot: int) -> None:
        blocked.create(user=person.user, start=self.at(slot), end=self.at(slot + 1), title=PRIVATE)

    def frees_deleted(self, person: Person) -> None:
        for slot in BlockedSlot.objects.filter(user=person.user, removed_at__isnull=False)[:1]:
            self.blocking.pop(ICloudEvent.objects.get(pk=slot.external_id).uid, None)
            icloud_blocked.release(slot_id=slot.pk, now=timezone.now())

    def turns_icloud(self, calendar: Calendar, on: bool) -> None:
        calendar_services.update(calendar_id=calendar.pk, values={"icloud_enabled": on}, now=timezone.now())

    # -- settings ----------------------------------------------------------------------------------------------

    def chooses(self, person: Person, **what: Any) -> None:
        """Choose calendars by name, or set anything else; time may open by it."""
        with contextlib.suppress(ICloudError, choosing.UnknownCalendar, ICloudCalendar.DoesNotExist):
            person.choose(**what)
        self.blocking = {}

    def disconnects(self, person: Person, written_events: Any) -> None:
        assert person.connection is not None
        connecting.disconnect(connection_id=person.connection.pk, written_events=written_events, now=timezone.now())
        self.blocking = {}

    def connects(self, person: Person, primary: str | None) -> None:
        with contextlib.suppress(ICloudError, LookupError):
            person.connect(primary=None)
            if primary:
                self.chooses(person, primary=primary)

    def revokes(self, person: Person) -> None:
        person.account.revoke_all()

    def new_password(self, person: Person) -> None:
        """The user makes a new password when the product asks for one."""
        assert person.connection is not None
        row = ICloudConnection.objects.get(pk=person.connection.pk)
        if not person.account.passwords:
            person.account.new_password()
            if row.status != ConnectionStatus.DISCONNECTED:
                connecting.reconnect(connection_id=row.pk, password_text=person.account.password, now=timezone.now())
        elif row.status == ConnectionStatus.NEEDS_PASSWORD:
            connecting.reconnect(connection_id=row.pk, password_text=person.account.password, now=timezone.now())

    # -- phones ------------------------------------------------------------------------------------------------

    def phone_creates(self, person: Person, calendar: str, slot: int, *, free: bool, rrule: str | None) -> None:
        start = self.at(slot)
        event = person.phone.create(
            calendar, title="Private", start=start, end=start + HALF_HOUR, free=free, rrule=rrule
        )
        self.ledger.foreign_is(event)

    def phone_changes(self, event: Any, act: Callable[[Any], Any]) -> None:
        """Any change of an event the user made there."""
        act(event)
        self.ledger.foreign_is(event)

    def phone_deletes(self, event: Any) -> None:
        self.ledger.foreign_gone(event.uid)
        event.delete()

    def phone_edits_ours(self, event: Any, **fields: Any) -> None:
        for appointment in self._appointments_of(event):
            told = {name: value for name, value in fields.items() if name != "title" or value.strip()}
            if "start" in fields or "end" in fields:
                length = event.end - event.start
                told["start"] = fields.get("start", event.start)
                told["end"] = fields.get("end", told["start"] + length)
                for name in ("start", "end"):
                    self._said(appointment, **{name: getattr(event, name)})
            self._said(appointment, **{name: _as_read(name, value) for name, value in told.items()})
        event.edit(**fields)
        self.ledger.ours_changed(event)

    def phone_changes_ours(self, event: Any, act: Callable[[Any], Any]) -> None:
        """A change that is no edit of a field."""
        act(event)
        self.ledger.ours_changed(event)

    # -- Apple and workers -------------------------------------------------------------------------------------

    def work(self, person: Person, job: str = "pull") -> None:
        assert person.connection is not None
        # Nobody cuts the wait between two refusals of a password short (C5).
        ICloudConnection.objects.filter(pk=person.connection.pk, doubted_at=None).update(not_before=None)
        getattr(syncing, job)(person.connection.pk)

    def works_and_dies(self, person: Person, moment: Moment) -> None:
        with dying(moment):
            self.work(person)
        let_leases_expire()

    def works_badly(self, person: Person, number: int, nth: int) -> None:
        action, applied, method = FAULTS[number % len(FAULTS)]
        self.icloud.faults.add(action, method=method, nth=nth, after_apply=applied)
        self.work(person)
        self.icloud.faults.clear()

    def forgets_tokens(self, person: Person, calendar: str) -> None:
        self.forgotten = True
        person.account.calendar(calendar).forget_tokens()

    def rests(self) -> None:
        """Where deletions may be kept silent with a forgotten token (fact 4.6), the day's full listing is due."""
        if self.forgotten and self.icloud.flags.token_error == "relist":
            ICloudCalendar.objects.update(listed_at=F("listed_at") - FULL_LISTING)
            self.wakes(*self.people)
        # What two workers died over, as if by itself, is read again the day after (F38).
        if ICloudEvent.objects.filter(unreadable=DIED).update(fetch_at=timezone.now()):
            ICloudCalendar.objects.update(recheck_at=timezone.now())
            self.wakes(*self.people)
        come_to_rest(self.ledger)


def _as_read(name: str, value: Any) -> Any:
    """Texts arrive trimmed, a title on one line."""
    if not isinstance(value, str):
        return value
    return " ".join(value.split()) if name in ("title", "location") else value.strip()
