"""Answers too large, cut short, or saying nothing: none is taken for an empty calendar (F23-F28, S9, S12)."""

from __future__ import annotations

import gzip
import tracemalloc
from collections.abc import Callable

import pytest

from icloud_sync import errors
from icloud_sync.remote import Client
from tests.remote.acts import BODY, CALENDAR, EMPTY, EVENT, READS, ClientWith, fails_with
from tests.remote.stage import (
    HTML_PAGE,
    Stage,
    answer,
    multistatus,
    raw,
    raw_and_close,
    response,
)

# -- size ------------------------------------------------------------------------------------------------------------


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


# -- half answers ----------------------------------------------------------------------------------------------------


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


# -- answers that say nothing ----------------------------------------------------------------------------------------


_ANY_TEXT = {b"secret words", b"\x00\x01", b"{}"}
XHTML = b'<html xmlns="http://www.w3.org/1999/xhtml"><body>secret words</body></html>'


@pytest.mark.parametrize("status", [200, 207])
@pytest.mark.parametrize(
    "text", [HTML_PAGE, XHTML, b"", b"   ", b"secret words", b"\x00\x01", b"<multistatus/>", b"{}"]
)
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
