"""Rejected passwords are limited (reliability S15), never below what contract.md promises."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.cache import cache
from django.db import connection as database
from django.utils import timezone

from icloud_sync.errors import PasswordRejected, Unreachable
from icloud_sync.services import attempts
from icloud_sync.services.attempts import TooManyAttempts, limited
from tests.api.conftest import CANARY, person

URL = "/api/v1/icloud/connections/"
WRONG = "aaaa-bbbb-cccc-dddd"
impolite = pytest.mark.icloud(impolite="wrong passwords are tried", ignore={6})


def connect(client, apple_id="ada@icloud.example", password=WRONG):
    return client.post(URL, {"apple_id": apple_id, "app_specific_password": password})


@pytest.fixture(autouse=True)
def noon(monkeypatch):
    """Time stands still, so that no window ends in the middle of a test."""
    now = timezone.now().replace(minute=30, second=10, microsecond=0)
    monkeypatch.setattr("icloud_sync.api.connections.timezone.now", lambda: now)
    return now


@impolite
def test_ten_a_minute_are_let_through_and_no_more(ada, account, icloud_settings, client_of):
    client = client_of(ada)
    answers = [connect(client) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [400] * 10 + [429]
    last = answers[-1]
    assert last.json()["code"] == "throttled"
    assert set(last.json()) == {"code", "detail", "fields"}
    assert 0 < int(last["Retry-After"]) <= 50
    rejected = [request for request in icloud_settings.requests if request.status == 401]
    assert len(rejected) == 10, "the eleventh never reached Apple"


@impolite
def test_an_apple_id_is_limited_over_all_users(account, client_of):
    clients = [client_of(person(f"user{number}")) for number in range(3)]
    statuses = [connect(clients[number // 10], apple_id=" ADA@icloud.example ").status_code for number in range(21)]
    assert statuses == [400] * 20 + [429]


@impolite
def test_what_was_never_sent_and_what_worked_do_not_count(ada, account, client_of):
    client = client_of(ada)
    for _ in range(15):
        assert connect(client, password="not one").json()["code"] == "not_an_app_specific_password"
    for _ in range(9):
        connect(client)
    assert connect(client, password=CANARY).status_code == 201
    assert connect(client).status_code == 400
    for _ in range(12):
        assert connect(client, password=CANARY).json()["code"] in ("already_connected", "throttled")


@impolite
def test_an_outage_of_apple_locks_nobody_out(ada, account, icloud_settings, client_of):
    icloud_settings.outage = True
    client = client_of(ada)
    assert {connect(client).status_code for _ in range(15)} == {503}


@impolite
def test_staff_tokens_are_not_throttled(staff, account, client_of):
    client = client_of(staff)
    assert {connect(client).status_code for _ in range(25)} == {400}


@impolite
def test_reconnecting_is_limited_with_it(ada, connection, client_of):
    client = client_of(ada)
    answers = [client.post(f"{URL}{connection.pk}/reconnect/", {"app_specific_password": WRONG}) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [400] * 10 + [429]


def test_the_next_minute_is_another_one(noon):
    from datetime import timedelta

    for minute in range(3):
        now = noon + timedelta(minutes=minute)
        for _ in range(6):
            with pytest.raises(PasswordRejected), limited(user_id=1, apple_id="a", now=now):
                raise PasswordRejected
    for user_id in (2, 2):
        with pytest.raises(PasswordRejected), limited(user_id=user_id, apple_id="a", now=noon):
            raise PasswordRejected
    with pytest.raises(TooManyAttempts) as caught, limited(user_id=3, apple_id="a", now=noon):
        pytest.fail("twenty were rejected in this hour")
    assert caught.value.wait_seconds == 1790


def test_many_at_once_do_not_slip_through(noon):
    """Fifty at the same moment: ten get to Apple."""
    tried = []

    def attempt(_):
        try:
            with limited(user_id=1, apple_id="a", now=noon):
                tried.append(1)
                raise PasswordRejected
        except (PasswordRejected, TooManyAttempts):
            return
        finally:
            database.close()

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(attempt, range(50)))
    assert len(tried) == 10


def test_a_refused_try_gives_back_what_it_took(noon):
    for _ in range(attempts.PER_APPLE_ID.count * 2):
        with pytest.raises(Unreachable), limited(user_id=1, apple_id="a", now=noon):
            raise Unreachable
    with limited(user_id=1, apple_id="a", now=noon):
        pass


def test_the_cache_holds_no_address(noon):
    with pytest.raises(PasswordRejected), limited(user_id=1, apple_id="ada@icloud.example", now=noon):
        raise PasswordRejected
    client = cache._cache.get_client(None, write=True)
    keys = [key.decode() for key in client.keys("*connect-attempts*")]
    assert len(keys) == 2
    assert not any("ada" in key for key in keys)
    assert all(client.ttl(key) > 0 for key in keys), "counters end by themselves"


def test_without_the_cache_people_can_still_connect(noon, settings):
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:9/0",
        }
    }
    with limited(user_id=1, apple_id="a", now=noon):
        pass
