"""What the apps above are told, and what an event says (contract.md, "The event")."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from calendars.models import Contact, Engagement, Session
from calendars.selectors import EventText, event_text, event_texts
from calendars.services import booking, calendars, contacts
from leadmagicx.accounts.models import User
from tests.factories import client, make_appointment, make_calendar

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
Told = list[tuple[Any, ...]]


def revision(session_id: int) -> int:
    return Session.objects.get(pk=session_id).revision


def test_every_act_is_told_once_with_a_new_revision(
    ada: User, bea: User, now: datetime, monday: datetime, told: Told
) -> None:
    calendar = make_calendar("round_robin", members=[ada, bea])
    booked = make_appointment(calendar, monday, now=now, host_id=ada.pk)
    session = booked.session_id
    assert told == [("sessions", [session], []), ("created", booked.pk)]
    assert revision(session) == 1
    changes: list[dict[str, Any]] = [{"title": "T"}, {"notes": "n"}, {"start": monday + HOUR}, {"host_id": bea.pk}]
    for number, change in enumerate(changes, start=2):
        told.clear()
        booking.edit(appointment_id=booked.pk, by=ada, now=now, **change)
        dropped = [(session, ada.pk)] if "host_id" in change else []
        assert told == [("sessions", [session], dropped), ("updated", booked.pk)]
        assert revision(session) == number
    former = Engagement.objects.get(host=ada)
    assert (former.active, former.dropped) == (False, True)
    told.clear()
    booking.edit(appointment_id=booked.pk, by=ada, now=now, title="T", host_id=bea.pk, start=monday + HOUR)
    assert told == [], "nothing was new"
    booking.cancel(appointment_id=booked.pk, by=ada, now=now)
    booking.cancel(appointment_id=booked.pk, by=ada, now=now)
    assert told == [("sessions", [session], []), ("cancelled", booked.pk)]


def test_what_fails_is_not_told(ada: User, now: datetime, monday: datetime, told: Told) -> None:
    calendar = make_calendar(members=[ada])
    make_appointment(calendar, monday, now=now)
    told.clear()
    with pytest.raises(Exception, match="appointment"):
        make_appointment(calendar, monday, now=now)
    assert told == []


def test_a_receiver_that_fails_takes_the_booking_with_it(ada: User, now: datetime, monday: datetime) -> None:
    from calendars import signals

    def fail(**kwargs: Any) -> None:
        raise RuntimeError("outbox")

    calendar = make_calendar(members=[ada])
    signals.sessions_changed.connect(fail)
    try:
        with pytest.raises(RuntimeError):
            make_appointment(calendar, monday, now=now)
    finally:
        signals.sessions_changed.disconnect(fail)
    assert not Session.objects.exists()


def test_a_deletion_is_told_while_the_row_is_there(ada: User, now: datetime, monday: datetime, told: Told) -> None:
    booked = make_appointment(make_calendar(members=[ada]), monday, now=now)
    told.clear()
    booking.delete(appointment_id=booked.pk, by=ada, now=now)
    assert told == [("sessions", [booked.session_id], []), ("cancelled", booked.pk)]


def test_settings_that_change_events_are_told(ada: User, now: datetime, monday: datetime, told: Told) -> None:
    calendar = make_calendar("class_booking", members=[ada], seats_per_slot=3)
    booked = make_appointment(calendar, monday, now=now)
    make_appointment(calendar, monday, now=now, contact=client("B", "b@example.com"))

    def change(**values: Any) -> Told:
        told.clear()
        calendars.update(calendar_id=calendar.pk, values=values, now=now)
        return list(told)

    assert change(minimum_notice=5) == []
    assert change(icloud_enabled=False) == [("calendar", calendar.pk)]
    assert change(name="Yoga") == [("sessions", [booked.session_id], []), ("calendar", calendar.pk)]
    assert change(seats_per_slot=1) == [("sessions", [booked.session_id], []), ("calendar", calendar.pk)]
    assert Session.objects.get().seats == 2, "never fewer than are taken"


def test_a_contacts_new_name_reaches_its_events(ada: User, now: datetime, monday: datetime, told: Told) -> None:
    booked = make_appointment(make_calendar(members=[ada]), monday, now=now)
    told.clear()
    contact = Contact.objects.get()
    contact.phone = "+49 30"
    contacts.save(contact)
    assert told == [("sessions", [booked.session_id], [])]
    assert event_text(Session.objects.get()).details == ["Grace Hopper", "grace@example.com", "+49 30"]


def test_what_events_say(ada: User, bea: User, now: datetime, monday: datetime) -> None:
    service = make_calendar(members=[ada])
    fitting = make_appointment(service, monday, now=now, title="Fitting", location="Room 1", notes="Bring it")
    yoga = make_calendar("class_booking", name="Yoga", members=[bea], seats_per_slot=5)
    seats = [
        make_appointment(yoga, monday, now=now, contact=client(name, f"{name}@example.com"), location=place, notes=note)
        for name, place, note in [("a", "", "first"), ("b", "Hall", "second"), ("c", "Gym", "")]
    ]
    booking.cancel(appointment_id=seats[0].pk, by=bea, now=now)
    sessions = list(Session.objects.order_by("pk"))
    with CaptureQueriesContext(connection) as captured:
        texts = event_texts(sessions)
    assert len(captured) <= 3
    assert texts == {
        fitting.session_id: EventText("Fitting", "Room 1", "Bring it", ["Grace Hopper", "grace@example.com"]),
        seats[0].session_id: EventText("Yoga (2/5)", "Hall", "second", ["b, b@example.com", "c, c@example.com"]),
    }
