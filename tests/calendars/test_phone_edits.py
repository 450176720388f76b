"""What an edit on the phone does here (rule P7), and what it leaves for others to see."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from calendars.models import Appointment, Engagement, Session
from calendars.services import booking, sessions
from calendars.services.errors import InvalidState, SlotUnavailable
from leadmagicx.accounts.models import User
from tests.factories import client, make_appointment, make_calendar

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
HALF = timedelta(minutes=30)


def engagement_of(appointment: Appointment, host: User | None = None) -> Engagement:
    rows = Engagement.objects.filter(session=appointment.session_id)
    return rows.get(host=host) if host else rows.get()


def move(appointment: Appointment, start: datetime, now: datetime, **values: Any) -> sessions.PhoneEditResult:
    values.setdefault("end", start + HALF)
    engagement = Engagement.objects.filter(session=appointment.session_id).first()
    assert engagement is not None
    return sessions.apply_phone_edit(engagement_id=engagement.pk, now=now, start=start, **values)


def test_texts_and_a_new_length_are_taken(ada: User, now: datetime, monday: datetime) -> None:
    calendar = make_calendar(members=[ada])
    appointment = make_appointment(calendar, monday, now=now)
    result = sessions.apply_phone_edit(
        engagement_id=engagement_of(appointment).pk,
        now=now,
        end=monday + 2 * HOUR,
        title="Fitting",
        notes="Bring\x00 it",
    )
    appointment = Appointment.objects.select_related("session").get()
    assert (appointment.title, appointment.notes) == ("Fitting", "Bring it")
    assert (appointment.start, appointment.end) == (monday, monday + 2 * HOUR)
    assert result.changed == {
        "title": ("Grace Hopper", "Fitting"),
        "notes": ("", "Bring it"),
        "end": (monday + HALF, monday + 2 * HOUR),
    }
    assert (result.outside_hours, result.clashes, result.affects_others) == (False, False, False)
    # A move in LeadMagicX keeps that length.
    moved = booking.edit(appointment_id=appointment.pk, by=ada, now=now, start=monday + 3 * HOUR)
    assert moved.end == monday + 5 * HOUR


def test_nothing_new_changes_nothing(ada: User, now: datetime, monday: datetime) -> None:
    appointment = make_appointment(make_calendar(members=[ada]), monday, now=now)
    before = Session.objects.get().revision
    result = move(appointment, monday, now, title="Grace Hopper", location="", notes="")
    assert result == sessions.PhoneEditResult()
    assert move(appointment, monday, now, title="  ").changed == {}, "an appointment has a title"
    assert Session.objects.get().revision == before


def test_a_time_outside_the_hours_is_applied_and_told(ada: User, now: datetime, monday: datetime) -> None:
    calendar = make_calendar(members=[ada], hours=[(0, 540, 600), (0, 600, 720)])
    appointment = make_appointment(calendar, monday + 9 * HOUR, now=now)
    assert move(appointment, monday + 9 * HOUR + HALF, now, end=monday + 11 * HOUR).outside_hours is False
    assert move(appointment, monday + 8 * HOUR, now).outside_hours is True
    assert Session.objects.get().start == monday + 8 * HOUR


def test_a_clash_is_exempt_until_it_is_resolved_and_nothing_is_booked_over_it(
    ada: User, now: datetime, monday: datetime
) -> None:
    calendar = make_calendar(members=[ada], slot_interval=15)
    moved = make_appointment(calendar, monday, now=now)
    other = make_appointment(calendar, monday + 2 * HOUR, now=now)
    assert move(moved, monday + 2 * HOUR + HALF / 2, now).clashes is True
    assert engagement_of(moved).exempt is True
    assert engagement_of(other).exempt is False
    for ignore in (False, True):
        with pytest.raises(SlotUnavailable):
            make_appointment(calendar, monday + 2 * HOUR + HALF, now=now, ignore_availability=ignore)
    booking.cancel(appointment_id=other.pk, by=ada, now=now)
    assert engagement_of(moved).exempt is False
    assert move(moved, monday + 5 * HOUR, now).clashes is False


def test_moving_away_resolves_a_clash_too(ada: User, now: datetime, monday: datetime, settled: list[int]) -> None:
    calendar = make_calendar(members=[ada])
    one = make_appointment(calendar, monday, now=now)
    two = make_appointment(calendar, monday + HOUR, now=now)
    move(one, monday + HOUR, now)
    assert move(two, monday + HOUR, now, title="x").clashes is False, "only a new time is about time"
    booking.edit(appointment_id=two.pk, by=ada, now=now, start=monday + 3 * HOUR)
    assert engagement_of(one).exempt is False
    assert settled == [engagement_of(one).pk]


def test_a_collective_follows_and_each_host_clashes_alone(
    ada: User, bea: User, now: datetime, monday: datetime
) -> None:
    both = make_calendar("collective", members=[ada, bea])
    alone = make_calendar(members=[bea])
    appointment = make_appointment(both, monday, now=now)
    make_appointment(alone, monday + HOUR, now=now)
    result = sessions.apply_phone_edit(
        engagement_id=engagement_of(appointment, ada).pk, now=now, start=monday + HOUR, end=monday + HOUR + HALF
    )
    assert (result.clashes, result.affects_others) == (True, True)
    assert engagement_of(appointment, ada).exempt is False
    assert engagement_of(appointment, bea).exempt is True
    assert {row.start for row in Engagement.objects.filter(session=appointment.session_id)} == {monday + HOUR}


def test_a_class_keeps_its_title_and_tells_all_seats(ada: User, now: datetime, monday: datetime) -> None:
    calendar = make_calendar("class_booking", members=[ada], seats_per_slot=5)
    first = make_appointment(calendar, monday, now=now)
    make_appointment(calendar, monday, now=now, contact=client("B", "b@example.com"))
    result = move(first, monday + HOUR, now, title="Yoga (9/9)", location="Hall 2")
    assert result.affects_others is True
    assert set(result.changed) == {"start", "end", "location"}
    rows = Appointment.objects.select_related("session")
    assert {(row.location, row.start) for row in rows} == {("Hall 2", monday + HOUR)}
    assert {row.title for row in rows} == {"Grace Hopper", "B"}


def test_a_class_moved_onto_another_session_waits_beside_it(ada: User, now: datetime, monday: datetime) -> None:
    calendar = make_calendar("class_booking", members=[ada], seats_per_slot=5)
    moved = make_appointment(calendar, monday, now=now)
    other = make_appointment(calendar, monday + HOUR, now=now)
    assert move(moved, monday + HOUR, now).clashes is True
    assert Session.objects.get(pk=moved.session_id).displaced is True
    with pytest.raises(SlotUnavailable):
        make_appointment(calendar, monday + HOUR, now=now)
    booking.cancel(appointment_id=other.pk, by=ada, now=now)
    session = Session.objects.get(pk=moved.session_id)
    assert (session.displaced, engagement_of(moved).exempt) == (False, False)
    assert make_appointment(calendar, monday + HOUR, now=now).session_id == session.pk


def test_what_cannot_be_is_refused(ada: User, now: datetime, monday: datetime) -> None:
    appointment = make_appointment(make_calendar(members=[ada]), monday, now=now)
    with pytest.raises(InvalidState):
        move(appointment, monday, now, end=monday)
    booking.cancel(appointment_id=appointment.pk, by=ada, now=now)
    with pytest.raises(InvalidState):
        move(appointment, monday + HOUR, now)
