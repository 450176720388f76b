"""What most faults happen to: a host with an appointment in iCloud and a private event."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from calendars.models import Appointment, Calendar
from icloud_sync.models import SyncedEvent
from tests import kept
from tests.fake_icloud import FakeICloud
from tests.stage import Person, Stage, day


@dataclass
class Ground:
    """Ada, her calendar, Grace's appointment at nine in two days, and the dentist at noon in three."""

    stage: Stage
    ada: Person
    calendar: Calendar
    appointment: Appointment

    @property
    def icloud(self) -> FakeICloud:
        return self.stage.icloud

    @property
    def row(self) -> SyncedEvent:
        """The record of the appointment's newest event."""
        return SyncedEvent.objects.filter(engagement__session=self.appointment.session).latest("pk")

    @property
    def event(self) -> Any:
        """The appointment's event on the phone, or None."""
        return self.ada.phone.by_uid(self.row.uid)

    @property
    def events(self) -> list[str]:
        """What stands in the primary calendar."""
        return [event.summary for event in self.ada.phone.events("Home")]

    @property
    def blocked(self) -> list[str]:
        return [slot.title for slot in self.ada.blocks]

    def move(self, hour: int = 15) -> None:
        """Give the appointment another time here."""
        self.stage.edit(self.appointment, start=day(2, hour))

    def puts(self) -> int:
        return sum(record.method == "PUT" for record in self.icloud.requests)

    def waits(self) -> float:
        """Return for how many seconds nobody talks to the account."""
        assert self.ada.connection is not None
        self.ada.connection.refresh_from_db()
        until = self.ada.connection.not_before
        return (until - datetime.now(UTC)).total_seconds() if until else 0.0


def ground(stage: Stage, *, written: bool = True) -> Ground:
    """Prepare it; the appointment is in iCloud already, or only about to be sent."""
    return kept.beginning(f"ground, written: {written}", stage, partial(_made, written=written))


def _made(stage: Stage, *, written: bool) -> Ground:
    ada = stage.person()
    calendar = stage.calendar(ada)
    ada.phone.create("Home", title="Dentist", start=day(3, 12), end=day(3, 13))
    ada.connect()
    if not written:
        ada.sync()
    appointment = stage.book(calendar, day(2, 9))
    if written:
        ada.sync()
    return Ground(stage, ada, calendar, appointment)
