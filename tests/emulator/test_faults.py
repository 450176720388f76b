"""Faults on demand: emulator section 7."""

from __future__ import annotations

import gzip
import http.client
import socket
import threading
import time

import pytest

from tests.emulator.raw import Raw, text
from tests.fake_icloud import FakeICloud, faults
from tests.fake_icloud.account import Account


@pytest.mark.parametrize("value", ["2", "Sun, 06 Nov 2033 08:49:37 GMT", "0", "garbage"])
def test_503_with_any_retry_after(server: FakeICloud, raw: Raw, home: str, value: str) -> None:
    rule = server.faults.add(faults.status(503, retry_after=value))
    answer = raw.propfind(home)
    assert (answer.status, answer.header("Retry-After"), answer.body) == (503, value, b"")
    assert raw.propfind(home).status == 207
    assert rule.fired == 1
    assert server.requests[-2].fault == "answer 503"


@pytest.mark.parametrize(("code", "html"), [(500, True), (502, True), (504, True), (503, False), (429, False)])
def test_bare_statuses(server: FakeICloud, raw: Raw, home: str, code: int, html: bool) -> None:
    server.faults.add(faults.status(code))
    answer = raw.propfind(home)
    assert (answer.status, b"<html" in answer.body) == (code, html)


def test_nth_times_and_filters(server: FakeICloud, raw: Raw, ada: Account, home: str) -> None:
    server.faults.add(faults.status(503), method="PROPFIND", path="/home/", nth=2, times=2)
    assert [raw.propfind(home).status for _ in range(5)] == [207, 503, 503, 207, 207]
    server.faults.add(faults.status(500), report="sync-collection", times=None)
    assert raw.multiget(home, home).status == 207
    assert [raw.sync(home).status for _ in range(2)] == [500, 500]
    server.faults.clear()
    server.faults.add(faults.status(502), host="discovery")
    assert raw.propfind(home).status == 207
    assert raw.propfind(home, host="discovery").status == 502


def test_after_apply_loses_only_the_answer(server: FakeICloud, raw: Raw, ada: Account, home: str) -> None:
    server.faults.add(faults.status(503), method="PUT", after_apply=True)
    assert raw.create(home + "a.ics", text()).status == 503
    assert ada.calendar("Home").names() == ["a.ics"]
    server.faults.add(faults.close_before_response(), method="DELETE", after_apply=True)
    with pytest.raises((ConnectionError, http.client.RemoteDisconnected)):
        raw.ask("DELETE", home + "a.ics")
    assert ada.calendar("Home").names() == []


def test_without_after_apply_nothing_happens(server: FakeICloud, raw: Raw, ada: Account, home: str) -> None:
    server.faults.add(faults.close_before_response(), method="PUT")
    with pytest.raises((ConnectionError, http.client.RemoteDisconnected)):
        raw.create(home + "a.ics", text())
    assert ada.calendar("Home").names() == []


def test_throttle_advertises_too_little_and_is_extended_by_asking(server: FakeICloud, raw: Raw, home: str) -> None:
    server.faults.add(faults.throttle(60, 2, "1"), times=None)
    assert [raw.propfind(home).status for _ in range(3)] == [207, 207, 503]
    server.clock.advance(30)
    answer = raw.propfind(home)
    assert (answer.status, answer.header("Retry-After")) == (503, "1")
    server.clock.advance(45)
    assert raw.propfind(home).status == 207, "two requests left in the window"
    assert raw.propfind(home).status == 503
    server.clock.advance(61)
    assert raw.propfind(home).status == 207


def test_slow_and_drip(server: FakeICloud, raw: Raw, home: str) -> None:
    server.faults.add(faults.slow(0.15))
    before = time.monotonic()
    assert raw.propfind(home).status == 207
    assert time.monotonic() - before >= 0.14
    server.faults.add(faults.drip(400, 0.02))
    before = time.monotonic()
    assert raw.propfind(home).status == 207
    assert time.monotonic() - before >= 0.04


def test_slow_answers_do_not_hold_up_others(server: FakeICloud, raw: Raw, ada: Account, home: str) -> None:
    arrived = threading.Event()
    action = faults.slow(5)
    action.tweak = lambda _request: arrived.set()
    server.faults.add(action)
    threading.Thread(target=_ignore_errors, args=(server, ada, home), daemon=True).start()
    assert arrived.wait(5)
    before = time.monotonic()
    assert raw.propfind(home).status == 207
    assert time.monotonic() - before < 2


def _ignore_errors(server: FakeICloud, ada: Account, home: str) -> None:
    with Raw(server, ada) as other:
        try:
            other.propfind(home)
        except (OSError, http.client.HTTPException):
            return


def test_cut_body_breaks_the_announced_length(server: FakeICloud, raw: Raw, home: str) -> None:
    server.faults.add(faults.cut_body(40))
    with pytest.raises(http.client.IncompleteRead):
        raw.propfind(home)


def test_truncated_xml_has_a_matching_length(server: FakeICloud, raw: Raw, home: str) -> None:
    server.faults.add(faults.truncate_xml(80))
    answer = raw.propfind(home)
    assert (answer.status, len(answer.body)) == (207, 80)


def test_a_page_instead_of_xml(server: FakeICloud, raw: Raw, home: str) -> None:
    server.faults.add(faults.html_200())
    answer = raw.propfind(home)
    assert (answer.status, answer.header("Content-Type")) == (200, "text/html; charset=utf-8")
    server.faults.add(faults.html_207())
    assert raw.propfind(home).status == 207


