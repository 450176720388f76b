"""The wire itself: time, what is sent, connections, credentials and budget (F14-F22, S10, S26, E1, E2)."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable

import pytest

from icloud_sync import errors
from icloud_sync.remote import Client
from tests.remote.acts import BODY, CALENDAR, EMPTY, EVENT, READS, WRITES, ClientWith, fails_with
from tests.remote.stage import (
    HTML_PAGE,
    Act,
    Stage,
    answer,
    answer_and_leave,
    drip,
    hang_up,
    multistatus,
    raw,
    silence,
)

# -- time ------------------------------------------------------------------------------------------------------------


def dripping(stage: Stage) -> dict[str, Act]:
    head = b"HTTP/1.1 207 M\r\nContent-Length: 100000\r\n\r\n"
    return {
        "status line": drip(b"HTTP/1.1 207 Multi-Status\r\n" * 1000, every=0.02, stop=stage.stop),
        "headers": drip(b"HTTP/1.1 207 M\r\nX: " + b"y" * 10_000, every=0.02, stop=stage.stop),
        "body": lambda sock, heard: (
            raw(head)(sock, heard),
            drip(b" " * 10_000, every=0.02, stop=stage.stop)(sock, heard),
        )[1],
        "chunks": drip(
            b"HTTP/1.1 207 M\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\n \r\n" * 999, every=0.005, stop=stage.stop
        ),
        "nothing": silence(stage.stop),
    }


@pytest.mark.late_turns(3)
@pytest.mark.parametrize("kind", ["status line", "headers", "body", "chunks", "nothing"])
def test_f22_a_drip_ends_when_the_request_s_time_is_over(stage: Stage, client_with: ClientWith, kind: str) -> None:
    stage.play(dripping(stage)[kind])
    client = client_with(request_timeout=0.3)
    fails_with(errors.Unreachable, lambda: client.listing(CALENDAR))


@pytest.mark.late_turns(3)
@pytest.mark.parametrize("kind", ["headers", "nothing"])
def test_f20_f21_a_write_without_an_answer_in_time_has_an_unknown_outcome(
    stage: Stage, client_with: ClientWith, write: Callable[[Client], object], kind: str
) -> None:
    stage.play(dripping(stage)[kind])
    client = client_with(request_timeout=0.2)
    fails_with(errors.OutcomeUnknown, lambda: write(client))
    assert len(stage.requests) == 1


def test_the_time_of_a_request_covers_its_redirects(stage: Stage, client_with: ClientWith) -> None:
    def slow_redirect(sock: object, heard: object) -> None:
        stage.stop.wait(0.15)
        answer(302, headers=[("Location", "/elsewhere/")])(sock, heard)  # type: ignore[arg-type]

    stage.play(slow_redirect)
    client = client_with(request_timeout=0.25)
    fails_with(errors.Unreachable, lambda: client.listing(CALENDAR))


def test_a5_a_deadline_ends_a_request_under_way_and_lets_no_other_begin(stage: Stage, client_with: ClientWith) -> None:
    stage.play(silence(stage.stop))
    client = client_with(request_timeout=30.0, deadline=time.monotonic() + 0.2)
    fails_with(errors.Unreachable, lambda: client.listing(CALENDAR))
    fails_with(errors.Unreachable, lambda: client.create(EVENT, BODY))
    assert len(stage.requests) == client.requests == 1


def test_a_host_that_does_not_take_connections_is_given_up_in_time(stage: Stage, client_with: ClientWith) -> None:
    import socket

    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        client = client_with(url=f"http://127.0.0.1:{full.getsockname()[1]}/", connect_timeout=0.2)
        fails_with(errors.Unreachable, lambda: client.create(EVENT, BODY))
        for filler in fillers:
            filler.close()


def test_a_name_that_does_not_resolve_in_time_is_given_up(
    client_with: ClientWith, monkeypatch: pytest.MonkeyPatch, stage: Stage
) -> None:
    monkeypatch.setattr("socket.getaddrinfo", lambda *_args, **_kw: stage.stop.wait(5))
    client = client_with(url="https://caldav.icloud.com/", trusted_hosts=(".icloud.com",), request_timeout=0.2)
    fails_with(errors.Unreachable, lambda: client.discover())


def test_f18_a_name_that_does_not_exist_is_unreachable(
    client_with: ClientWith, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    def nobody(*_args: object, **_kw: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr("socket.getaddrinfo", nobody)
    client = client_with(url="https://caldav.icloud.com/", trusted_hosts=(".icloud.com",))
    fails_with(errors.Unreachable, lambda: client.discover())
    assert client.requests == 0


# -- what is sent ----------------------------------------------------------------------------------------------------


def test_t2_every_request_is_one_icloud_takes(stage: Stage, client: Client) -> None:
    """Facts 1.9, 2.5, 5.1, 5.14: User-Agent, Basic at once, Content-Length, no Depth on DELETE."""
    stage.play(answer(404))
    for act in (*READS.values(), *WRITES.values()):
        with pytest.raises(errors.ICloudError):
            act(client)
    assert {heard.method for heard in stage.requests} == {"PROPFIND", "REPORT", "GET", "PUT", "DELETE"}
    for heard in stage.requests:
        assert heard.headers["user-agent"].startswith("LeadMagicX")
        assert heard.headers["authorization"].startswith("Basic ")
        assert heard.headers["host"] == stage.origin
        assert "//" not in heard.target
        if heard.body:
            assert heard.headers["content-length"] == str(len(heard.body))
        if heard.method in {"PROPFIND", "REPORT"}:
            assert heard.body.startswith(b"<?xml")
            assert heard.headers["content-type"] == "text/xml; charset=utf-8"
            assert b"allprop" not in heard.body
        if heard.method == "PROPFIND":
            assert heard.headers["depth"] in {"0", "1"}
        if heard.method == "PUT":
            assert heard.headers["content-type"] == "text/calendar; charset=utf-8"
        if heard.method == "DELETE":
            assert "depth" not in heard.headers
            assert heard.headers["if-match"] == '"1"'


@pytest.mark.parametrize(
    "nasty",
    [
        '/1/c/"><href>/x</href>.ics',
        "/1/c/a\r\nX-Injected: 1.ics",
        "/1/c/ü&amp;.ics",
        "/1/c/%0d%0ax.ics",
        "/1/c/a b.ics",
    ],
)
def test_s26_no_path_breaks_out_of_a_header_or_a_body(stage: Stage, client: Client, nasty: str) -> None:
    from lxml import etree

    stage.play(answer(404))
    for act in (lambda: client.get(nasty), lambda: client.create(nasty, BODY), lambda: client.fetch("/1/c/", [nasty])):
        with pytest.raises(errors.ICloudError):
            act()
    get, put, report = stage.requests
    assert get.target == put.target
    assert "x-injected" not in get.headers
    hrefs = etree.fromstring(report.body).findall("{DAV:}href")
    assert [str(href.text).upper() for href in hrefs] == [get.target.upper()]


@pytest.mark.parametrize("token", ["</sync-token><limit/>", "a&b", "é", "x" * 100_000, " padded "])
def test_s26_no_token_breaks_out_of_the_body(stage: Stage, client: Client, token: str) -> None:
    from lxml import etree

    stage.play(answer(207, multistatus(token="new")))
    client.changes(CALENDAR, token=token)
    root = etree.fromstring(stage.requests[0].body)
    assert root.findtext("{DAV:}sync-token") == token
    assert root.find("{DAV:}limit") is None


def test_s26_a_token_that_xml_cannot_carry_is_lost(stage: Stage, client: Client) -> None:
    fails_with(errors.TokenLost, lambda: client.changes(CALENDAR, token="a\x00b"))
    assert stage.requests == []


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\n", "\x00", "é"])
def test_s26_no_header_value_becomes_two_lines(client: Client, stage: Stage, value: str) -> None:
    request = client._session.request
    fails_with(errors.BadAnswer, lambda: request("PUT", stage.url + "a", data=b"", headers={"If-Match": value}))
    assert stage.connections == 0


@pytest.mark.parametrize("etag", ["", "*", 'W/"1"', '"a\r\nX: y"', '"é"', '""'])
def test_f31_no_write_goes_without_a_strong_condition(stage: Stage, client: Client, etag: str) -> None:
    fails_with(errors.ItemRefused, lambda: client.update(EVENT, BODY, etag=etag))
    fails_with(errors.ItemRefused, lambda: client.delete(EVENT, etag=etag))
    assert stage.requests == []


def test_only_events_are_ever_written(stage: Stage, client: Client) -> None:
    for path in (CALENDAR, CALENDAR.rstrip("/"), "/1/principal/", "/a.ics", CALENDAR + "../a.ics"):
        fails_with(errors.ItemRefused, lambda path=path: client.delete(path, etag='"1"'))
        fails_with(errors.ItemRefused, lambda path=path: client.create(path, BODY))
    assert stage.requests == []


# -- connections -----------------------------------------------------------------------------------------------------


def test_one_connection_serves_a_whole_run(stage: Stage, client: Client) -> None:
    stage.play(answer(207, EMPTY))
    for _ in range(5):
        client.listing(CALENDAR)
    assert stage.connections == 1


@pytest.mark.parametrize("name", ["listing", "create", "delete"])
def test_a_connection_closed_while_idle_is_noticed_before_anything_is_sent(
    stage: Stage, client: Client, name: str
) -> None:
    """Fact 1.11: also for writes, whose outcome would otherwise be unknown for nothing."""
    done = {"listing": (207, EMPTY), "create": (201, b""), "delete": (204, b"")}
    stage.play(answer_and_leave(207, EMPTY), answer(*done[name]))
    client.listing(CALENDAR)
    wait_until_readable(client)
    (READS | WRITES)[name](client)
    assert [heard.connection for heard in stage.requests] == [1, 2]
    assert client.requests == 2


def wait_until_readable(client: Client) -> None:
    """Until the other side's farewell has arrived."""
    import select

    (connection,) = client._session._connections.values()
    assert select.select([connection._sock], [], [], 1)[0]


