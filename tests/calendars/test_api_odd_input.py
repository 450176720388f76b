"""Whatever is sent, the answer is never a 500 (reliability S27, S32)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from calendars.api.parsers import LARGEST_BODY
from leadmagicx.accounts.models import User
from tests.factories import make_appointment, make_blocked_slot, make_calendar

pytestmark = [pytest.mark.django_db, pytest.mark.turns(5)]
Api = Callable[[User], Any]
ROOT = "/api/v1/"
ODD_TEXTS = ["null", "[]", '""', "5", "true", "{}", "NaN", "[[[]]]", '{"a": NaN}', "\xff", "", "{", '"\\ud800"']
ODD_VALUES = [
    "null", "[]", "{}", '""', '"\\u0000"', '"\\ud800"', "1e400", "-1", "9" * 40, "true", '"0000-01-01"',
    '"9999-12-31T23:59:59-12:00"', '"0001-01-01T00:00:00+14:00"', '"NaN"', '[null]', '[{}]',
    '[[]]', '["\\ud800"]', '[{"user": 1e30}]', '[{"user": "\\u0000"}]',
]  # fmt: skip
FIELDS = {
    "appointments": ["calendar", "start", "host", "title", "location", "notes", "contact", "ignore_availability"],
    "blocked-slots": ["title", "start", "end", "all_day", "user"],
    "contacts": ["name", "email", "phone"],
    "users": ["username", "email", "password", "timezone", "is_staff"],
    "calendars": [
        "name", "type", "timezone", "icloud_enabled", "slot_duration", "slot_interval", "buffer_before", "max_per_day",
        "booking_window_days", "minimum_notice", "seats_per_slot", "assignment", "members", "hours", "date_overrides",
    ],
}  # fmt: skip
# What a list may be asked for; the last one of each is a name that it does not know.
QUESTIONS = {
    "appointments": ["host", "calendar", "from", "to", "status", "page", "page_size", "user"],
    "blocked-slots": ["user", "source", "from", "to", "page", "page_size", "calendar"],
    "contacts": ["page", "page_size", "q"],
    "users": ["page", "page_size", "status"],
    "calendars": ["page", "page_size", "type"],
}
ODD_ANSWERS = [
    "", "\x00", "NaN", "-1", "9" * 40, "1e9", "0000-01-01", "9999-12-31", "0001-01-01T00:00:00+14:00", "é", "²",
]  # fmt: skip


@pytest.fixture
def odd(api: Api, staff: User, ada: User, now: datetime, monday: datetime) -> Any:
    """A client whose server errors are answers, and rows for it to stumble over."""
    calendar = make_calendar(members=[ada])
    appointment = make_appointment(calendar, monday, now=now, by=staff)
    slot = make_blocked_slot(ada, monday, monday.replace(hour=5))
    client = api(staff)
    client.raise_request_exception = False
    client.rows = {
        "appointments": appointment.pk, "blocked-slots": slot.pk, "contacts": appointment.contact_id,
        "calendars": calendar.pk, "users": ada.pk,
    }  # fmt: skip
    client.bodies = {
        "appointments": {
            "calendar": calendar.pk,
            "start": f'"{monday.isoformat()}"',
            "contact": '{"name": "x", "email": "x@example.com"}',
        },
        "blocked-slots": {"start": f'"{monday.isoformat()}"', "end": '"2199-01-01T00:00:00Z"'},
        "contacts": {"name": '"x"', "email": '"y@example.com"'},
        "users": {"username": '"x"', "password": '"correct-horse-battery"'},
        "calendars": {"name": '"x"', "type": '"service"', "members": f'[{{"user": {ada.pk}}}]'},
    }
    return client


def answered(answer: Any) -> int:
    status: int = answer.status_code
    assert status < 500, answer.content
    if status >= 400:
        assert set(answer.json()) >= {"code", "detail", "fields"}
    return status


@pytest.mark.parametrize("resource", FIELDS)
def test_odd_bodies(odd: Any, resource: str) -> None:
    for text in ODD_TEXTS:
        for method, url in [("POST", f"{ROOT}{resource}/"), ("PATCH", f"{ROOT}{resource}/{odd.rows[resource]}/")]:
            answered(odd.generic(method, url, text.encode("latin-1"), content_type="application/json"))


@pytest.mark.parametrize(("resource", "field"), [(name, field) for name, fields in FIELDS.items() for field in fields])
def test_odd_values(odd: Any, resource: str, field: str) -> None:
    """Each value is sent once, in turns to make a row and to change one: both read it with the same serializer."""
    for number, value in enumerate(ODD_VALUES, start=FIELDS[resource].index(field)):
        body = odd.bodies[resource] | {field: value}
        text = "{" + ", ".join(f'"{name}": {found}' for name, found in body.items()) + "}"
        url = f"{ROOT}{resource}/{odd.rows[resource]}/"
        if number % 2:
            answered(odd.generic("POST", f"{ROOT}{resource}/", text, content_type="application/json"))
        else:
            answered(odd.generic("PATCH", url, f'{{"{field}": {value}}}', content_type="application/json"))


@pytest.mark.parametrize("resource", FIELDS)
def test_odd_questions(odd: Any, resource: str) -> None:
    for name in QUESTIONS[resource]:
        for value in ODD_ANSWERS:
            answered(odd.get(f"{ROOT}{resource}/", {name: value}))


@pytest.mark.parametrize("name", ["from", "to", "host", "timezone", "explain", "page"])
def test_odd_questions_for_free_slots(odd: Any, name: str) -> None:
    days = {"from": "2026-01-01", "to": "2026-01-02"}
    for value in ODD_ANSWERS:
        answered(odd.get(f"{ROOT}calendars/{odd.rows['calendars']}/free-slots/", days | {name: value}))


@pytest.mark.parametrize("resource", FIELDS)
def test_odd_addresses(odd: Any, resource: str) -> None:
    for pk in ["0", "-1", "9" * 40, "x", "%00", "²", "1e3", "%ff", "..%2f", " "]:
        for method in ("get", "patch", "delete"):
            assert answered(getattr(odd, method)(f"{ROOT}{resource}/{pk}/")) in {404, 405}
    for pk in ["0", "9" * 40, "x", "%00", "²"]:
        assert answered(odd.get(f"{ROOT}calendars/{pk}/free-slots/")) == 404
        assert answered(odd.post(f"{ROOT}appointments/{pk}/cancel/")) == 404


def test_numbers_and_nesting_without_end(odd: Any) -> None:
    """Python itself gives up on thousands of digits or brackets; a number beyond every other is infinite."""
    digits, kind = "9" * 5000, "application/json"
    assert answered(odd.get(f"{ROOT}calendars/{digits}/free-slots/")) == 404
    assert answered(odd.generic("POST", f"{ROOT}contacts/", "[" * 200_000, content_type=kind)) == 400
    members = '{"name": "x", "type": "service", "members": [{"user": 1e400}]}'
    assert answered(odd.generic("POST", f"{ROOT}calendars/", members, content_type=kind)) == 400


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "é", "\x7f"])
def test_odd_keys(odd: Any, key: str) -> None:
    answered(odd.post(f"{ROOT}appointments/", {}, headers={"Idempotency-Key": key}))


def test_what_is_too_large_is_not_read_to_its_end(odd: Any) -> None:
    body = '{"name": "%s", "email": "x@example.org"}' % ("x" * LARGEST_BODY)
    answer = odd.generic("POST", f"{ROOT}contacts/", body, content_type="application/json")
    assert answered(answer) == 400
    assert "larger than 1,000,000 bytes" in answer.json()["detail"]
    # As much as is allowed is read, and refused for what it says.
    body = '{"name": "%s", "email": "x@example.org"}' % ("x" * (LARGEST_BODY - 100))
    assert "name" in odd.generic("POST", f"{ROOT}contacts/", body, content_type="application/json").json()["fields"]
