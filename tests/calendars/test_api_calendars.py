"""calendars/ and free-slots/ over REST."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from calendars.models import Calendar
from leadmagicx.accounts.models import User
from tests.factories import UserFactory, make_appointment, make_calendar, make_icloud_slot

pytestmark = pytest.mark.django_db
Api = Callable[[User], Any]
URL = "/api/v1/calendars/"
K2 = "iCloud Integration is not supported for Simple Calendars"


def body(kind: str = "service", *users: User, **values: Any) -> dict[str, Any]:
    return {"name": "Fitting", "type": kind, "members": [{"user": user.pk} for user in users], **values}


def test_defaults_are_those_of_the_contract(api: Api, staff: User, ada: User) -> None:
    answer = api(staff).post(URL, body("service", ada, slot_duration=45))
    assert answer.status_code == 201
    shown = answer.json()
    assert shown.pop("id") == Calendar.objects.get().pk
    assert shown == {
        "name": "Fitting", "type": "service", "timezone": "UTC", "icloud_enabled": True, "slot_duration": 45,
        "slot_interval": 45, "buffer_before": 0, "buffer_after": 0, "minimum_notice": 0, "booking_window_days": 60,
        "max_per_day": None, "seats_per_slot": 1, "assignment": "availability", "hours": [], "date_overrides": [],
        "members": [{"user": ada.pk, "priority": 0.0, "is_primary": True}],
    }  # fmt: skip


def test_a_simple_calendar_never_has_icloud(api: Api, staff: User) -> None:
    """K2"""
    client = api(staff)
    made = client.post(URL, body("simple"))
    assert made.json()["icloud_enabled"] is False
    for answer in (
        client.post(URL, body("simple", icloud_enabled=True)),
        client.patch(f"{URL}{made.json()['id']}/", {"icloud_enabled": True}),
    ):
        assert answer.status_code == 400
        assert answer.json()["code"] == "simple_calendar_not_supported"
        assert answer.json()["detail"] == K2


@pytest.mark.parametrize(
    ("kind", "count", "code"),
    [
        ("class_booking", 0, "class_needs_one_owner"),
        ("class_booking", 2, "class_needs_one_owner"),
        ("collective", 1, "collective_needs_two"),
        ("round_robin", 0, "member_required"),
        ("service", 0, "member_required"),
        ("simple", 2, "simple_has_one_member"),
    ],
)
def test_each_type_asks_for_its_members(
    api: Api, staff: User, ada: User, bea: User, kind: str, count: int, code: str
) -> None:
    answer = api(staff).post(URL, body(kind, *[ada, bea][:count]))
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert "members" in answer.json()["fields"]
    assert not Calendar.objects.exists()


def test_the_type_never_changes(api: Api, staff: User, ada: User) -> None:
    calendar = make_calendar("service", members=[ada])
    answer = api(staff).patch(f"{URL}{calendar.pk}/", {"type": "round_robin"})
    assert (answer.status_code, answer.json()["code"]) == (400, "immutable")
    assert api(staff).patch(f"{URL}{calendar.pk}/", {"type": "service", "name": "New"}).json()["name"] == "New"


def test_hours_and_overrides_come_back_as_they_were_given(api: Api, staff: User, ada: User) -> None:
    hours = [{"weekday": 0, "start": "09:00", "end": "12:00"}, {"weekday": 6, "start": "13:30", "end": "24:00"}]
    overrides = [
        {"date": "2026-12-24", "intervals": [{"start": "09:00", "end": "11:00"}, {"start": "11:30", "end": "12:00"}]},
        {"date": "2026-12-25", "intervals": []},
    ]
    client = api(staff)
    made = client.post(URL, body("service", ada, hours=hours, date_overrides=overrides))
    shown = client.get(f"{URL}{made.json()['id']}/").json()
    assert shown["hours"] == hours
    assert shown["date_overrides"] == overrides
    assert client.patch(f"{URL}{shown['id']}/", {"hours": []}).json()["date_overrides"] == overrides


@pytest.mark.parametrize(
    "wrong",
    [
        {"hours": [{"weekday": 0, "start": "12:00", "end": "09:00"}]},
        {"hours": [{"weekday": 7, "start": "09:00", "end": "12:00"}]},
        {"hours": [{"weekday": 0, "start": "09:00", "end": "24:01"}]},
        {"hours": [{"weekday": 0, "start": "9", "end": "10"}]},
        {"hours": [{"weekday": 0, "start": "09:00", "end": "12:00"}, {"weekday": 0, "start": "11:00", "end": "13:00"}]},
        {"date_overrides": [{"date": "2026-12-24", "intervals": []}, {"date": "2026-12-24", "intervals": []}]},
        {"timezone": "Berlin"},
        {"timezone": "../../etc/passwd"},
        {"slot_duration": 0},
        {"slot_duration": 10**12},
        {"booking_window_days": 731},
        {"seats_per_slot": 0},
        {"name": ""},
        {"name": "a\x00b"},
        {"name": "\ud800"},
        {"assignment": "random"},
        {"assignment": "\ud800"},
    ],
)
def test_what_is_wrong_is_named_not_saved(api: Api, staff: User, ada: User, wrong: dict[str, Any]) -> None:
    text = json.dumps(body("service", ada) | wrong)
    answer = api(staff).generic("POST", URL, text, content_type="application/json")
    assert answer.status_code == 400, answer.content
    assert set(answer.json()["fields"]) == set(wrong)
    assert not Calendar.objects.exists()


@pytest.mark.parametrize("priority", ["1e400", '"nan"', "NaN"])
def test_a_priority_is_a_number(api: Api, staff: User, ada: User, priority: str) -> None:
    members = f'[{{"user": {ada.pk}, "priority": {priority}}}]'
    text = f'{{"name": "x", "type": "service", "members": {members}}}'
    answer = api(staff).generic("POST", URL, text, content_type="application/json")
    assert answer.status_code == 400


def test_members_read_staff_write_others_see_nothing(api: Api, staff: User, ada: User, bea: User) -> None:
    calendar = make_calendar("service", members=[ada])
    url = f"{URL}{calendar.pk}/"
    assert [row["id"] for row in api(ada).get(URL).json()["results"]] == [calendar.pk]
    assert api(ada).get(url).status_code == 200
    assert api(bea).get(URL).json() == {"next": None, "previous": None, "results": []}
    for method in ("get", "patch", "put", "delete"):
        assert getattr(api(bea), method)(url, {}).status_code == 404
        if method != "get":
            answer = getattr(api(ada), method)(url, {})
            assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
    assert api(bea).get(f"{url}free-slots/?from=2026-01-01&to=2026-01-01").status_code == 404
    answer = api(ada).post(URL, body("service", ada))
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
    assert api(staff).get(f"{URL}{'9' * 30}/").status_code == 404


def test_a_calendar_with_appointments_stays(api: Api, staff: User, ada: User, now: datetime, monday: datetime) -> None:
    calendar = make_calendar("service", members=[ada])
    appointment = make_appointment(calendar, monday, now=now)
    answer = api(staff).delete(f"{URL}{calendar.pk}/")
    assert (answer.status_code, answer.json()["code"]) == (409, "invalid_state")
    assert api(staff).delete(f"/api/v1/appointments/{appointment.pk}/").status_code == 204
    assert api(staff).delete(f"{URL}{calendar.pk}/").status_code == 204


def slots(client: Any, calendar: Calendar, **query: Any) -> Any:
    return client.get(f"{URL}{calendar.pk}/free-slots/", query)


def test_free_slots_are_keyed_by_the_viewers_dates(api: Api, ada: User, monday: datetime) -> None:
    calendar = make_calendar(
        "service", members=[ada], timezone="America/New_York", hours=[(0, 20 * 60, 22 * 60)], slot_duration=60
    )
    first = monday.date()
    answer = slots(
        api(ada), calendar, **{"from": first, "to": first + timedelta(days=1), "timezone": "Asia/Tokyo"}
    ).json()
    tuesday = (first + timedelta(days=1)).isoformat()
    offset = monday.astimezone(ZoneInfo("America/New_York")).utcoffset()
    hour = 20 + 9 - int(offset.total_seconds() // 3600) - 24
    assert set(answer) == {"timezone", "data_as_of", "stale", "horizon", "days"}
    assert answer["timezone"] == "Asia/Tokyo"
    assert answer["days"] == {
        first.isoformat(): [],
        tuesday: [f"{tuesday}T{hour:02d}:00:00+09:00", f"{tuesday}T{hour + 1:02d}:00:00+09:00"],
    }


def test_explain_tells_of_every_start(api: Api, ada: User, now: datetime, monday: datetime) -> None:
    calendar = make_calendar("service", members=[ada], hours=[(0, 9 * 60, 12 * 60)], slot_duration=60, buffer_before=30)
    at = monday + timedelta(hours=9)
    make_appointment(calendar, at, now=now)
    make_icloud_slot(ada, at + timedelta(hours=2, minutes=30), at + timedelta(hours=2, minutes=45), place="Work")
    day, sunday = monday.date(), monday.date() - timedelta(days=1)
    answer = slots(api(ada), calendar, **{"from": sunday, "to": day, "explain": "true"}).json()
    assert answer["days"] == {sunday.isoformat(): [], day.isoformat(): []}
    found = answer["explanations"]
    assert [(row["start"], row["open"], [r["code"] for r in row["reasons"]]) for row in found[sunday.isoformat()]] == [
        (f"{sunday}T00:00:00Z", False, ["HOURS"])
    ]
    on_monday = found[day.isoformat()]
    assert [(row["start"][11:16], [(r["code"], r["host"]) for r in row["reasons"]]) for row in on_monday] == [
        ("09:00", [("BOOKED", ada.pk)]),
        ("10:00", [("BUFFER", ada.pk)]),
        ("11:00", [("ICLOUD_BUSY", ada.pk)]),
    ]
    assert on_monday[2]["reasons"][0]["text"] == "Ada is busy in iCloud (Work) 11:30–11:45"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"from": "2026-01-01", "to": "2026-03-04"}, "invalid_range"),
        ({"from": "2026-01-02", "to": "2026-01-01"}, "invalid_range"),
        ({"from": "9999-12-31", "to": "9999-12-31"}, "invalid_range"),
        ({"from": "0001-01-01", "to": "0001-01-01"}, "invalid_range"),
        ({"from": "0000-01-01", "to": "2026-01-01"}, "invalid"),
        ({"from": "2026-01-01"}, "invalid"),
        ({"from": "2026-01-01", "to": "2026-01-01", "timezone": "Mars/Olympus"}, "invalid_timezone"),
        ({"from": "2026-01-01", "to": "2026-01-01", "timezone": "a\x00b"}, "invalid_timezone"),
        ({"from": "2026-01-01", "to": "2026-01-01", "host": "NaN"}, "invalid"),
        ({"from": "2026-01-01", "to": "2026-01-01", "host": "7" * 40}, "not_a_member"),
    ],
)
def test_odd_questions_are_answered_400(api: Api, ada: User, query: dict[str, str], code: str) -> None:
    answer = slots(api(ada), make_calendar("service", members=[ada]), **query)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_62_days_are_allowed(api: Api, ada: User) -> None:
    answer = slots(api(ada), make_calendar("service", members=[ada]), **{"from": "2026-01-01", "to": "2026-03-03"})
    assert len(answer.json()["days"]) == 62


def test_queries_do_not_grow_with_hosts_or_days(api: Api, staff: User, monday: datetime) -> None:
    """Issue 4: 62 days of a ten-host round-robin in at most 8 queries."""
    members = [UserFactory() for _ in range(10)]
    calendar = make_calendar("round_robin", members=members, assignment="equal_distribution", max_per_day=3)
    client = api(staff)
    slots(client, calendar, **{"from": monday.date(), "to": monday.date()})
    with CaptureQueriesContext(connection) as captured:
        answer = slots(client, calendar, **{"from": monday.date(), "to": monday.date() + timedelta(days=61)})
    assert answer.status_code == 200
    assert len(captured) <= 8, [query["sql"] for query in captured]