def test_a_kept_connection_that_fails_is_replaced_once_for_a_read(stage: Stage, client: Client) -> None:
    stage.play(answer(207, EMPTY), hang_up, answer(207, EMPTY))
    client.listing(CALENDAR)
    client.listing(CALENDAR)
    assert [heard.connection for heard in stage.requests] == [1, 1, 2]
    assert client.requests == 3


def test_a_kept_connection_that_fails_during_a_write_leaves_the_outcome_unknown(
    stage: Stage, client: Client, write: Callable[[Client], object]
) -> None:
    stage.play(answer(207, EMPTY), hang_up, answer(201))
    client.listing(CALENDAR)
    fails_with(errors.OutcomeUnknown, lambda: write(client))
    assert len(stage.requests) == 2


def test_a_new_connection_that_fails_is_not_tried_again(
    stage: Stage, client: Client, read: Callable[[Client], object]
) -> None:
    stage.play(hang_up)
    fails_with(errors.Unreachable, lambda: read(client))
    assert len(stage.requests) == 1


def test_f18_a_refused_connection_means_that_nothing_was_done(client_with: ClientWith) -> None:
    client = client_with(url="http://127.0.0.1:9/")
    for act in (*READS.values(), *WRITES.values()):
        fails_with(errors.Unreachable, lambda act=act: act(client))
    assert client.requests == 0


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_f17_a_write_that_met_a_server_error_is_never_sent_again(
    stage: Stage, client: Client, write: Callable[[Client], object], status: int
) -> None:
    stage.play(answer(status, HTML_PAGE, headers=[("Retry-After", "7")]))
    error = fails_with(errors.OutcomeUnknown, lambda: write(client))
    assert isinstance(error, errors.OutcomeUnknown)
    assert error.after_seconds == 7.0
    assert len(stage.requests) == 1


