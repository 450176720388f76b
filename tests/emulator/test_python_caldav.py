"""python-caldav, told that this is iCloud, does everything it can do there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from caldav.davclient import DAVClient
from caldav.lib import error

from tests.emulator.raw import text
from tests.fake_icloud import FakeICloud, faults
from tests.fake_icloud.account import Account


@pytest.fixture
def client(server: FakeICloud, ada: Account) -> Iterator[DAVClient]:
    with DAVClient(
        server.url,
        username=ada.apple_id,
        password=ada.password,
        features="icloud",
        auth_type="basic",
        timeout=5,
        headers={"User-Agent": "emulator-test"},
    ) as found:
        yield found


@pytest.fixture
def calendar(client: Any) -> Any:
    found = [one for one in client.principal().get_calendars() if str(one.url).endswith("/home/")]
    assert len(found) == 1
    return found[0]


def test_discovery_and_listing(server: FakeICloud, ada: Account, client: Any) -> None:
    ada.subscribe("Bank Holidays")
    calendars = client.principal().get_calendars()
    assert {one.get_display_name() for one in calendars} == {"Home", "Work", "Reminders ⚠️"}
    assert all(str(one.url).startswith(server.base_url("p1")) for one in calendars)
    assert [record.role for record in server.requests][:3] == ["discovery", "discovery", "p1"]


def test_sync_multiget_save_and_delete(server: FakeICloud, ada: Account, calendar: Any) -> None:
    for number in range(60):
        ada.calendar("Home").put(f"{number}.ics", text(f"u{number}").encode())
    first = calendar.get_objects_by_sync_token(disable_fallback=True)
    urls = [one.url for one in first]
    assert len(urls) == 60
    assert "UID:u0" in next(iter(calendar.multiget(urls[:50]))).data
    event = calendar.save_event(text("mine").encode().decode())
    assert ada.phone.by_uid("mine") is not None
    event.data = text("mine", summary="Changed")
    event.save()
    assert [one.uid for one in ada.phone.events() if one.summary == "Changed"] == ["mine"]
    event.delete()
    assert ada.phone.by_uid("mine") is None
    ada.phone.by_uid("u5").delete()  # type: ignore[union-attr]
    second = calendar.get_objects_by_sync_token(first.sync_token, disable_fallback=True)
    assert {str(url).rpartition("/")[2] for url in second.deleted_urls} == {"mine.ics", "5.ics"}
    assert list(calendar.get_objects_by_sync_token(second.sync_token, disable_fallback=True)) == []


def test_a_search_by_time(ada: Account, calendar: Any) -> None:
    ada.phone.create("Home", title="x", start=datetime(2027, 1, 4, 10, tzinfo=UTC))
    found = calendar.search(start=datetime(2027, 1, 4, tzinfo=UTC), end=datetime(2027, 1, 5, tzinfo=UTC), event=True)
    assert len(found) == 1


def test_a_uid_search_is_refused(ada: Account, calendar: Any) -> None:
    ada.calendar("Home").put("a.ics", text("a").encode())
    with pytest.raises(error.DAVError):
        calendar.get_event_by_uid("a")


def test_a_lost_token(ada: Account, calendar: Any) -> None:
    token = calendar.get_objects_by_sync_token(disable_fallback=True).sync_token
    ada.calendar("Home").forget_tokens()
    with pytest.raises(error.DAVError):
        calendar.get_objects_by_sync_token(token, disable_fallback=True)


def test_truncated_answers_are_followed(server: FakeICloud, ada: Account, calendar: Any) -> None:
    server.flags.truncate_at = 3
    ada.calendar("Home").load((f"{n}.ics", text(f"u{n}").encode()) for n in range(10))
    assert len(list(calendar.get_objects_by_sync_token(disable_fallback=True))) == 10


def test_a_wrong_password(server: FakeICloud, ada: Account, client: Any) -> None:
    ada.revoke_all()
    with pytest.raises(error.AuthorizationError):
        client.principal().get_calendars()


def test_a_redirect_to_the_partition_looks_like_a_wrong_password(server: FakeICloud, client: Any) -> None:
    server.flags.redirect_discovery = "301"
    with pytest.raises(error.DAVError):
        client.principal().get_calendars()


def test_a_throttle_is_a_rate_limit(server: FakeICloud, calendar: Any) -> None:
    server.faults.add(faults.status(503, retry_after="2"))
    with pytest.raises(error.RateLimitError):
        calendar.get_objects_by_sync_token(disable_fallback=True)


def test_an_evil_home_set_gets_the_password_from_a_naive_client(server: FakeICloud, client: Any) -> None:
    server.faults.add(faults.evil_href("home-set"), path="/principal/", times=None)
    with pytest.raises(error.DAVError):
        client.principal().get_calendars()
    assert any("authorization" in record.headers for record in server.evil.requests)
    assert any(violation.rule == 1 for violation in server.violations)
