"""Reliability S20: every address and verb, for everybody. A new address that is not in the table makes this fail."""

from __future__ import annotations

from base64 import b64encode
from datetime import timedelta

import pytest
from django.db import transaction
from django.urls import get_resolver
from django.utils import timezone
from rest_framework.test import APIClient

from calendars.models import BlockedSlot, Contact
from calendars.services import blocked, booking
from calendars.services.contacts import ContactInput
from icloud_sync.models import Attention, JournalEntry, SyncRun
from icloud_sync.secret import Secret
from leadmagicx.webhooks.models import Webhook

READ, CHANGE, REMOVE = ("get",), ("get", "put", "patch", "delete"), ("get", "patch", "delete")
# Pattern of one object under /api/v1/: which fixture row it takes, and the verbs it knows.
OBJECTS = {
    "contacts/{contact}/": CHANGE,
    "appointments/{appointment}/": REMOVE,
    "appointments/{appointment}/cancel/": ("post",),
    "appointments/{appointment}/icloud/put-back/": ("post",),
    "appointments/{appointment}/icloud/leave-off/": ("post",),
    "appointments/{appointment}/icloud/retry/": ("post",),
    "blocked-slots/{slot}/": REMOVE,
    "blocked-slots/{slot}/release/": ("post",),
    "calendars/{calendar}/": CHANGE,
    "calendars/{calendar}/free-slots/": READ,
    "icloud/connections/{connection}/": ("get", "delete"),
    "icloud/connections/{connection}/reconnect/": ("post",),
    "icloud/connections/{connection}/sync/": ("post",),
    "icloud/runs/{run}/": READ,
    "attention/{case}/": READ,
    "attention/{case}/acknowledge/": ("post",),
    "attention/{case}/retry/": ("post",),
    "webhooks/{webhook}/": CHANGE,
    "webhooks/{webhook}/deliveries/": READ,
}
LISTS = (
    "contacts/", "appointments/", "blocked-slots/", "calendars/", "icloud/connections/", "icloud/calendars/",
    "attention/", "journal/", "webhooks/",
)  # fmt: skip
STAFF_ONLY = {"users/": ("get", "post"), "users/{user}/": READ}
OWN = ("me/", "me/calendar-settings/")


@pytest.fixture
def rows(ada, connection, service_of) -> dict[str, int]:
    """One of everything, all of it Ada's."""
    calendar = service_of(ada)
    start = (timezone.now() + timedelta(days=3)).replace(hour=10, minute=0, second=0, microsecond=0)
    appointment = booking.book(
        calendar_id=calendar.pk,
        start=start,
        contact=ContactInput("Grace Hopper", "grace@example.org"),
        by=ada,
        now=timezone.now(),
    )
    slot = blocked.create(user=ada, start=start + timedelta(days=1), end=start + timedelta(days=2), title="Focus")
    JournalEntry.objects.create(user=ada, connection=connection, action="event_new")
    return {
        "contact": Contact.objects.get().pk,
        "appointment": appointment.pk,
        "slot": slot.pk,
        "calendar": calendar.pk,
        "connection": connection.pk,
        "run": SyncRun.objects.create(connection=connection).pk,
        "case": Attention.objects.create(user=ada, code="unreachable", key="k", connection=connection).pk,
        "webhook": Webhook.objects.create(
            user=ada, url="https://x.example/", events=["write.failed"], secret=Secret("s")
        ).pk,
        "user": ada.pk,
    }


def call(client, verb, pattern, rows):
    return getattr(client, verb)("/api/v1/" + pattern.format(**rows), {} if verb in ("post", "put", "patch") else None)


EVERY = [(pattern, verb) for pattern, verbs in OBJECTS.items() for verb in verbs]


def test_every_address_of_the_api_is_in_the_table():
    found = set()
    for entry in get_resolver().url_patterns:
        if str(entry.pattern) == "api/v1/":
            found = {str(pattern.pattern).lstrip("^").rstrip("$") for pattern in entry.url_patterns} - {".*/"}
    known = {*OBJECTS, *LISTS, *STAFF_ONLY, *OWN}
    names = "contact|appointment|slot|calendar|connection|run|case|webhook|user"
    import re

    told = {re.sub(rf"{{({names})}}", "(?P<pk>[^/.]+)", pattern) for pattern in known}
    assert found == told


def test_without_a_token_nothing_is_answered(rows):
    answers = {(pattern, verb): call(APIClient(), verb, pattern, rows) for pattern, verb in EVERY}
    assert {key: answer.status_code for key, answer in answers.items()} == dict.fromkeys(EVERY, 401)
    assert {answer.json()["code"] for answer in answers.values()} == {"not_authenticated"}