def test_f14_a_throttled_read_says_for_how_long(stage: Stage, client: Client, read: Callable[[Client], object]) -> None:
    for status, header, seconds in ((503, "60", 60.0), (429, "2", 2.0), (429, "abc", None), (503, "-5", None)):
        stage.play(answer(status, headers=[("Retry-After", header)]))
        error = fails_with(errors.Throttled, lambda: read(client))
        assert isinstance(error, errors.Throttled)
        assert error.after_seconds == seconds


# -- credentials and budget ------------------------------------------------------------------------------------------


def test_i16_after_one_401_nothing_is_sent_any_more(stage: Stage, client: Client) -> None:
    challenge = [("WWW-Authenticate", 'X-MobileMe-AuthToken realm="MMCalDav", Basic realm="MMCalDav"')]
    stage.play(answer(401, headers=challenge), answer(207, EMPTY))
    for act in (*READS.values(), *WRITES.values()):
        fails_with(errors.PasswordRejected, lambda act=act: act(client))
    assert len(stage.requests) == client.requests == 1


def test_the_budget_is_asked_before_every_request(stage: Stage, client_with: ClientWith) -> None:
    left = [2]

    def budget() -> None:
        if not left[0]:
            raise errors.BudgetSpent("60 a minute", after_seconds=12.0)
        left[0] -= 1

    stage.play(answer(302, headers=[("Location", CALENDAR)]), answer(207, EMPTY))
    client = client_with(budget=budget)
    client.listing(CALENDAR)
    for act in (*READS.values(), *WRITES.values()):
        error = fails_with(errors.BudgetSpent, lambda act=act: act(client))
        assert isinstance(error, errors.BudgetSpent)
        assert error.after_seconds == 12.0
    assert len(stage.requests) == client.requests == 2


def test_a_deflated_page_is_not_mistaken_for_gzip(stage: Stage, client: Client) -> None:
    stage.play(answer(207, zlib.compress(EMPTY), headers=[("Content-Encoding", "gzip")]))
    fails_with(errors.BadAnswer, lambda: client.listing(CALENDAR))
