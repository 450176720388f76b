"""icloud/connections/ and icloud/runs/ (contract.md)."""

from __future__ import annotations

import pytest
from django.utils import timezone

from icloud_sync.models import ConnectionStatus, ICloudConnection, ICloudCredential, SyncRun
from icloud_sync.services import syncing
from tests.api.conftest import CANARY
from tests.fake_icloud import faults

FIELDS = {"id", "user", "apple_id", "status", "last_synced_at", "next_sync_at", "data_as_of", "detail"}
URL = "/api/v1/icloud/connections/"


def connect(client, apple_id="ada@icloud.example", password=CANARY):
    return client.post(URL, {"apple_id": apple_id, "app_specific_password": password})


def test_connecting_answers_with_the_connection_and_lists_its_calendars(ada, account, client_of, rung):
    answer = connect(client_of(ada), apple_id="  Ada@iCloud.example ", password="QWER tyui–OPAS dfgh")
    assert answer.status_code == 201
    body = answer.json()
    assert set(body) == FIELDS
    assert (body["apple_id"], body["status"], body["detail"]) == ("ada@icloud.example", "connected", "")
    assert (body["data_as_of"], body["last_synced_at"]) == (None, None)
    calendars = client_of(ada).get("/api/v1/icloud/calendars/").json()["results"]
    assert {row["name"] for row in calendars} == {"Home", "Work"}
    assert not any(row["is_primary"] or row["checks_conflicts"] for row in calendars)


@pytest.mark.icloud(impolite="a wrong password is tried", ignore={6})
@pytest.mark.parametrize(
    ("password", "status", "code"),
    [
        ("my-real-apple-password", 400, "not_an_app_specific_password"),
        ("", 400, "not_an_app_specific_password"),
        ("x" * 5000, 400, "not_an_app_specific_password"),
        ("aaaa-bbbb-cccc-dddd", 400, "password_rejected"),
    ],
)
def test_a_password_that_does_not_work_has_its_code(ada, account, client_of, password, status, code):
    answer = connect(client_of(ada), password=password)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert set(answer.json()) == {"code", "detail", "fields"}
    assert not ICloudConnection.objects.exists()


def test_what_cannot_be_an_app_specific_password_never_leaves(ada, icloud_settings, client_of):
    with icloud_settings.counting() as seen:
        connect(client_of(ada), password="hunter2")
    assert len(seen.requests) == 0


def test_the_same_account_twice_is_refused(ada, connection, client_of):
    answer = connect(client_of(ada))
    assert (answer.status_code, answer.json()["code"]) == (400, "already_connected")


def test_an_icloud_that_is_down_is_503_and_saves_nothing(ada, account, icloud_settings, client_of):
    icloud_settings.outage = True
    answer = connect(client_of(ada))
    assert (answer.status_code, answer.json()["code"]) == (503, "icloud_unreachable")
    assert not ICloudConnection.objects.exists()


def test_apples_wish_to_wait_is_passed_on(ada, account, icloud_settings, client_of):

    icloud_settings.faults.add(faults.status(503, retry_after="7"))
    answer = connect(client_of(ada))
    assert (answer.status_code, answer["Retry-After"]) == (503, "7")


