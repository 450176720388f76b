"""The three profiles, the shared clock, and how fast the server must be for thousands of stories."""

from __future__ import annotations

import http.client
import os
import threading
import time
from collections.abc import Callable

import pytest

from tests.emulator.raw import Raw, text
from tests.fake_icloud import PROFILES, FakeICloud, faults
from tests.fake_icloud.account import Account
from tests.fake_icloud.profiles import Flags, flags_of
from tests.fake_icloud.world import World


def test_profiles_differ_as_specified() -> None:
    probed, reported, hostile = (flags_of(name) for name in PROFILES)
    assert probed == Flags()
    assert (reported.token_error, reported.put_etag, reported.listing_lag) == ("bare403", "alternate", 30)
    assert (reported.redirect_discovery, reported.truncate_at) == ("301", None)
    assert (hostile.token_error, hostile.truncate_at, hostile.move) == ("relist", 3, 405)
    assert hostile.dup_dtstamp
    assert hostile.throttle is not None
    assert all(flags.tombstones and flags.touched_412 for flags in (probed, reported, hostile))
    with pytest.raises(KeyError):
        flags_of("nice")


def test_hostile_throttles_and_lets_through_again(server: FakeICloud) -> None:
    server.reset("hostile")
    server.clock.freeze()
    account = server.account()
    window, limit, _ = server.flags.throttle or (0, 0, "")
    with Raw(server, account) as client:
        statuses = [client.propfind(account.home_path).status for _ in range(limit + 1)]
        assert statuses == [207] * limit + [503]
        server.clock.advance(window + 1)
        assert client.propfind(account.home_path).status == 207


def test_reported_alternates_verbatim_and_rewritten(server: FakeICloud) -> None:
    server.reset("reported")
    server.clock.freeze()
    account = server.account()
    home = account.calendar("Home").path
    with Raw(server, account) as client:
        first, second = (client.create(f"{home}{n}.ics", text(f"u{n}")) for n in range(2))
    assert (first.header("ETag"), second.header("ETag")) == (None, account.calendar("Home").etag("1.ics"))
    assert account.calendar("Home").body("0.ics") != text("u0").encode()
    assert account.calendar("Home").body("1.ics") == text("u1").encode()


def test_a_reset_forgets_everything_and_keeps_the_ports(server: FakeICloud, raw: Raw, ada: Account, home: str) -> None:
    ports = server.ports
    raw.sync(home)
    server.reset()
    assert (server.accounts, server.requests, server.violations, server.ports) == ([], [], [], ports)
    assert raw.sync(home).status == 401


def test_a_request_from_before_a_reset_does_not_count_after_it(server: FakeICloud, ada: Account, home: str) -> None:
    def hang(account: Account) -> http.client.HTTPConnection:
        """Send a request that is never answered; closing the connection ends it."""
        arrived = threading.Event()
        action = faults.blackhole()
        action.tweak = lambda _request: arrived.set()
        server.faults.add(action)
        connection = http.client.HTTPConnection("localhost", server.ports[1])
        connection.request("PROPFIND", home, headers=Raw(server, account).headers())
        assert arrived.wait(5)
        return connection

    def running(world: World) -> int:
        return world.running["ada@icloud.example"]

    before, old = server.world, hang(ada)
    server.reset()
    new = hang(server.account("ada@icloud.example"))
    assert (running(before), running(server.world)) == (1, 1)
    old.close()
    _until(lambda: running(before) == 0)
    assert running(server.world) == 1
    new.close()
    _until(lambda: running(server.world) == 0)


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not true():
        assert time.monotonic() < deadline
        os.sched_yield()


def cost(action: Callable[[], object], repeat: int = 7) -> float:
    """Return the least processor seconds of several runs, so that a busy machine does not matter."""
    found = []
    for _ in range(repeat):
        before = time.process_time()
        action()
        found.append(time.process_time() - before)
    return min(found)


def test_a_reset_with_an_account_takes_less_than_5_ms(server: FakeICloud) -> None:
    def begin() -> None:
        server.reset()
        server.account()

    assert cost(begin) < 0.005


@pytest.mark.parametrize("kind", ["empty delta", "put", "home listing"])
def test_a_request_takes_less_than_2_ms(server: FakeICloud, raw: Raw, ada: Account, home: str, kind: str) -> None:
    token = raw.sync(home).token or ""
    numbers = iter(range(1000))
    action: dict[str, Callable[[], object]] = {
        "empty delta": lambda: raw.sync(home, token),
        "put": lambda: raw.create(f"{home}{next(numbers)}.ics", text(f"u{next(numbers)}")),
        "home listing": lambda: raw.propfind(ada.home_path, depth="1"),
    }
    assert cost(action[kind], 20) < 0.004, "client and server together"


def test_a_delta_on_ten_thousand_events_costs_as_little_as_on_ten(server: FakeICloud, raw: Raw, ada: Account) -> None:
    body = text("x").encode()
    home, work = ada.calendar("Home"), ada.calendar("Work")
    home.load((f"e{n}.ics", body.replace(b"UID:x", b"UID:h%d" % n)) for n in range(10_000))
    work.load((f"e{n}.ics", body.replace(b"UID:x", b"UID:w%d" % n)) for n in range(10))
    prices = []
    for calendar in (home, work):
        token = calendar.issue(server.clock.now())
        calendar.put("e1.ics", body.replace(b"UID:x", b"UID:y"))
        prices.append(cost(lambda path=calendar.path, token=token: raw.sync(path, token)))  # type: ignore[misc]
    assert prices[0] < prices[1] * 3 + 0.001


def test_fifty_bodies_at_once(raw: Raw, ada: Account, home: str) -> None:
    body = text("x").encode()
    ada.calendar("Home").load((f"e{n}.ics", body.replace(b"UID:x", b"UID:h%d" % n)) for n in range(10_000))
    hrefs = [f"{home}e{n}.ics" for n in range(0, 10_000, 200)]
    assert len(raw.multiget(home, *hrefs).hrefs) == 50
    assert cost(lambda: raw.multiget(home, *hrefs)) < 0.03


def test_many_clients_at_once_lose_nothing(server: FakeICloud, ada: Account, home: str) -> None:
    def write(worker: int) -> None:
        with Raw(server, ada) as client:
            for n in range(25):
                assert client.create(f"{home}w{worker}-{n}.ics", text(f"w{worker}-{n}")).status == 201

    threads = [threading.Thread(target=write, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    calendar = ada.calendar("Home")
    assert len(calendar.names()) == 100
    assert len({obj.etag for obj in calendar.store.objects.values()}) == 100
    assert [rev for rev, _ in calendar.store.log] == sorted({rev for rev, _ in calendar.store.log})
