"""Booking, editing, cancelling: one act, one test."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from calendars.models import Engagement, Session
from calendars.services import booking
from calendars.services.calendar_rules import MemberInput
from calendars.services.errors import InvalidState, NotAMember, SlotUnavailable
from leadmagicx.accounts.models import User
from tests.factories import client, make_appointment, make_blocked_slot, make_calendar, make_icloud_slot

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
HALF = timedelta(minutes=30)


def hosts(appointment: object) -> list[int | None]:
    session = Session.objects.get(pk=appointment.session_id)  # type: ignore[attr-defined]
    return list(session.engagements.filter(active=True).order_by("-is_primary", "pk").values_list("host_id", flat=True))


def codes(error: pytest.ExceptionInfo[SlotUnavailable]) -> list[str]:
    return [reason["code"] for reason in error.value.reasons]


def test_a_round_robin_slot_goes_to_whoever_is_free(ada: User, bea: User, now: datetime, monday: datetime) -> None:
    calendar = make_calendar("round_robin", members=[ada, bea])
    make_icloud_slot(ada, monday, monday + HOUR)
    assert hosts(make_appointment(calendar, monday, now=now)) == [bea.pk]
    with pytest.raises(SlotUnavailable) as refused:
        make_appointment(calendar, monday, now=now)
    assert codes(refused) == ["ICLOUD_BUSY", "BOOKED"]
    assert [reason["host"] for reason in refused.value.reasons] == [ada.pk, bea.pk]
    assert refused.value.reasons[0]["text"] == "Ada is busy in iCloud (Home) 0:00–1:00"


def test_a_collective_takes_everybodys_time(ada: User, bea: User, now: datetime, monday: datetime) -> None:
    calendar = make_calendar("collective", members=[ada, MemberInput(bea.pk, is_primary=True)])
    appointment = make_appointment(calendar, monday, now=now)
    assert hosts(appointment) == [bea.pk, ada.pk]
    make_blocked_slot(ada, monday + HOUR, monday + 2 * HOUR)
    with pytest.raises(SlotUnavailable) as refused:
        make_appointment(calendar, monday + HOUR, now=now)
    assert codes(refused) == ["COLLECTIVE", "BLOCKED"]


def test_a_class_fills_its_seats_in_one_session(ada: User, now: datetime, monday: datetime) -> None:
    calendar = make_calendar("class_booking", members=[ada], seats_per_slot=2, slot_duration=60)
    first = make_appointment(calendar, monday, now=now, contact=client("A", "a@example.com"))
    second = make_appointment(calendar, monday, now=now, contact=client("B", "b@example.com"))
    assert first.session_id == second.session_id
    assert Engagement.objects.count() == 1
    with pytest.raises(SlotUnavailable) as refused:
        make_appointment(calendar, monday, now=now)
    assert codes(refused) == ["SEATS"]
    booking.cancel(appointment_id=first.pk, by=ada, now=now)
    assert make_appointment(calendar, monday, now=now).seat == 1


def test_a_class_closes_what_overlaps_its_session(ada: User, now: datetime, monday: datetime) -> None:
    calendar = make_calendar("class_booking", members=[ada], seats_per_slot=5, slot_duration=60, slot_interval=30)
    make_appointment(calendar, monday, now=now)
    with pytest.raises(SlotUnavailable) as refused:
        make_appointment(calendar, monday + HALF, now=now)
    assert codes(refused) == ["BOOKED"]


def test_a_simple_calendar_without_members_guards_itself(now: datetime, monday: datetime, db: None) -> None:
    calendar = make_calendar("simple")
    assert hosts(make_appointment(calendar, monday, now=now)) == [None]
    with pytest.raises(SlotUnavailable) as refused:
        make_appointment(calendar, monday, now=now)
    assert refused.value.reasons[0] == {
        "code": "BOOKED",
        "host": None,
        "text": "The calendar has an appointment 0:00–0:30",
    }


def test_a_host_who_is_no_member_is_refused(ada: User, bea: User, now: datetime, monday: datetime) -> None:
    calendar = make_calendar(members=[ada])
    with pytest.raises(NotAMember):
        make_appointment(calendar, monday, now=now, host_id=bea.pk)


def test_a_move_goes_by_availability_and_ignores_itself(ada: User, now: datetime, monday: datetime) -> None:
    calendar = make_calendar(members=[ada], slot_duration=60, slot_interval=30)
    appointment = make_appointment(calendar, monday, now=now)
    other = make_appointment(calendar, monday + 2 * HOUR, now=now)
    moved = booking.edit(appointment_id=appointment.pk, by=ada, now=now, start=monday + HALF)
    assert (moved.start, moved.end) == (monday + HALF, monday + HALF + HOUR)
    with pytest.raises(SlotUnavailable):
        booking.edit(appointment_id=appointment.pk, by=ada, now=now, start=monday + 2 * HOUR)
    booking.cancel(appointment_id=other.pk, by=ada, now=now)
    booking.edit(appointment_id=appointment.pk, by=ada, now=now, start=monday + 2 * HOUR)
    with pytest.raises(InvalidState):
        booking.edit(appointment_id=other.pk, by=ada, now=now, title="Later")


def test_a_new_host_takes_over_and_may_give_it_back(ada: User, bea: User, now: datetime, monday: datetime) -> None:
    calendar = make_calendar("round_robin", members=[ada, bea])
    appointment = make_appointment(calendar, monday, now=now, host_id=ada.pk)
    make_appointment(calendar, monday, now=now, host_id=bea.pk)
    with pytest.raises(SlotUnavailable):
        booking.edit(appointment_id=appointment.pk, by=ada, now=now, host_id=bea.pk)
    # Bea is taken where it was, free where it goes.
    booking.edit(appointment_id=appointment.pk, by=ada, now=now, host_id=bea.pk, start=monday + HOUR)
    assert hosts(appointment) == [bea.pk]
    assert make_appointment(calendar, monday, now=now).start == monday
    booking.edit(appointment_id=appointment.pk, by=ada, now=now, host_id=ada.pk)
    assert hosts(appointment) == [ada.pk]


def test_a_class_seat_moves_alone(ada: User, now: datetime, monday: datetime) -> None:
    calendar = make_calendar("class_booking", members=[ada], seats_per_slot=2)
    first = make_appointment(calendar, monday, now=now)
    second = make_appointment(calendar, monday, now=now, contact=client("B", "b@example.com"))
    booking.edit(appointment_id=first.pk, by=ada, now=now, start=monday + HOUR)
    first.refresh_from_db()
    assert first.start == monday + HOUR
    assert second.session_id != first.session_id
    # The last seat goes too: its old session ends, the new one has both.
    booking.edit(appointment_id=second.pk, by=ada, now=now, start=monday + HOUR)
    second.refresh_from_db()
    assert second.session_id == first.session_id
    assert {first.seat, second.seat} == {1, 2}
    assert Session.objects.filter(active=True).count() == 1


def test_deleting_forgets_the_appointment_and_frees_the_time(ada: User, now: datetime, monday: datetime) -> None:
    calendar = make_calendar(members=[ada])
    appointment = make_appointment(calendar, monday, now=now)
    booking.delete(appointment_id=appointment.pk, by=ada, now=now)
    assert not Session.objects.filter(active=True).exists()
    assert make_appointment(calendar, monday, now=now).start == monday


def test_staff_overrule_hours_but_never_overlaps(ada: User, now: datetime, monday: datetime) -> None:
    calendar = make_calendar(members=[ada], hours=[])
    make_icloud_slot(ada, monday, monday + HOUR)
    with pytest.raises(SlotUnavailable) as refused:
        make_appointment(calendar, monday, now=now)
    assert codes(refused) == ["HOURS", "ICLOUD_BUSY"]
    make_appointment(calendar, monday, now=now, ignore_availability=True)
    with pytest.raises(SlotUnavailable) as refused:
        make_appointment(calendar, monday + HALF / 2, now=now, ignore_availability=True)
    assert codes(refused) == ["BOOKED"]
    make_appointment(calendar, now - timedelta(days=3), now=now, ignore_availability=True)
