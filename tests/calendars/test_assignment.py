"""Who gives the appointment (rule A3)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calendars.models import Engagement
from calendars.rules.assignment import Candidate, by_availability, by_equal_distribution, too_far_ahead
from calendars.services import booking
from calendars.services.calendar_rules import MemberInput
from calendars.services.errors import SlotUnavailable
from leadmagicx.accounts.models import User
from tests.factories import make_appointment, make_blocked_slot, make_calendar

HOUR = timedelta(hours=1)
DAY = datetime(2026, 1, 1, tzinfo=UTC)


def test_priority_comes_first_then_who_waited_longest_then_the_list() -> None:
    candidates = [
        Candidate(1, priority=0, last_booked=None),
        Candidate(2, priority=1, last_booked=DAY),
        Candidate(3, priority=1, last_booked=DAY - HOUR),
        Candidate(4, priority=1, last_booked=DAY),
        Candidate(5, priority=1, last_booked=None),
        Candidate(6, priority=1, last_booked=None),
    ]
    assert by_availability(candidates, range(7)) == [5, 6, 3, 2, 4, 1]
    assert by_availability(candidates, {1, 4}) == [4, 1]


def test_fewest_in_the_month_then_the_list_and_three_ahead_is_passed_over() -> None:
    candidates = [
        Candidate(1, in_month=2),
        Candidate(2, in_month=0),
        Candidate(3, in_month=3),
        Candidate(4, in_month=0),
    ]
    assert by_equal_distribution(candidates, {1, 2, 3, 4}) == [2, 4, 1]
    assert by_equal_distribution(candidates, {3}) == []
    assert by_equal_distribution(candidates, {1, 3}) == [1]


@given(st.dictionaries(st.integers(1, 9), st.integers(0, 9), min_size=1))
def test_somebody_is_never_too_far_ahead(counts: dict[int, int]) -> None:
    hidden = too_far_ahead(counts)
    assert hidden < counts.keys()
    assert all(counts[host] - min(counts.values()) >= 3 for host in hidden)


def host_of(appointment: object) -> int | None:
    return Engagement.objects.get(session=appointment.session_id, active=True).host_id  # type: ignore[attr-defined]


@pytest.mark.django_db
def test_the_one_who_waited_longest_is_next(ada: User, bea: User, cleo: User, now: datetime, monday: datetime) -> None:
    calendar = make_calendar("round_robin", members=[ada, bea, MemberInput(cleo.pk, priority=-1)])
    order = []
    for number, seconds in enumerate([0, 9, 5, 7]):
        moment = now + timedelta(seconds=seconds)
        order.append(host_of(make_appointment(calendar, monday + number * HOUR, now=moment)))
    assert order == [ada.pk, bea.pk, ada.pk, ada.pk], "Bea was booked at 9 s, Ada last at 5 s"
    # Another calendar's appointments do not count, and Cleo helps out when nobody preferred is free.
    make_appointment(make_calendar(members=[ada]), monday + 9 * HOUR, now=now + HOUR)
    assert host_of(make_appointment(calendar, monday + 5 * HOUR, now=now + HOUR)) == ada.pk, "since 7 s"
    for host in (ada, bea):
        make_blocked_slot(host, monday + 6 * HOUR, monday + 7 * HOUR)
    assert host_of(make_appointment(calendar, monday + 6 * HOUR, now=now)) == cleo.pk


@pytest.mark.django_db
def test_what_was_handed_over_counts_for_its_new_host(ada: User, bea: User, now: datetime, monday: datetime) -> None:
    calendar = make_calendar("round_robin", members=[ada, bea])
    first = make_appointment(calendar, monday, now=now)
    booking.edit(appointment_id=first.pk, by=ada, now=now, host_id=bea.pk)
    booking.cancel(appointment_id=first.pk, by=ada, now=now)
    assert host_of(make_appointment(calendar, monday, now=now + HOUR)) == ada.pk


@pytest.mark.django_db
def test_equal_distribution_counts_the_month_of_the_slot(ada: User, bea: User, now: datetime) -> None:
    later = (now + timedelta(days=40)).replace(day=10, hour=9, minute=0, second=0, microsecond=0)
    calendar = make_calendar(
        "service", members=[ada, bea], assignment="equal_distribution", booking_window_days=300, max_per_day=None
    )
    for number in range(2):
        make_appointment(calendar, later + number * HOUR, now=now, host_id=ada.pk)
    assert host_of(make_appointment(calendar, later + 3 * HOUR, now=now)) == bea.pk
    make_blocked_slot(bea, later + 4 * HOUR, later + 5 * HOUR)
    assert host_of(make_appointment(calendar, later + 4 * HOUR, now=now)) == ada.pk, "two ahead"
    make_appointment(calendar, later + 5 * HOUR, now=now, host_id=ada.pk)
    make_blocked_slot(bea, later + 6 * HOUR, later + 7 * HOUR)
    with pytest.raises(SlotUnavailable) as refused:
        make_appointment(calendar, later + 6 * HOUR, now=now)
    assert [(reason["code"], reason["host"]) for reason in refused.value.reasons] == [
        ("NO_MEMBER", ada.pk),
        ("BLOCKED", bea.pk),
    ]
    # A host chosen by name is not passed over, and next month all begin anew.
    assert host_of(make_appointment(calendar, later + 6 * HOUR, now=now, host_id=ada.pk)) == ada.pk
    next_month = (later + timedelta(days=31)).replace(day=10)
    assert host_of(make_appointment(calendar, next_month, now=now)) == ada.pk


@pytest.mark.django_db
def test_candidates_come_in_the_order_of_the_choice(
    ada: User, bea: User, cleo: User, now: datetime, monday: datetime
) -> None:
    """Whom to ask iCloud about before a booking (A5)."""
    calendar = make_calendar("round_robin", members=[ada, bea, cleo])
    make_appointment(calendar, monday, now=now)
    make_blocked_slot(bea, monday + HOUR, monday + 2 * HOUR)
    asked = {"calendar_id": calendar.pk, "start": monday + HOUR, "now": now}
    assert booking.candidate_hosts(**asked) == [cleo.pk, ada.pk]
    assert booking.candidate_hosts(**asked, host_id=bea.pk) == []
    assert booking.candidate_hosts(**asked, host_id=ada.pk) == [ada.pk]
    together = make_calendar("collective", members=[ada, cleo])
    assert booking.candidate_hosts(**asked | {"calendar_id": together.pk}) == [ada.pk, cleo.pk]
    together = make_calendar("collective", members=[ada, bea])
    assert booking.candidate_hosts(**asked | {"calendar_id": together.pk}) == []