def test_blackhole_never_answers_and_ends_with_the_client(server: FakeICloud, ada: Account, home: str) -> None:
    server.faults.add(faults.blackhole())
    with Raw(server, ada) as client:
        client._connections["p1"] = http.client.HTTPConnection("localhost", server.ports[1], timeout=0.2)
        with pytest.raises(TimeoutError):
            client.propfind(home)


def test_spurious_401(server: FakeICloud, raw: Raw, home: str) -> None:
    server.faults.add(faults.spurious_401())
    answer = raw.propfind(home)
    assert answer.status == 401
    assert [name for name, _ in answer.headers].count("WWW-Authenticate") == 2
    assert raw.propfind(home).status == 207


def test_gzip_and_its_bomb(server: FakeICloud, raw: Raw, home: str) -> None:
    server.faults.add(faults.gzip())
    answer = raw.propfind(home)
    assert answer.header("Content-Encoding") == "gzip"
    assert b"<multistatus" in gzip.decompress(answer.body)
    server.faults.add(faults.gzip_bomb(5_000_000))
    answer = raw.propfind(home)
    assert len(answer.body) < 50_000
    assert len(gzip.decompress(answer.body)) > 5_000_000


def test_refuse_partition_closes_the_listener_until_it_is_opened(
    server: FakeICloud, raw: Raw, ada: Account, home: str
) -> None:
    server.faults.add(faults.refuse_partition())
    with pytest.raises((ConnectionError, http.client.RemoteDisconnected)):
        raw.propfind(home)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.ports[1]), timeout=1)
    assert raw.propfind(home, host="discovery").status == 207
    server.accept("p1")
    assert raw.propfind(home).status == 207


def test_reset_opens_every_listener(server: FakeICloud) -> None:
    server.refuse("p2")
    server.reset()
    socket.create_connection(("127.0.0.2", server.ports[2]), timeout=1).close()


@pytest.mark.parametrize("kind", ["home-set", "principal", "redirect", "member"])
def test_evil_hrefs(server: FakeICloud, raw: Raw, ada: Account, home: str, kind: str) -> None:
    ada.calendar("Home").put("a.ics", text("a").encode())
    server.faults.add(faults.evil_href(kind))  # type: ignore[arg-type]
    evil = server.base_url("evil")
    if kind == "home-set":
        answer = raw.propfind(ada.principal_path, "<c:calendar-home-set/>")
        assert f">{evil}{ada.home_path}<".encode() in answer.body
    elif kind == "principal":
        answer = raw.propfind("/", "<d:current-user-principal/>")
        assert f">{evil}{ada.principal_path}<".encode() in answer.body
    elif kind == "redirect":
        answer = raw.propfind(home)
        assert (answer.status, answer.header("Location")) == (301, evil + home)
    else:
        assert raw.sync(home).hrefs == [home, f"{evil}{home}a.ics"]


def test_the_evil_host_asks_for_the_password_and_remembers_who_gave_it(server: FakeICloud, raw: Raw, home: str) -> None:
    assert raw.ask("PROPFIND", home, host="evil", without=("Authorization",)).status == 401
    assert len(server.evil.requests) == 1
    assert server.requests == []
    server.assert_polite()
    raw.ask("PROPFIND", home, host="evil")
    assert [violation.rule for violation in server.violations] == [1]


def test_big_reply_and_bad_member(server: FakeICloud, raw: Raw, ada: Account, home: str) -> None:
    ada.calendar("Home").load([("a.ics", text("a").encode()), ("b.ics", text("b").encode())])
    server.faults.add(faults.big_reply(500))
    assert len(raw.sync(home).hrefs) == 503
    server.faults.add(faults.bad_member(b"BEGIN:VCALENDAR\r\nrubbish"))
    answer = raw.multiget(home, home + "a.ics", home + "b.ics")
    assert answer.found(home + "a.ics", "c:calendar-data") == "BEGIN:VCALENDAR\nrubbish"
    assert "UID:b" in (answer.found(home + "b.ics", "c:calendar-data") or "")


def test_answers_that_say_too_little(server: FakeICloud, raw: Raw, ada: Account, home: str) -> None:
    ada.calendar("Home").put("a.ics", text("a").encode())
    server.faults.add(faults.empty_multistatus())
    answer = raw.sync(home)
    assert (answer.hrefs, answer.token) == ([], None)
    server.faults.add(faults.without_token())
    answer = raw.sync(home)
    assert (len(answer.hrefs), answer.token) == (2, None)
    server.faults.add(faults.weak_etag())
    assert (raw.ask("GET", home + "a.ics").header("ETag") or "").startswith('W/"')


def test_idle_connections_may_be_ended_and_new_ones_work(server: FakeICloud, raw: Raw, home: str) -> None:
    raw.propfind(home)
    server.drop_connections()
    with pytest.raises((ConnectionError, http.client.RemoteDisconnected)):
        raw.propfind(home)
    assert raw.propfind(home).status == 207


def test_reset_forgets_faults_and_flags(server: FakeICloud) -> None:
    server.faults.add(faults.status(503), times=None)
    server.flags.put_etag = "never"
    server.outage = True
    server.reset()
    assert (server.faults.rules, server.flags.put_etag, server.outage) == ([], "always", False)
