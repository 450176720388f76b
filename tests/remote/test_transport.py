"""The wire itself, against a server that misbehaves: F14-F28, S9, S10, S12, S17, S26, E1, E2."""

from __future__ import annotations

import gzip
import time
import tracemalloc
import zlib
from collections.abc import Callable

import pytest

from icloud_sync import errors
from icloud_sync.remote import Client
from tests.remote.stage import (
    HTML_PAGE,
    PRINCIPAL,
    Act,
    Stage,
    answer,
    answer_and_leave,
    drip,
    hang_up,
    home_set,
    multistatus,
    raw,
    raw_and_close,
    response,
    silence,
)

CALENDAR = "/1/calendars/home/"
EVENT = CALENDAR + "a.ics"
BODY = b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"
EMPTY = multistatus(response(CALENDAR, '<getetag>"c"</getetag>'))
ClientWith = Callable[..., Client]

READS: dict[str, Callable[[Client], object]] = {
    "discover": lambda client: client.discover(),
    "calendars": lambda client: client.calendars("/1/calendars/"),
    "changes": lambda client: client.changes(CALENDAR, token="t"),
    "listing": lambda client: client.listing(CALENDAR),
    "fetch": lambda client: client.fetch(CALENDAR, [EVENT]),
    "get": lambda client: client.get(EVENT),
}
WRITES: dict[str, Callable[[Client], object]] = {
    "create": lambda client: client.create(EVENT, BODY),
    "update": lambda client: client.update(EVENT, BODY, etag='"1"'),
    "delete": lambda client: client.delete(EVENT, etag='"1"'),
}


@pytest.fixture(params=READS)
def read(request: pytest.FixtureRequest) -> Callable[[Client], object]:
    """Every way to read."""
    return READS[request.param]


@pytest.fixture(params=WRITES)
def write(request: pytest.FixtureRequest) -> Callable[[Client], object]:
    """Every way to write."""
    return WRITES[request.param]


def fails_with(kind: type[Exception], act: Callable[[], object], *, within: float = 5.0) -> Exception:
    """Run `act`, which must raise exactly `kind`, in time, and return the error."""
    began = time.monotonic()
    with pytest.raises(errors.ICloudError) as caught:
        act()
    assert type(caught.value) is kind, repr(caught.value)
    assert time.monotonic() - began < within
    assert caught.value.__cause__ is None
    assert "secret words" not in str(caught.value)
    return caught.value


# -- time ---------------------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("kind", ["status line", "headers", "body", "chunks", "nothing"])
def test_f22_a_drip_ends_when_the_request_s_time_is_over(stage: Stage, client_with: ClientWith, kind: str) -> None:
    stage.play(dripping(stage)[kind])
    client = client_with(request_timeout=0.3)
    fails_with(errors.Unreachable, lambda: client.listing(CALENDAR))


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


# -- size ---------------------------------------------------------------------------------------------------------


def bombs() -> dict[str, bytes]:
    """Answers that would be fine, were they not longer than a megabyte."""
    page = EMPTY + b" " * (1_000_001 - len(EMPTY))
    squeezed = gzip.compress(EMPTY + b" " * 20_000_000, 1)
    chunks = b"".join(b"%x\r\n" % len(part) + part + b"\r\n" for part in (page[:500_000], page[500_000:], b""))
    head = b"HTTP/1.1 207 M\r\n"
    return {
        "gzip": head + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(squeezed) + squeezed,
        "length": head + b"Content-Length: %d\r\n\r\n" % len(page) + page,
        "chunked": head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks,
        "no length": head + b"\r\n" + page,
    }


BOMBS = bombs()


@pytest.mark.parametrize("kind", BOMBS)
def test_f24_an_answer_over_the_cap_is_dropped_while_it_is_read(stage: Stage, client: Client, kind: str) -> None:
    stage.play(raw_and_close(BOMBS[kind]))
    tracemalloc.start()
    try:
        fails_with(errors.BadAnswer, lambda: client.listing(CALENDAR))
        assert tracemalloc.get_traced_memory()[1] < 6_000_000
    finally:
        tracemalloc.stop()


def test_an_answer_just_under_the_cap_is_taken(stage: Stage, client: Client) -> None:
    body = multistatus(response(CALENDAR, '<getetag>"c"</getetag>'))
    padded = body + b" " * (1_000_000 - len(body))
    stage.play(answer(207, padded), answer(207, gzip.compress(padded), headers=[("Content-Encoding", "gzip")]))
    assert client.listing(CALENDAR) == {}
    assert client.listing(CALENDAR) == {}