@pytest.mark.parametrize("body", [{}, {"apple_id": "a@b.example"}, {"app_specific_password": CANARY}, [], "x", None, 3])
def test_a_body_that_lacks_something_is_invalid(ada, account, client_of, body):
    answer = client_of(ada).post(URL, body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert CANARY not in answer.content.decode()


@pytest.mark.parametrize("apple_id", ["", "   ", "a" * 255, "a\x00b@icloud.example", ["a"], {"a": 1}])
def test_an_apple_id_that_is_none_is_invalid(ada, account, client_of, apple_id):
    answer = connect(client_of(ada), apple_id=apple_id)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


def test_a_lone_surrogate_is_invalid(ada, account, client_of):
    """Reliability S27: it can be written in JSON, and in no database."""
    body = b'{"apple_id": "\\ud800@x.example", "app_specific_password": "qwer-tyui-opas-dfgh"}'
    answer = client_of(ada).post(URL, body, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


def test_nothing_else_can_be_set(ada, ben, account, client_of):
    """Reliability S21: owner, status, principal and home come from elsewhere."""
    body = {
        "apple_id": account.apple_id,
        "app_specific_password": CANARY,
        "user": ben.pk,
        "status": "needs_password",
        "principal": "/x/",
        "home": "https://evil.example/",
        "id": 77,
    }
    made = client_of(ada).post(URL, body).json()
    row = ICloudConnection.objects.get()
    assert (row.user, row.status, row.pk) == (ada, "connected", made["id"])
    assert row.principal != "/x/"
    assert "evil" not in row.home


def test_a_new_password_opens_the_same_connection(ada, account, connection, client_of):
    ICloudConnection.objects.update(status=ConnectionStatus.NEEDS_PASSWORD, next_sync_at=None)
    other = account.new_password("second")
    answer = client_of(ada).post(f"{URL}{connection.pk}/reconnect/", {"app_specific_password": other})
    assert answer.status_code == 200
    assert (answer.json()["id"], answer.json()["status"]) == (connection.pk, "connected")


def test_somebody_elses_password_is_refused(ada, connection, icloud_settings, client_of):
    other = icloud_settings.account("eve@icloud.example", name="Eve")
    ICloudConnection.objects.update(apple_id="eve@icloud.example")
    answer = client_of(ada).post(f"{URL}{connection.pk}/reconnect/", {"app_specific_password": other.password})
    assert (answer.status_code, answer.json()["code"]) == (400, "different_account")


def test_a_sync_is_a_run_that_can_be_followed(ada, account, connection, client_of):
    client = client_of(ada)
    asked = client.post(f"{URL}{connection.pk}/sync/")
    assert asked.status_code == 202
    run = client.get(f"/api/v1/icloud/runs/{asked.json()['run']}/").json()
    assert (run["state"], run["error"], run["progress"]) == ("queued", None, {"done": 0, "total": 0})
    assert set(run["counts"]) == {"created", "updated", "unchanged", "removed", "skipped", "written", "deleted"}
    syncing.pull(connection.pk)
    run = client.get(f"/api/v1/icloud/runs/{asked.json()['run']}/").json()
    assert (run["state"], run["error"]) == ("done", None)
    shown = client.get(f"{URL}{connection.pk}/").json()
    assert shown["last_synced_at"] is not None
    assert shown["data_as_of"] is not None


def test_a_run_that_failed_says_why(ada, connection, icloud_settings, client_of):
    client = client_of(ada)
    run = client.post(f"{URL}{connection.pk}/sync/").json()["run"]
    icloud_settings.outage = True
    syncing.pull(connection.pk)
    shown = client.get(f"/api/v1/icloud/runs/{run}/").json()
    assert (shown["state"], shown["error"]) == ("failed", "server_fault")
    assert shown["detail"]


@pytest.mark.parametrize("status", [ConnectionStatus.NEEDS_PASSWORD])
def test_a_connection_that_waits_for_its_owner_cannot_be_synced(ada, connection, client_of, status):
    ICloudConnection.objects.update(status=status)
    answer = client_of(ada).post(f"{URL}{connection.pk}/sync/")
    assert (answer.status_code, answer.json()["code"]) == (409, "invalid_state")


def test_what_is_wrong_is_said_in_words(ada, connection, client_of):
    ICloudConnection.objects.update(status=ConnectionStatus.NEEDS_PASSWORD)
    assert "app-specific password" in client_of(ada).get(f"{URL}{connection.pk}/").json()["detail"]
    ICloudConnection.objects.update(status=ConnectionStatus.UNREACHABLE, failing_since=timezone.now())
    assert "cannot be reached" in client_of(ada).get(f"{URL}{connection.pk}/").json()["detail"]


@pytest.mark.parametrize("query", ["", "?written_events=", "?written_events=maybe", "?written_events=KEEP"])
def test_disconnecting_asks_what_becomes_of_written_events(ada, connection, client_of, query):
    answer = client_of(ada).delete(f"{URL}{connection.pk}/{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "written_events_required")
    assert ICloudConnection.objects.get().status == "connected"


@pytest.mark.parametrize("choice", ["keep", "remove"])
def test_a_disconnected_account_is_gone_from_the_outside(ada, connection, client_of, choice):
    client = client_of(ada)
    run = SyncRun.objects.create(connection=connection)
    assert client.delete(f"{URL}{connection.pk}/?written_events={choice}").status_code == 204
    assert not ICloudCredential.objects.exists()
    for path in (
        f"{URL}{connection.pk}/",
        f"/api/v1/icloud/runs/{run.pk}/",
    ):
        assert client.get(path).status_code == 404
    assert client.delete(f"{URL}{connection.pk}/?written_events=keep").status_code == 404
    assert client.get(URL).json()["results"] == []
    assert client.get("/api/v1/icloud/calendars/").json()["results"] == []


def test_an_account_can_be_connected_again(ada, connection, client_of):
    client = client_of(ada)
    client.delete(f"{URL}{connection.pk}/?written_events=keep")
    assert connect(client).status_code == 201
    assert len(client.get(URL).json()["results"]) == 1


def test_lists_have_the_shape_of_every_list(ada, connection, client_of):
    answer = client_of(ada).get(URL).json()
    assert set(answer) == {"next", "previous", "results"}
    assert [row["id"] for row in answer["results"]] == [connection.pk]
