"""One event as the user sees it on the iPhone, and everything the user can do to it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tests.fake_icloud import compose, ics, put, series
from tests.fake_icloud.ics import Component, Moment
from tests.fake_icloud.state import Calendar, Obj, Overlay

if TYPE_CHECKING:
    from tests.fake_icloud.phone import Phone

Edit = Callable[[Component], None]


@lru_cache(maxsize=256)
def _parsed(body: bytes) -> Component:
    return ics.parse(body)


class PhoneEvent:
    """A handle: it reads what is stored now. Reading one that is gone raises LookupError."""

    def __init__(self, phone: Phone, calendar: Calendar, name: str) -> None:
        self.phone = phone
        self.calendar = calendar
        self.name = name

    def __repr__(self) -> str:
        return f"<PhoneEvent {self.href}>"

    # -- reading -------------------------------------------------------------------------------------

    @property
    def exists(self) -> bool:
        return self.name in self.calendar.store.objects and self.calendar in self.phone.account.calendars

    @property
    def obj(self) -> Obj:
        if not self.exists:
            raise LookupError(f"{self.href} is not on the phone")
        return self.calendar.store.objects[self.name]

    @property
    def href(self) -> str:
        return self.calendar.href(self.name)

    @property
    def uid(self) -> str:
        return self.obj.uid

    @property
    def etag(self) -> str:
        return self.obj.etag

    @property
    def body(self) -> bytes:
        """The text as this account sees it."""
        self.obj  # noqa: B018 (raises when the event is gone)
        return self.calendar.body(self.name)

    @property
    def root(self) -> Component:
        """The parsed text. Read only; edit a copy."""
        return _parsed(self.body)

    @property
    def master(self) -> Component:
        """The VEVENT of the series, or of its only instance when there is no master (fact 7.9)."""
        return series.master(self.root)

    @property
    def summary(self) -> str | None:
        return self.master.text("SUMMARY")

    title = summary

    @property
    def start(self) -> Moment:
        return ics.span(self.master)[0]

    @property
    def end(self) -> Moment:
        """The exclusive end."""
        return ics.span(self.master)[1]

    @property
    def all_day(self) -> bool:
        return not isinstance(self.start, datetime)

    @property
    def location(self) -> str | None:
        return self.master.text("LOCATION")

    @property
    def description(self) -> str | None:
        return self.master.text("DESCRIPTION")

    notes = description

    @property
    def free(self) -> bool:
        """Shown as Free: TRANSP:TRANSPARENT (fact 7.1)."""
        return (self.master.value("TRANSP") or "OPAQUE").upper() == "TRANSPARENT"

    @property
    def status(self) -> str | None:
        return self.master.value("STATUS")

    @property
    def sequence(self) -> int:
        return int(self.master.value("SEQUENCE") or 0)

    @property
    def rrule(self) -> str | None:
        return self.master.value("RRULE")

    recurrence = rrule

    @property
    def overrides(self) -> list[Component]:
        return [event for event in self.root.named("VEVENT") if event.get("RECURRENCE-ID") is not None]

    @property
    def alarms(self) -> list[str]:
        """The TRIGGER of each alarm."""
        return [alarm.value("TRIGGER") or "" for alarm in self.master.named("VALARM")]

    @property
    def attendees(self) -> list[str]:
        return [line.value.removeprefix("mailto:") for line in self.master.all("ATTENDEE")]

    @property
    def partstat(self) -> str | None:
        """The account's own answer to an invitation."""
        mine = f"mailto:{self.phone.account.apple_id}".lower()
        for line in self.master.all("ATTENDEE"):
            if line.value.lower() == mine:
                return line.param("PARTSTAT")
        return None

    def value(self, name: str) -> str | None:
        """Return the raw value of any property of the master."""
        return self.master.value(name)

    def occurrences(self, start: datetime, end: datetime) -> list[tuple[Moment, Moment]]:
        """Return start and end of each occurrence in a window, by an independent reading of the text."""
        return series.occurrences(self.body, start, end)

    # -- changing ------------------------------------------------------------------------------------

    def edit(self, **fields: Any) -> PhoneEvent:
        """Change title, start, end, location, notes, rrule, status or free. A new start alone keeps the length."""
        return self._change(lambda root: series.edit_master(root, fields))

    def open(self) -> PhoneEvent:
        """Open the event: the device leaves its mark and a new ETag (facts 5.5, 7.14)."""

        def mark(root: Component) -> None:
            for event in root.named("VEVENT"):
                compose.creator(event)
                event.set("X-APPLE-TRAVEL-ADVISORY-BEHAVIOR", "AUTOMATIC")

        return self._change(mark)

    def rewrite(self) -> PhoneEvent:
        """Give it a new ETag without any visible change (fact 4.8)."""
        return self._change(lambda _root: None)

    def delete(self) -> None:
        """Delete it; its name and UID cannot be used again (fact 5.7)."""
        with self.phone.world.lock:
            obj = self.obj
            self._may_write()
            self.phone.cancellations(self)
            self.calendar.store.remove(obj.name)

    def move(self, calendar: str | Calendar) -> PhoneEvent:
        """Move it to another calendar: gone here, same UID and name there (fact 5.12). Returns self."""
        with self.phone.world.lock:
            obj = self.obj
            goal = self.phone.account.calendar(calendar)
            if goal.store is self.calendar.store:
                return self
            self._may_write()
            self.phone.may_write(goal)
            self.calendar.store.remove(obj.name, bury_uid=False)
            goal.store.tombstones.discard(obj.name)
            goal.store.write(obj.name, obj.body, obj.uid).touched = True
            self.calendar = goal
        return self

    def set_free(self) -> PhoneEvent:
        return self.edit(free=True)

    def set_busy(self) -> PhoneEvent:
        return self.edit(free=False)

    def make_all_day(self, *, free: bool = True) -> PhoneEvent:
        """Switch to all day: the phone then shows it as Free unless told otherwise (fact 7.2)."""

        def change(root: Component) -> None:
            event = series.master(root)
            start, end = ics.span(event)
            first = start.date() if isinstance(start, datetime) else start
            last = end.date() if isinstance(end, datetime) else end
            compose.put_times(event, first, max(last, first + timedelta(days=1)))
            event.set("TRANSP", "TRANSPARENT" if free else "OPAQUE")
            series.bump(event)

        return self._change(change)

    def make_timed(self, start: datetime, end: datetime) -> PhoneEvent:
        return self.edit(start=start, end=end)

    def add_invitee(self, address: str) -> PhoneEvent:
        """Invite somebody: iCloud mails the invitation (fact 6.1)."""
        me = self.phone.account.apple_id

        def change(root: Component) -> None:
            for event in root.named("VEVENT"):
                if event.get("ORGANIZER") is None:
                    event.add("ORGANIZER", f"mailto:{me}", ";CN=Me")
                event.add("ATTENDEE", f"mailto:{address}", ";CUTYPE=INDIVIDUAL;PARTSTAT=NEEDS-ACTION;RSVP=TRUE")
                event.set("X-APPLE-HOSTED-STATUS", "NONE")

        return self._change(change)

    def decline(self) -> PhoneEvent:
        """Decline the invitation; it stays as PARTSTAT=DECLINED (fact 7.3)."""
        return self.answer_invitation("DECLINED")

    def answer_invitation(self, partstat: str) -> PhoneEvent:
        """Set the account's own PARTSTAT; makes an invitation of it when it was none."""
        me = self.phone.account.apple_id

        def change(root: Component) -> None:
            for event in root.named("VEVENT"):
                if event.get("ORGANIZER") is None:
                    event.add("ORGANIZER", "mailto:someone@else.example")
                others = [line for line in event.all("ATTENDEE") if line.value.lower() != f"mailto:{me}".lower()]
                event.drop("ATTENDEE")
                event.lines += others
                event.add("ATTENDEE", f"mailto:{me}", f";CUTYPE=INDIVIDUAL;PARTSTAT={partstat}")

        return self._change(change)

    def cancel(self) -> PhoneEvent:
        """Mark it cancelled, as an organizer's cancellation does (fact 7.3)."""
        return self.edit(status="CANCELLED")

    def make_travel_time(self, before: timedelta | None = None, after: timedelta | None = None) -> PhoneEvent:
        """Set travel time before the start and after the end (fact 7.5); None takes it away."""
        return self._change(lambda root: compose.put_travel(series.master(root), before, after))

    def add_alarm(self, length: timedelta = timedelta(minutes=-15)) -> PhoneEvent:
        """Add an alarm; a negative length is before the start."""
        return self._change(lambda root: series.master(root).children.append(compose.alarm(length)))

    def set_line(self, name: str, value: str | None, params: str = "") -> PhoneEvent:
        """Write any property of the master as it is, or take it away."""

        def change(root: Component) -> None:
            event = series.master(root)
            if value is None:
                event.drop(name)
            else:
                event.set(name, value, params)

        return self._change(change)

    # -- single occurrences --------------------------------------------------------------------------

    def edit_occurrence(self, at: Moment, **fields: Any) -> PhoneEvent:
        """Change one occurrence, named by its original start."""
        return self._change(lambda root: series.edit_occurrence(root, at, fields))

    def delete_occurrence(self, at: Moment) -> PhoneEvent:
        """Delete one occurrence: EXDATE, and its override goes (fact 7.9)."""
        return self._change(lambda root: series.delete_occurrence(root, at))

    def delete_future(self, at: Moment) -> PhoneEvent:
        """Delete this occurrence and all later ones."""
        return self._change(lambda root: series.end_before(root, at))

    def split_series(self, at: Moment, **fields: Any) -> PhoneEvent:
        """Change this and all future occurrences: a new resource with a new UID (fact 7.10). Returns the new one."""
        with self.phone.world.lock:
            later = copy.deepcopy(self.root)
            uid = self.phone.new_uid()
            series.begin_at(later, at, uid=uid, fields=fields)
            self._change(lambda root: series.end_before(root, at, related=True))
            return self.phone.add_raw(self.calendar, f"{uid}.ics", ics.serialise(later))

    # -- storing -------------------------------------------------------------------------------------

    def _may_write(self) -> None:
        self.phone.may_write(self.calendar)

    def _change(self, edit: Edit) -> PhoneEvent:
        with self.phone.world.lock:
            obj, root = self.obj, copy.deepcopy(self.root)
            before = ics.serialise(root)
            edit(root)
            if self.calendar.access == "shared-ro":
                self._keep_for_me(obj, before, root)
                return self
            for event in root.named("VEVENT"):
                series.stamped(event, self.phone.world.clock.moment())
            compose.add_zones(root)
            fresh = self.calendar.store.write(self.name, ics.serialise(root), obj.uid)
            fresh.touched = True  # fact 5.5
            if self.calendar.access != "owner":
                put.keep_personal(self.calendar, fresh, before)
        return self

    def _keep_for_me(self, obj: Obj, before: bytes, root: Component) -> None:
        """A view-only sharee changes TRANSP and alarms for itself, and nothing else (fact 7.4)."""

        def shared_part(body: bytes) -> Component:
            part = ics.parse(body)
            for event in part.named("VEVENT"):
                event.drop("TRANSP", "SEQUENCE", "LAST-MODIFIED")
                event.children = []
            return part

        after = ics.serialise(root)
        if shared_part(before) != shared_part(after):
            raise PermissionError(f"{self.calendar.name} is view only")
        event = series.master(root)
        obj.overlays[self.calendar.account.dsid] = Overlay(event.value("TRANSP"), event.named("VALARM"))
        obj.etag = self.calendar.store.owner.next_etag()
        obj.rev = self.calendar.store.record(obj.name)