@pytest.mark.parametrize(
    "octets",
    [
        b"HTTP/1.1 207 M\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 207 M\r\n" + b"X: y\r\n" * 500 + b"\r\n",
        b"HTTP/1.1 abc M\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.0\r\n",
        b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 207 M\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 207 M\r\nContent-Encoding: br\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 207 M\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 207 M\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_what_is_no_proper_http_is_a_bad_answer(stage: Stage, client: Client, octets: bytes) -> None:
    stage.play(raw_and_close(octets))
    fails_with(errors.BadAnswer, lambda: client.listing(CALENDAR))


def test_an_interim_answer_leaves_nothing_behind_for_the_next_request(stage: Stage, client: Client) -> None:
    stage.play(raw(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n"), answer(207, EMPTY))
    fails_with(errors.BadAnswer, lambda: client.listing(CALENDAR))
    assert client.listing(CALENDAR) == {}


def test_a_server_that_does_not_read_is_given_up(stage: Stage, client_with: ClientWith) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as deaf:
        client = client_with(url=f"http://127.0.0.1:{deaf.getsockname()[1]}/", request_timeout=0.2)
        fails_with(errors.OutcomeUnknown, lambda: client.create(EVENT, b"x" * 30_000_000))


# -- half answers -------------------------------------------------------------------------------------------------


def cuts() -> dict[str, bytes]:
    body = multistatus(
        response(CALENDAR, '<getetag>"c"</getetag>'), response(EVENT, '<getetag>"1"</getetag>'), token="t"
    )
    squeezed = gzip.compress(body)
    return {
        "short of its length": b"HTTP/1.1 207 M\r\nContent-Length: %d\r\n\r\n" % (len(body) + 1) + body,
        "mid chunk": b"HTTP/1.1 207 M\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % len(body) + body[:-9],
        "no last chunk": b"HTTP/1.1 207 M\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % len(body) + body + b"\r\n",
        "cut xml": b"HTTP/1.1 207 M\r\nContent-Length: %d\r\n\r\n" % (len(body) - 9) + body[:-9],
        "no length, cut xml": b"HTTP/1.1 207 M\r\n\r\n" + body[:-9],
        "cut gzip": b"HTTP/1.1 207 M\r\nContent-Encoding: gzip\r\n\r\n" + squeezed[:-9],
        "gzip short of its length": b"HTTP/1.1 207 M\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
        % (len(squeezed) + 5)
        + squeezed,
        "gzip and more": b"HTTP/1.1 207 M\r\nContent-Encoding: gzip\r\n\r\n" + squeezed + squeezed,
        "two roots": b"HTTP/1.1 207 M\r\n\r\n" + body + body,
    }


@pytest.mark.parametrize("kind", cuts())
def test_f23_half_an_answer_is_no_answer(stage: Stage, client: Client, kind: str) -> None:
    stage.play(raw_and_close(cuts()[kind]))
    for ask in (READS["listing"], READS["changes"]):
        fails_with(errors.BadAnswer, lambda ask=ask: ask(client))


def test_the_same_answers_whole_are_taken(stage: Stage, client: Client) -> None:
    body = multistatus(response(EVENT, '<getetag>"1"</getetag>'), token="t")
    chunks = b"%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n"
    stage.play(
        raw(b"HTTP/1.1 207 M\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks),
        answer(207, gzip.compress(body), headers=[("Content-Encoding", "gzip")]),
        raw_and_close(b"HTTP/1.1 207 M\r\n\r\n" + body),
    )
    for _ in range(3):
        assert client.changes(CALENDAR, token="s").changed == {EVENT: '"1"'}
    assert [heard.connection for heard in stage.requests] == [1, 1, 1]


@pytest.mark.parametrize("status", [401, 403, 412, 503])
def test_a_refusal_counts_even_if_its_page_is_cut_or_too_large(stage: Stage, client: Client, status: int) -> None:
    expected = {
        401: errors.PasswordRejected,
        403: errors.ItemRefused,
        412: errors.ItemChanged,
        503: errors.OutcomeUnknown,
    }
    stage.play(raw_and_close(b"HTTP/1.1 %d X\r\nContent-Length: 9000000\r\n\r\nsecret words" % status))
    fails_with(expected[status], lambda: client.update(EVENT, BODY, etag='"1"'))


# -- answers that say nothing -------------------------------------------------------------------------------------

HTML = HTML_PAGE
_ANY_TEXT = {b"secret words", b"\x00\x01", b"{}"}
XHTML = b'<html xmlns="http://www.w3.org/1999/xhtml"><body>secret words</body></html>'


@pytest.mark.parametrize("status", [200, 207])
@pytest.mark.parametrize("text", [HTML, XHTML, b"", b"   ", b"secret words", b"\x00\x01", b"<multistatus/>", b"{}"])
def test_f27_a_page_in_place_of_an_answer_is_never_an_empty_calendar(
    stage: Stage, client: Client, read: Callable[[Client], object], status: int, text: bytes
) -> None:
    stage.play(answer(status, text, content_type="text/html"))
    if read is READS["get"] and status == 200 and text in _ANY_TEXT:
        assert client.get(EVENT).body == text  # an event's text is judged by its parser (rule P14)
        return
    fails_with(errors.BadAnswer, lambda: read(client))


def test_f28_a_listing_without_any_entry_is_not_believed(stage: Stage, client: Client) -> None:
    stage.play(answer(207, multistatus()))
    fails_with(errors.BadAnswer, lambda: client.listing(CALENDAR))
    fails_with(errors.BadAnswer, lambda: client.calendars("/1/calendars/"))


ENTRY = EMPTY.partition(b"?>")[2].decode()
DTDS = [
    f'<?xml version="1.0"?><!DOCTYPE multistatus>{ENTRY}'.encode(),
    f'<!DOCTYPE x [<!ENTITY a "b">]>{ENTRY}'.encode(),
    b"\xef\xbb\xbf"
    + f'<?xml version="1.0"?>\n<!-- x --><?y?><!DOCTYPE m SYSTEM "http://127.0.0.3/x.dtd">{ENTRY}'.encode(),
    f'<?xml version="1.0" encoding="utf-16"?><!DOCTYPE m>{ENTRY}'.encode("utf-16"),
    f'<!DOCTYPE m [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;">]>{ENTRY}'.encode(),
]


def test_the_same_page_without_a_dtd_is_taken(stage: Stage, client: Client) -> None:
    stage.play(answer(207, f'<?xml version="1.0" encoding="utf-16"?>{ENTRY}'.encode("utf-16")))
    assert client.listing(CALENDAR) == {}


def test_s12_a_dtd_never_reaches_the_parser(stage: Stage, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lxml.etree.XMLParser", None)
    stage.play(answer(207, DTDS[-1]))
    fails_with(errors.BadAnswer, lambda: client.listing(CALENDAR))


@pytest.mark.parametrize("text", DTDS)
def test_s12_a_dtd_is_refused_whatever_it_says(stage: Stage, client: Client, text: bytes) -> None:
    stage.play(answer(207, text))
    fails_with(errors.BadAnswer, lambda: client.listing(CALENDAR))


def test_s12_depth_and_text_have_limits(stage: Stage, client: Client) -> None:
    deep = b'<multistatus xmlns="DAV:">' + b"<a>" * 5000 + b"</a>" * 5000 + b"</multistatus>"
    stage.play(answer(207, deep))
    fails_with(errors.BadAnswer, lambda: client.listing(CALENDAR))


# -- hosts and redirects ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("name", ["listing", "changes", "create", "delete"])
def test_f25_a_redirect_to_a_trusted_host_repeats_the_same_request(
    stage: Stage, client_with: ClientWith, status: int, name: str
) -> None:
    with Stage(host="127.0.0.2") as other:
        stage.play(answer(status, HTML, headers=[("Location", other.url + "moved" + EVENT)]))
        done = {"listing": (207, EMPTY), "changes": (207, EMPTY), "create": (201, b""), "delete": (204, b"")}
        other.play(answer(*done[name]))
        client = client_with(trusted_hosts=("127.0.0.1", "127.0.0.2"))
        (READS | WRITES)[name](client)
        first, second = stage.requests[0], other.requests[0]
        assert (first.method, first.body) == (second.method, second.body)
        assert second.target == "/moved" + EVENT
        same = {"host"}
        assert {k: v for k, v in first.headers.items() if k not in same} == {
            k: v for k, v in second.headers.items() if k not in same
        }
        assert client.requests == 2


def test_after_a_redirect_the_new_host_is_asked_at_once(stage: Stage, client_with: ClientWith) -> None:
    with Stage(host="127.0.0.2") as other:
        stage.play(answer(301, headers=[("Location", other.url.rstrip("/") + CALENDAR)]))
        other.play(answer(207, EMPTY))
        client = client_with(trusted_hosts=("127.0.0.1", "127.0.0.2"))
        client.listing(CALENDAR)
        client.listing(CALENDAR)
        assert (len(stage.requests), len(other.requests)) == (1, 2)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_f25_no_redirect_leads_to_another_host(stage: Stage, client: Client, trap: Stage, status: int) -> None:
    stage.play(answer(status, headers=[("Location", trap.url + "x.ics")]))
    for act in (*READS.values(), *WRITES.values()):
        with pytest.raises((errors.UntrustedHost, errors.BadAnswer)):
            act(client)
    assert trap.connections == 0


@pytest.mark.parametrize(
    "location", ["http://127.0.0.3:{port}/", "//127.0.0.3:{port}/x", "ftp://127.0.0.1/", "http://a@127.0.0.1/"]
)
def test_f25_however_the_address_is_written(stage: Stage, client: Client, trap: Stage, location: str) -> None:
    stage.play(answer(302, headers=[("Location", location.format(port=trap.port))]))
    fails_with(errors.UntrustedHost, lambda: client.create(EVENT, BODY))
    assert trap.connections == 0


@pytest.mark.parametrize("status", [300, 303, 304, 305])
def test_other_redirects_are_bad_answers(stage: Stage, client: Client, status: int) -> None:
    stage.play(answer(status, headers=[("Location", "/x/")]))
    fails_with(errors.BadAnswer, lambda: client.listing(CALENDAR))
    fails_with(errors.BadAnswer, lambda: client.create(EVENT, BODY))


def test_a_redirect_to_nowhere_or_in_circles_ends(stage: Stage, client: Client) -> None:
    stage.play(answer(301))
    fails_with(errors.BadAnswer, lambda: client.listing(CALENDAR))
    stage.play(answer(301, headers=[("Location", CALENDAR)]))
    fails_with(errors.BadAnswer, lambda: client.listing(CALENDAR))
    assert client.requests == 1 + 4


def test_f26_a_home_on_another_host_is_refused(stage: Stage, client: Client, trap: Stage) -> None:
    stage.play(answer(207, PRINCIPAL), answer(207, home_set(trap.url + "1/calendars/")))
    fails_with(errors.UntrustedHost, client.discover)
    fails_with(errors.UntrustedHost, lambda: client.calendars(trap.url + "1/calendars/"))
    assert trap.connections == 0


def test_f26_a_principal_on_another_host_is_refused(stage: Stage, client: Client, trap: Stage) -> None:
    props = f"<current-user-principal><href>{trap.url}1/principal/</href></current-user-principal>"
    stage.play(answer(207, multistatus(response("/", props))))
    fails_with(errors.UntrustedHost, client.discover)
    assert trap.connections == 0


def test_f26_an_event_on_another_host_is_refused(stage: Stage, client: Client, trap: Stage) -> None:
    stage.play(
        answer(
            207,
            multistatus(
                response(CALENDAR, '<getetag>"c"</getetag>'), response(trap.url + "a.ics", '<getetag>"1"</getetag>')
            ),
        )
    )
    for name in ("listing", "changes", "fetch"):
        fails_with(errors.UntrustedHost, lambda name=name: READS[name](client))
    assert trap.connections == 0


def test_a_stored_home_on_another_host_is_only_a_hint(stage: Stage, client_with: ClientWith, trap: Stage) -> None:
    stage.play(answer(207, EMPTY))
    client = client_with(home=trap.url + "1/calendars/")
    assert client.listing(CALENDAR) == {}
    assert trap.connections == 0


def test_settings_that_contradict_each_other_send_nothing(client_with: ClientWith, stage: Stage) -> None:
    client = client_with(trusted_hosts=(".icloud.com",))
    for act in (*READS.values(), *WRITES.values()):
        fails_with(errors.UntrustedHost, lambda act=act: act(client))
    assert (stage.connections, client.requests) == (0, 0)


def test_s10_the_environment_has_no_say(
    stage: Stage, client: Client, trap: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    netrc = tmp_path / "netrc"  # type: ignore[operator]
    netrc.write_text("machine 127.0.0.1 login mallory password from-netrc\n")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, trap.url)
    stage.play(
        answer(207, EMPTY, headers=[("Set-Cookie", "track=1; Path=/"), ("Alt-Svc", f'h2="{trap.origin}"; ma=99')])
    )
    client.listing(CALENDAR)
    client.listing(CALENDAR)
    import base64

    sent = stage.requests[1].headers
    assert base64.b64decode(sent["authorization"].removeprefix("Basic ")) == b"ada@icloud.example:qwer-tyui-opas-dfgh"
    assert "cookie" not in sent
    assert trap.connections == 0


# -- what is sent -------------------------------------------------------------------------------------------------


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


# -- connections --------------------------------------------------------------------------------------------------


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
    stage.play(answer(status, HTML, headers=[("Retry-After", "7")]))
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


# -- credentials and budget ---------------------------------------------------------------------------------------


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