def test_what_is_somebody_elses_does_not_exist(rows, ben, client_of):
    client, unknown = client_of(ben), dict.fromkeys(rows, 987_654_321)
    theirs = {(pattern, verb): call(client, verb, pattern, rows) for pattern, verb in EVERY}
    nobodys = {(pattern, verb): call(client, verb, pattern, unknown) for pattern, verb in EVERY}
    assert {key: answer.status_code for key, answer in theirs.items()} == dict.fromkeys(EVERY, 404)
    for key, answer in theirs.items():
        assert answer.json() == nobodys[key].json(), "nobody learns which ids exist"


def test_owner_and_staff_get_through(rows, ada, staff, client_of):
    """What comes back is about the request, not about who asks; calendars are written by staff alone."""
    clients = {"owner": client_of(ada), "staff": client_of(staff)}
    for pattern, verb in EVERY:
        for who, client in clients.items():
            before = transaction.savepoint()
            answer = call(client, verb, pattern, rows)
            transaction.savepoint_rollback(before)
            if who == "owner" and pattern == "calendars/{calendar}/" and verb != "get":
                assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
            else:
                assert answer.status_code not in (401, 403, 404), (who, verb, pattern, answer.content)


@pytest.mark.parametrize("path", LISTS)
def test_lists_hold_what_is_ones_own_and_staff_see_all(rows, ada, ben, staff, client_of, path):
    assert APIClient().get(f"/api/v1/{path}").status_code == 401
    assert client_of(ada).get(f"/api/v1/{path}").json()["results"]
    assert client_of(ben).get(f"/api/v1/{path}").json()["results"] == []
    assert client_of(staff).get(f"/api/v1/{path}").json()["results"]


@pytest.mark.parametrize(("pattern", "verb"), [(p, v) for p, verbs in STAFF_ONLY.items() for v in verbs])
def test_users_are_for_staff(rows, ada, staff, client_of, pattern, verb):
    answer = call(client_of(ada), verb, pattern, rows)
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
    assert call(client_of(staff), verb, pattern, rows).status_code in (200, 400)


@pytest.mark.parametrize("text", ["abc", "-1", "0", "1.5", "9" * 40, "%00", "١", "1 or 1=1"])
def test_an_id_that_is_none_is_404_in_the_shape_of_every_error(staff, client_of, text):
    client = client_of(staff)
    names = ("contact", "appointment", "slot", "calendar", "connection", "run", "case", "webhook")
    for pattern, verbs in OBJECTS.items():
        answer = call(client, verbs[0], pattern, dict.fromkeys(names, text))
        assert answer.status_code == 404, pattern
        assert set(answer.json()) == {"code", "detail", "fields"}


@pytest.mark.parametrize("position", ["abc", "\0", "-", "9" * 30, "9" * 5000])
def test_a_cursor_that_no_page_linked_to_is_404_in_that_shape_too(staff, client_of, position):
    cursor = b64encode(f"p={position}".encode()).decode()
    answer = client_of(staff).get("/api/v1/journal/", {"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert set(answer.json()) == {"code", "detail", "fields"}


@pytest.mark.parametrize("path", ["nowhere/", "icloud/", "icloud/events/", "me/x/", "appointments/1/icloud/eat/"])
def test_an_address_that_does_not_exist_is_404_in_that_shape_too(staff, client_of, path):
    client = client_of(staff)
    for verb in ("get", "post", "put", "patch", "delete"):
        answer = getattr(client, verb)(f"/api/v1/{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert APIClient().get(f"/api/v1/{path}").status_code == 401


def test_a_forgotten_slash_is_added(staff, client_of):
    answer = client_of(staff).get("/api/v1/me")
    assert (answer.status_code, answer["Location"]) == (301, "/api/v1/me/")


def test_a_session_without_form_token_changes_nothing(rows, ada):
    """Reliability S19."""
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(ada)
    assert client.get("/api/v1/blocked-slots/").status_code == 200
    answer = client.delete(f"/api/v1/blocked-slots/{rows['slot']}/")
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
    assert BlockedSlot.objects.filter(pk=rows["slot"]).exists()


def test_looking_changes_nothing(rows, ada, staff, client_of, icloud_settings):
    """Reliability S19: a GET never connects, disconnects or syncs."""
    SyncRun.objects.all().delete()
    client = client_of(ada)
    with icloud_settings.counting() as seen:
        for pattern in (*OBJECTS, *LISTS, *OWN):
            call(client, "get", pattern, rows)
    assert len(seen.requests) == 0
    assert not SyncRun.objects.exists()


def test_an_inactive_user_has_no_token(ada, client_of):
    client = client_of(ada)
    ada.is_active = False
    ada.save()
    assert client.get("/api/v1/me/").status_code == 401


@pytest.mark.parametrize(
    "header", ["Token", "Token a b", "Token \xff", "Bearer x", "Token " + "a" * 5000, "Token \x00"]
)
def test_a_header_that_is_no_token_is_refused(db, header):
    answer = APIClient().get("/api/v1/me/", HTTP_AUTHORIZATION=header)
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
