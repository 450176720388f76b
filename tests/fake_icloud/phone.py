"""The iPhone of an account: what its owner does there, seen by no request log."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tests.fake_icloud import compose, ics
from tests.fake_icloud.ics import Moment
from tests.fake_icloud.phone_event import PhoneEvent
from tests.fake_icloud.state import Calendar

if TYPE_CHECKING:
    from tests.fake_icloud.account import Account
    from tests.fake_icloud.world import World


class Phone:
    """Every operation works at once, whatever faults are set: the phone is not our client."""

    def __init__(self, account: Account) -> None:
        self.account = account

    @property
    def world(self) -> World:
        return self.account.world

    def new_uid(self) -> str:
        return str(uuid.uuid4()).upper()

    def create(
        self,
        calendar: str | Calendar = "Home",
        *,
        title: str,
        start: Moment,
        end: Moment | None = None,
        uid: str | None = None,
        name: str | None = None,
        **fields: Any,
    ) -> PhoneEvent:
        """Create an event; `fields` are those of compose.Draft. The name is `<UID>.ics` unless given (fact 5.2)."""
        draft = compose.Draft(title=title, start=start, end=end, **fields)
        uid = uid or self.new_uid()
        root = compose.calendar_text(draft, uid=uid, me=self.account.apple_id, now=self.world.clock.moment())
        return self.add_raw(calendar, name or f"{uid}.ics", ics.serialise(root))

    def add_raw(self, calendar: str | Calendar, name: str, body: bytes) -> PhoneEvent:
        """Store any bytes as an event of the calendar."""
        with self.world.lock:
            place = self.account.calendar(calendar)
            self.may_write(place)
            obj = place.store.write(name, body)
            obj.touched = True
            place.store.tombstones.discard(name)
            self.account.tombstones.discard(obj.uid)
            if self.world.flags.multiget_lag:  # fact 4.9
                obj.multiget_from = self.world.clock.now() + self.world.flags.multiget_lag
            return PhoneEvent(self, place, name)

    def may_write(self, calendar: Calendar) -> None:
        """Raise PermissionError for a calendar that the phone shows as view only."""
        if calendar.access == "shared-ro" or calendar.kind != "event":
            raise PermissionError(f"{calendar.name} is view only")

    def events(self, calendar: str | Calendar | None = None) -> list[PhoneEvent]:
        """Return what the phone shows, in one calendar or in all, by start."""
        with self.world.lock:
            places = self.account.calendars if calendar is None else [self.account.calendar(calendar)]
            found = [PhoneEvent(self, place, name) for place in places for name in place.store.objects]
            return sorted((event for event in found if _readable(event)), key=_by_start)

    def find(self, title: str) -> PhoneEvent:
        """Return the only event with that title; LookupError when there is none or more than one."""
        found = [event for event in self.events() if event.summary == title]
        if len(found) != 1:
            raise LookupError(f"{len(found)} events called {title!r} on the phone")
        return found[0]

    def by_uid(self, uid: str) -> PhoneEvent | None:
        """Return the event with that UID in any calendar, or None."""
        with self.world.lock:
            for calendar in self.account.calendars:
                name = calendar.store.names.get(uid)
                if name is not None:
                    return PhoneEvent(self, calendar, name)
            return None

    def cancellations(self, event: PhoneEvent) -> None:
        """Note the mails iCloud sends when the user deletes an event with invitees (fact 6.1)."""
        from tests.fake_icloud.protocol import send_cancellations

        send_cancellations(self.world, self.account, event.uid, event.body)


def _readable(event: PhoneEvent) -> bool:
    """A phone does not show what it cannot read."""
    try:
        ics.span(event.master)
    except (ValueError, LookupError):
        return False
    return True


def _by_start(event: PhoneEvent) -> tuple[str, str]:
    start = event.start
    return (ics.utc(start) if isinstance(start, datetime) and start.tzinfo else start.isoformat(), event.name)
