"""appointments/ over REST."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from calendars.models import Appointment, Contact, IdempotencyKey
from leadmagicx.accounts.models import User
from tests.factories import client as contact
from tests.factories import make_appointment, make_calendar, make_icloud_slot

pytestmark = pytest.mark.django_db
Api = Callable[[User], Any]
URL = "/api/v1/appointments/"
GRACE = {"name": "Grace Hopper", "email": "grace@example.com", "phone": "+1 555"}
HOUR = timedelta(hours=1)


def test_a_booking_is_answered_as_the_contract_says(api: Api, staff: User, ada: User, monday: datetime) -> None:
    calendar = make_calendar("service", members=[ada])
    answer = api(staff).post(
        URL,
        {"calendar": calendar.pk, "start": monday.isoformat(), "contact": GRACE, "location": "Room 1", "notes": "x"},
    )
    assert answer.status_code == 201, answer.content
    shown = answer.json()
    found = Appointment.objects.get()
    assert shown.pop("created_at")
    assert shown.pop("flags") == []
    shown.pop("icloud")
    assert shown == {
        "id": found.pk, "calendar": calendar.pk, "title": "Grace Hopper", "start": f"{monday:%Y-%m-%d}T00:00:00Z",
        "end": f"{monday:%Y-%m-%d}T00:30:00Z", "status": "confirmed", "hosts": [ada.pk], "location": "Room 1",
        "contact": {"id": found.contact_id, **GRACE}, "notes": "x", "verified": True,
    }  # fmt: skip
    again = api(staff).post(
        URL,
        {
            "calendar": calendar.pk,
            "start": (monday + HOUR).isoformat(),
            "contact": {**GRACE, "email": "GRACE@example.com"},
        },
    )
    assert again.json()["contact"]["id"] == found.contact_id
    assert Contact.objects.count() == 1


def test_a_contact_is_found_by_whatever_letters_its_email_has(
    api: Api, staff: User, ada: User, monday: datetime
) -> None:
    """Python and PostgreSQL do not lower every letter alike."""
    calendar, client = make_calendar("service", members=[ada]), api(staff)
    for number in range(2):
        start = (monday + number * HOUR).isoformat()
        answer = client.post(
            URL, {"calendar": calendar.pk, "start": start, "contact": GRACE | {"email": "grace@İ.com"}}
        )
        assert answer.status_code == 201, answer.content
    assert Contact.objects.get().email == "grace@İ.com"


def test_a_taken_slot_is_a_409_with_reasons(api: Api, staff: User, ada: User, now: datetime, monday: datetime) -> None:
    calendar = make_calendar("service", members=[ada], hours=[(0, 0, 600)])
    make_appointment(calendar, monday, now=now)
    for start, code in [(monday, "BOOKED"), (monday + timedelta(minutes=7), "HOURS"), (monday + 11 * HOUR, "HOURS")]:
        answer = api(staff).post(URL, {"calendar": calendar.pk, "start": start.isoformat(), "contact": GRACE})
        assert (answer.status_code, answer.json()["code"]) == (409, "slot_unavailable")
        assert answer.json()["reasons"][0]["code"] == code
        assert answer.json()["reasons"][0]["text"] in answer.json()["detail"]


def test_patch_moves_edits_and_reassigns(
    api: Api, staff: User, ada: User, bea: User, now: datetime, monday: datetime
) -> None:
    calendar = make_calendar("round_robin", members=[ada, bea])
    appointment = make_appointment(calendar, monday, now=now, host_id=ada.pk)
    url = f"{URL}{appointment.pk}/"
    answer = api(staff).patch(
        url, {"start": (monday + HOUR).isoformat(), "host": bea.pk, "title": "Later", "notes": " n\n"}
    )
    assert answer.status_code == 200, answer.content
    shown = answer.json()
    assert (shown["hosts"], shown["title"], shown["notes"]) == ([bea.pk], "Later", " n\n")
    assert shown["start"] == f"{monday:%Y-%m-%d}T01:00:00Z"
    make_icloud_slot(bea, monday, monday + HOUR)
    answer = api(staff).patch(url, {"start": monday.isoformat()})
    assert (answer.status_code, answer.json()["reasons"][0]["code"]) == (409, "ICLOUD_BUSY")
    assert api(ada).get(url).status_code == 404, "Ada gives it no more"
    outsider = api(staff).patch(url, {"host": staff.pk})
    assert (outsider.status_code, outsider.json()["code"]) == (400, "not_a_member")


def test_cancelling_twice_is_fine_and_frees_the_time(
    api: Api, staff: User, ada: User, now: datetime, monday: datetime
) -> None:
    calendar = make_calendar("service", members=[ada])
    appointment = make_appointment(calendar, monday, now=now)
    for _ in range(2):
        answer = api(ada).post(f"{URL}{appointment.pk}/cancel/")
        assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert answer.json()["hosts"] == [ada.pk]
    answer = api(ada).patch(f"{URL}{appointment.pk}/", {"title": "x"})
    assert (answer.status_code, answer.json()["code"]) == (409, "invalid_state")
    assert api(ada).delete(f"{URL}{appointment.pk}/").status_code == 204
    assert api(ada).get(f"{URL}{appointment.pk}/").status_code == 404


def test_filters(api: Api, staff: User, ada: User, bea: User, now: datetime, monday: datetime) -> None:
    fittings, visits = make_calendar(members=[ada]), make_calendar(members=[bea])
    one = make_appointment(fittings, monday, now=now, by=staff)
    two = make_appointment(visits, monday + HOUR, now=now, by=staff)
    three = make_appointment(fittings, monday + 26 * HOUR, now=now, by=staff)
    client = api(staff)
    client.post(f"{URL}{three.pk}/cancel/")

    def ids(**query: Any) -> list[int]:
        return [row["id"] for row in client.get(URL, query).json()["results"]]

    day = monday.date()
    assert ids() == [one.pk, two.pk, three.pk]
    assert ids(host=ada.pk) == [one.pk, three.pk]
    assert ids(calendar=visits.pk) == [two.pk]
    assert ids(status="cancelled") == [three.pk]
    assert ids(**{"from": day + timedelta(days=1)}) == [three.pk]
    assert ids(to=(monday + HOUR).isoformat()) == [one.pk]
    assert ids(**{"from": (monday + timedelta(minutes=30)).isoformat(), "to": day + timedelta(days=1)}) == [two.pk]
    for wrong in (
        {"host": "x"},
        {"status": "gone"},
        {"from": "0000-01-01"},
        {"from": "2026-01-02", "to": "2026-01-01"},
    ):
        assert client.get(URL, wrong).status_code == 400
    assert client.get(URL, {"page_size": "1000000000"}).status_code == 200


def test_a_plain_user_sees_and_changes_only_theirs(
    api: Api, staff: User, ada: User, bea: User, now: datetime, monday: datetime
) -> None:
    calendar = make_calendar(members=[ada])
    appointment = make_appointment(calendar, monday, now=now, by=staff)
    url = f"{URL}{appointment.pk}/"
    assert [row["id"] for row in api(ada).get(URL).json()["results"]] == [appointment.pk]
    assert api(bea).get(URL).json()["results"] == []
    for method, address in [("get", url), ("patch", url), ("delete", url), ("post", f"{url}cancel/")]:
        assert getattr(api(bea), method)(address, {}).status_code == 404
    booking = {"calendar": calendar.pk, "start": (monday + HOUR).isoformat(), "contact": GRACE}
    assert api(bea).post(URL, booking).status_code == 404
    assert api(ada).post(URL, booking).status_code == 201
    refused = api(ada).post(URL, {**booking, "ignore_availability": True})
    assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")


@pytest.mark.parametrize(
    "wrong",
    [
        {"start": "0000-01-01T00:00:00Z"},
        {"start": "9999-12-31T23:59:59-12:00"},
        {"start": "0001-01-01T00:00:00+14:00"},
        {"start": "2026-01-01T09:00:00"},
        {"start": 5},
        {"start": None},
        {"contact": None},
        {"contact": {"name": "x"}},
        {"contact": {"name": "x", "email": "no"}},
        {"contact": {"name": "\ud800", "email": "a@example.com"}},
        {"notes": "a\x00"},
        {"title": "x" * 501},
        {"notes": "x" * 20_001},
        {"host": "NaN"},
        {"calendar": "x"},
    ],
)
def test_odd_bookings_are_answered_400(
    api: Api, staff: User, ada: User, monday: datetime, wrong: dict[str, Any]
) -> None:
    calendar = make_calendar(members=[ada])
    text = json.dumps({"calendar": calendar.pk, "start": monday.isoformat(), "contact": GRACE} | wrong)
    answer = api(staff).generic("POST", URL, text, content_type="application/json")
    assert answer.status_code == 400, answer.content
    assert list(answer.json()["fields"]) == list(wrong)
    assert not Appointment.objects.exists()


def test_a_list_costs_the_same_however_long(api: Api, staff: User, ada: User, now: datetime, monday: datetime) -> None:
    calendar = make_calendar("class_booking", members=[ada], seats_per_slot=9)
    client = api(staff)

    def cost() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(URL).status_code == 200
        return len(captured)

    make_appointment(calendar, monday, now=now)
    cost()
    short = cost()
    for number in range(6):
        make_appointment(calendar, monday + number * HOUR, now=now, contact=contact("N", f"n{number}@example.com"))
    assert cost() == short


def test_without_a_token_nothing(client: Any) -> None:
    for headers in ({}, {"Authorization": "Token nonsense"}):
        answer = client.get(URL, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")


def test_a_key_gives_the_first_answer_again(api: Api, staff: User, ada: User, monday: datetime) -> None:
    calendar = make_calendar(members=[ada])
    body = {"calendar": calendar.pk, "start": monday.isoformat(), "contact": GRACE}
    client = api(staff)
    first = client.post(URL, body, headers={"Idempotency-Key": "k1"})
    again = client.post(URL, dict(reversed(body.items())), headers={"Idempotency-Key": "k1"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert Appointment.objects.count() == 1
    other = client.post(URL, body | {"title": "y"}, headers={"Idempotency-Key": "k1"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    # A refusal is an answer too, also when the slot is free by now.
    taken = client.post(URL, body, headers={"Idempotency-Key": "k2"})
    client.post(f"{URL}{first.json()['id']}/cancel/")
    again = client.post(URL, body, headers={"Idempotency-Key": "k2"})
    assert taken.status_code == again.status_code == 409
    assert taken.json() == again.json()
    # Another user's key is another key, and a day later it is forgotten.
    assert api(ada).post(URL, body, headers={"Idempotency-Key": "k1"}).status_code == 201
    IdempotencyKey.objects.update(created_at=monday - timedelta(days=60))
    assert client.post(URL, body, headers={"Idempotency-Key": "k1"}).status_code == 409
    assert client.post(URL, body, headers={"Idempotency-Key": "k" * 256}).status_code == 400
