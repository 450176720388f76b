"""Free slots from rows: one rule, one test (rules A1, A2, A6, P13)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from calendars import messages
from calendars.models import Calendar
from calendars.rules.hours import Hours, instant
from calendars.rules.reasons import Code, Reason
from calendars.selectors import FreeSlots, free_slots, offer_of
from calendars.services import booking
from leadmagicx.accounts.models import User
from tests.factories import client, make_appointment, make_blocked_slot, make_calendar, make_icloud_slot

HOUR = timedelta(hours=1)
BERLIN = ZoneInfo("Europe/Berlin")


def ask(calendar: Calendar, day: date, *, now: datetime, zone: Any = UTC, days: int = 1, **values: Any) -> FreeSlots:
    zone = ZoneInfo("UTC") if zone is UTC else zone
    offer, asked = (
        offer_of(calendar.pk),
        {"first": day, "last": day + timedelta(days=days - 1), "zone": zone, "now": now},
    )
    explained = free_slots(offer, **asked, explain=True, **values)
    # Without reasons less is read; what is open is the same.
    assert free_slots(offer, **asked, **values).days == explained.days
    return explained


def reasons(found: FreeSlots, start: datetime) -> list[tuple[str, int | None]]:
    rows = {row.start: row.reasons for day in found.explanations.values() for row in day}
    return [(reason.code.value, reason.host) for reason in rows[start]]


@pytest.mark.django_db
def test_notice_and_window(ada: User, monday: datetime) -> None:
    calendar = make_calendar(members=[ada], slot_duration=60, minimum_notice=120, booking_window_days=1)
    now = monday + timedelta(hours=9, minutes=30)
    found = ask(calendar, monday.date(), now=now, days=3)
    assert found.days[monday.date()][0] == monday + 12 * HOUR
    assert reasons(found, monday + 11 * HOUR) == [("NOTICE", None)]
    assert len(found.days[monday.date() + timedelta(days=1)]) == 24, "the last day is bookable to its end"
    assert found.days[monday.date() + timedelta(days=2)] == []
    assert reasons(found, monday + 48 * HOUR) == [("TOO_FAR", None)]


@pytest.mark.django_db
def test_the_day_limit_counts_the_calendars_own_days(ada: User, bea: User, now: datetime, monday: datetime) -> None:
    calendar = make_calendar("round_robin", members=[ada, bea], timezone="Asia/Tokyo", max_per_day=2)
    tokyo_evening = monday + 14 * HOUR  # 23:00
    first = make_appointment(calendar, tokyo_evening, now=now)
    make_appointment(calendar, tokyo_evening, now=now)
    make_appointment(make_calendar(members=[ada]), monday, now=now)
    found = ask(calendar, monday.date(), now=now)
    assert reasons(found, monday + 3 * HOUR) == [("DAY_LIMIT", None)]
    assert reasons(found, monday + 15 * HOUR) == []
    booking.edit(appointment_id=first.pk, by=ada, now=now, start=monday + 3 * HOUR)
    booking.cancel(appointment_id=first.pk, by=ada, now=now)
    assert reasons(ask(calendar, monday.date(), now=now), monday + 3 * HOUR) == []


@pytest.mark.django_db
def test_buffers_of_both_sides_and_none_around_blocks(ada: User, now: datetime, monday: datetime) -> None:
    ours = make_calendar(members=[ada], buffer_before=30, slot_duration=30)
    theirs = make_calendar(members=[ada], buffer_after=60, slot_duration=30)
    make_appointment(theirs, monday + 10 * HOUR, now=now)
    make_icloud_slot(ada, monday + 15 * HOUR, monday + 16 * HOUR)
    found = ask(ours, monday.date(), now=now)
    half = HOUR / 2
    assert reasons(found, monday + 9 * HOUR + half) == []
    assert reasons(found, monday + 10 * HOUR) == [("BOOKED", ada.pk)]
    assert reasons(found, monday + 10 * HOUR + half) == [("BUFFER", ada.pk)]
    assert reasons(found, monday + 11 * HOUR) == [("BUFFER", ada.pk)]
    assert reasons(found, monday + 11 * HOUR + half) == []
    assert reasons(found, monday + 14 * HOUR + half) == []
    assert reasons(found, monday + 15 * HOUR) == [("ICLOUD_BUSY", ada.pk)]
    assert reasons(found, monday + 16 * HOUR) == []


@pytest.mark.django_db
def test_only_what_blocks_closes(ada: User, now: datetime, monday: datetime) -> None:
    """P2, P3, K2: FREE events stay open; a calendar without iCloud is closed by LeadMagicX alone."""
    make_icloud_slot(ada, monday, monday + HOUR, blocks=False, code="FREE")
    make_icloud_slot(ada, monday + HOUR, monday + 2 * HOUR)
    make_blocked_slot(ada, monday + 2 * HOUR, monday + 3 * HOUR)
    travelling = {"busy_start": monday + 4 * HOUR, "busy_end": monday + 7 * HOUR}
    make_icloud_slot(ada, monday + 5 * HOUR, monday + 6 * HOUR, **travelling)
    with_icloud = ask(make_calendar(members=[ada], slot_duration=60), monday.date(), now=now)
    assert [(start.hour) for start in with_icloud.days[monday.date()]][:3] == [0, 3, 7]
    for kind, values in [("simple", {}), ("service", {"icloud_enabled": False})]:
        calendar = make_calendar(kind, members=[ada], slot_duration=60, **values)
        found = ask(calendar, monday.date(), now=now)
        assert [start.hour for start in found.days[monday.date()]] == [0, 1, *range(3, 24)]


@pytest.mark.django_db
def test_long_blocks_close_however_early_they_began(ada: User, now: datetime, monday: datetime) -> None:
    make_icloud_slot(ada, monday - timedelta(days=300), monday + 3 * HOUR)
    make_icloud_slot(ada, monday - timedelta(days=2), monday + 4 * HOUR)
    make_icloud_slot(ada, monday + 20 * HOUR, monday + timedelta(days=100))
    found = ask(make_calendar(members=[ada], slot_duration=60), monday.date(), now=now)
    assert [start.hour for start in found.days[monday.date()]] == list(range(4, 20))
    assert reasons(found, monday) == [("ICLOUD_BUSY", ada.pk)] * 2


@pytest.mark.django_db
def test_nothing_is_offered_beyond_the_horizon(ada: User, bea: User, now: datetime, monday: datetime) -> None:
    """P13"""
    calendar = make_calendar("round_robin", members=[ada, bea], slot_duration=60)
    horizon = {ada.pk: monday + 5 * HOUR, bea.pk: monday + 2 * HOUR + HOUR / 2}
    found = ask(calendar, monday.date(), now=now, horizon=horizon)
    assert [start.hour for start in found.days[monday.date()]] == [0, 1, 2, 3, 4]
    assert reasons(found, monday + 5 * HOUR) == [("HORIZON", ada.pk), ("HORIZON", bea.pk)]


@pytest.mark.django_db
def test_a_member_may_be_asked_for(ada: User, bea: User, now: datetime, monday: datetime) -> None:
    calendar = make_calendar("round_robin", members=[ada, bea], slot_duration=60)
    make_blocked_slot(ada, monday, monday + HOUR)
    assert reasons(ask(calendar, monday.date(), now=now), monday) == []
    assert reasons(ask(calendar, monday.date(), now=now, host_id=ada.pk), monday) == [("BLOCKED", ada.pk)]
    assert reasons(ask(calendar, monday.date(), now=now, host_id=bea.pk), monday) == []


@pytest.mark.django_db
def test_without_members_nothing_is_open(ada: User, now: datetime, monday: datetime) -> None:
    calendar = make_calendar("round_robin", members=[ada])
    calendar.members.all().delete()
    assert reasons(ask(calendar, monday.date(), now=now), monday) == [("NO_MEMBER", None)]


@pytest.mark.django_db
def test_a_class_is_open_while_it_has_seats(ada: User, now: datetime, monday: datetime) -> None:
    calendar = make_calendar("class_booking", members=[ada], seats_per_slot=2, slot_duration=60, slot_interval=30)
    make_appointment(calendar, monday + HOUR, now=now)
    found = ask(calendar, monday.date(), now=now)
    assert reasons(found, monday + HOUR) == []
    assert reasons(found, monday + HOUR / 2) == [("BOOKED", ada.pk)]
    assert (found.seats_left[monday + HOUR], found.seats_left[monday + 2 * HOUR]) == (1, 2)
    make_appointment(calendar, monday + HOUR, now=now, contact=client("B", "b@example.com"))
    assert reasons(ask(calendar, monday.date(), now=now), monday + HOUR) == [("SEATS", None)]
    # The owner's other engagements close it, seats or not.
    make_blocked_slot(ada, monday + HOUR, monday + 2 * HOUR)
    assert reasons(ask(calendar, monday.date(), now=now), monday + HOUR) == [("BLOCKED", ada.pk), ("SEATS", None)]


@pytest.mark.parametrize(
    ("day", "minutes", "starts"),
    [
        (date(2026, 3, 29), (0, 1440), 23),
        (date(2026, 10, 25), (0, 1440), 25),
        (date(2026, 3, 29), (120, 180), 0),  # the hour that is not there
        (date(2026, 3, 29), (60, 240), 2),
        (date(2026, 10, 25), (120, 180), 2),  # the hour that comes twice
        (date(2026, 10, 25), (60, 150), 1),
    ],
)
def test_days_of_23_and_25_hours(day: date, minutes: tuple[int, int], starts: int) -> None:
    hours = Hours(BERLIN, {6: [minutes]})
    assert len(hours.starts(day, day, step=3600, length=3600)) == starts


def test_a_midnight_that_is_skipped_is_the_first_moment_after() -> None:
    havana = ZoneInfo("America/Havana")
    midnight = datetime.fromtimestamp(instant(date(2026, 3, 8), 0, havana), havana)
    assert (midnight.hour, midnight.date()) == (1, date(2026, 3, 8))
    apia = ZoneInfo("Pacific/Apia")
    assert Hours(apia, {4: [(540, 720)]}).starts(date(2011, 12, 30), date(2011, 12, 30), step=60, length=60) == []


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        (Reason(Code.ICLOUD_BUSY, 1, 34_200, 37_800, "Home"), "Ada is busy in iCloud (Home) 9:30–10:30"),
        (Reason(Code.ICLOUD_BUSY, 1, 34_200, 37_800), "Ada is busy in iCloud 9:30–10:30"),
        (Reason(Code.BLOCKED, 1, 0, 90_000), "Ada has blocked 1970-01-01 0:00 – 1970-01-02 1:00"),
        (Reason(Code.BOOKED, 1, 0, 1800), "Ada has an appointment 0:00–0:30"),
        (Reason(Code.BUFFER, 1, 0, 1800), "Ada needs time around the appointment 0:00–0:30"),
        (Reason(Code.HORIZON, 1, start=0), "Ada's iCloud calendars are known until 1970-01-01 0:00"),
        (Reason(Code.NO_MEMBER, 1), "Ada is passed over: three or more appointments ahead this month"),
        (Reason(Code.NO_MEMBER), "Nobody gives appointments in this calendar"),
        (Reason(Code.COLLECTIVE, hosts=(1, 2)), "Everyone has to be free; not free: Ada, Bea"),
        (Reason(Code.SEATS, limit=1), "The only seat is taken"),
        (Reason(Code.SEATS, limit=9), "All 9 seats are taken"),
        (Reason(Code.DAY_LIMIT, limit=1), "The day is full: 1 appointment a day"),
        (Reason(Code.TOO_FAR, limit=60), "Too far ahead: bookable 60 days ahead"),
        (Reason(Code.NOTICE, start=34_200), "Too soon: bookable from 1970-01-01 9:30 on"),
        (Reason(Code.HOURS), "Outside the opening hours, or not one of the calendar's starting times"),
    ],
)
def test_every_code_has_a_sentence(reason: Reason, text: str) -> None:
    """A6"""
    assert messages.sentence(reason, names={1: "Ada", 2: "Bea"}, zone=ZoneInfo("UTC")) == text
