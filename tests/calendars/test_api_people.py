"""me/, users/, contacts/ over REST."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from calendars.models import Contact
from leadmagicx.accounts.models import User
from leadmagicx.accounts.signals import timezone_changed
from tests.factories import PASSWORD, ContactFactory, make_appointment, make_calendar

pytestmark = pytest.mark.django_db
Api = Callable[[User], Any]
ME, USERS, CONTACTS = "/api/v1/me/", "/api/v1/users/", "/api/v1/contacts/"


def test_me_is_shown_and_only_the_zone_changes(api: Api, ada: User) -> None:
    told: list[int] = []

    def note(user_id: int, **kwargs: Any) -> None:
        told.append(user_id)

    timezone_changed.connect(note)
    client = api(ada)
    shown = {"id": ada.pk, "username": "ada", "email": "ada@example.com", "timezone": "UTC", "is_staff": False}
    assert client.get(ME).json() == shown
    answer = client.patch(ME, {"timezone": "Europe/Berlin", "is_staff": True, "username": "root"})
    assert answer.json() == shown | {"timezone": "Europe/Berlin"}
    assert client.patch(ME, {"timezone": "Europe/Berlin"}).status_code == 200
    wrong = client.patch(ME, {"timezone": "Mars"})
    assert (wrong.status_code, wrong.json()["code"]) == (400, "invalid_timezone")
    assert told == [ada.pk]
    timezone_changed.disconnect(note)


def test_staff_make_users(api: Api, staff: User, ada: User) -> None:
    body = {"username": "new", "email": "n@example.com", "password": PASSWORD, "timezone": "Asia/Tokyo"}
    made = api(staff).post(USERS, body)
    assert made.status_code == 201
    assert "password" not in made.json()
    assert made.json()["is_staff"] is False
    assert User.objects.get(username="new").check_password(PASSWORD)
    assert made.json() in api(staff).get(USERS).json()["results"]
    for wrong in (
        {"username": "new"},
        {"password": "12345678"},
        {"timezone": "x"},
        {"email": "x"},
        {"username": "a\x00"},
    ):
        answer = api(staff).post(USERS, body | {"username": "other"} | wrong)
        assert (answer.status_code, list(answer.json()["fields"])) == (400, list(wrong))
    for answer in (api(ada).get(USERS), api(ada).post(USERS, body), api(ada).get(f"{USERS}{ada.pk}/")):
        assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")


def test_contacts_are_ones_own(api: Api, staff: User, ada: User, bea: User) -> None:
    made = api(ada).post(CONTACTS, {"name": "Grace", "email": "grace@example.com", "phone": "1"})
    assert made.status_code == 201
    url = f"{CONTACTS}{made.json()['id']}/"
    twice = api(ada).post(CONTACTS, {"name": "G", "email": "GRACE@example.com"})
    assert (twice.status_code, twice.json()["code"]) == (400, "contact_exists")
    assert api(bea).post(CONTACTS, {"name": "G", "email": "grace@example.com"}).status_code == 201
    for method in ("get", "patch", "put", "delete"):
        assert getattr(api(bea), method)(url, {"name": "x"}).status_code == 404
    assert api(staff).get(url).json()["name"] == "Grace"
    assert api(ada).patch(url, {"name": "Grace Hopper"}).json()["name"] == "Grace Hopper"
    assert len(api(staff).get(CONTACTS).json()["results"]) == 2
    assert api(ada).delete(url).status_code == 204


def test_a_contact_with_appointments_stays(api: Api, ada: User, now: datetime, monday: datetime) -> None:
    make_appointment(make_calendar(members=[ada]), monday, now=now, by=ada)
    answer = api(ada).delete(f"{CONTACTS}{Contact.objects.get().pk}/")
    assert (answer.status_code, answer.json()["code"]) == (409, "invalid_state")


def test_lists_come_in_pages(api: Api, ada: User) -> None:
    ContactFactory.create_batch(3, owner=ada)
    client = api(ada)
    first = client.get(CONTACTS, {"page_size": 2}).json()
    assert set(first) == {"next", "previous", "results"}
    assert (len(first["results"]), first["previous"]) == (2, None)
    second = client.get(first["next"]).json()
    assert (len(second["results"]), second["next"]) == (1, None)
    for size in ("0", "-1", "NaN", "1" * 30, ""):
        assert client.get(CONTACTS, {"page_size": size}).status_code == 200
    for page in ("0", "x", "9" * 40):
        assert client.get(CONTACTS, {"page": page}).status_code == 404
