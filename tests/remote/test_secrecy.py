"""S1, S2, E4: the password and people's events are in no log record, no error and no traceback."""

from __future__ import annotations

import base64
import logging
import traceback
from collections.abc import Callable
from urllib.parse import quote

import pytest

from icloud_sync import errors
from icloud_sync.remote import Client
from tests.remote.conftest import CANARY
from tests.remote.stage import Act, Stage, answer, hang_up, multistatus, raw_and_close, response, silence

EVENT = "/1/calendars/home/a.ics"
BODY = b"BEGIN:VCALENDAR\r\nSUMMARY:my private words\r\nEND:VCALENDAR\r\n"
ENCODED = base64.b64encode(f"ada@icloud.example:{CANARY}".encode()).decode()
SECRETS = (CANARY, ENCODED, quote(CANARY, safe=""), CANARY.replace("-", ""))
PRIVATE = "my private words"

ACTS: tuple[Callable[[Client], object], ...] = (
    lambda client: client.discover(),
    lambda client: client.calendars("/1/calendars/"),
    lambda client: client.changes("/1/calendars/home/", token="t"),
    lambda client: client.listing("/1/calendars/home/"),
    lambda client: client.fetch("/1/calendars/home/", [EVENT]),
    lambda client: client.get(EVENT),
    lambda client: client.create(EVENT, BODY),
    lambda client: client.update(EVENT, BODY, etag='"1"'),
    lambda client: client.delete(EVENT, etag='"1"'),
)


def answers(stage: Stage) -> dict[str, Act]:
    echo = PRIVATE.encode()
    page = b"<!DOCTYPE html><p>" + echo
    return {
        "401": answer(401, echo),
        "403": answer(403, b'<error xmlns="DAV:"><need-privileges/>' + echo + b"</error>"),
        "404": answer(404, echo),
        "412": answer(412, echo),
        "429": answer(429, echo, headers=[("Retry-After", PRIVATE)]),
        "500": answer(500, page),
        "503": answer(503, page, headers=[("Retry-After", "2")]),
        "html": answer(200, page, content_type="text/html"),
        "text": answer(207, echo),
        "broken xml": answer(207, b"<multistatus xmlns='DAV:'>" + echo),
        "fine": answer(207, multistatus(response(EVENT, f"<displayname>{PRIVATE}</displayname>"), token="x")),
        "no http": raw_and_close(echo + b"\r\n\r\n"),
        "broken chunk": raw_and_close(b"HTTP/1.1 207 M\r\nTransfer-Encoding: chunked\r\n\r\n" + echo),
        "hang up": hang_up,
        "silence": silence(stage.stop),
        "redirect": answer(302, headers=[("Location", "https://evil.example/my-private-words")]),
        "evil href": answer(207, multistatus(response("https://evil.example/my%20private%20words"), token="x")),
    }


@pytest.mark.parametrize("kind", answers(Stage()))
def test_no_password_and_no_event_leaks(
    stage: Stage, client_with: Callable[..., Client], caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    caplog.set_level(logging.NOTSET)
    logging.getLogger("caldav").setLevel(logging.DEBUG)
    stage.play(answers(stage)[kind])
    for act in ACTS:
        client = client_with(request_timeout=0.05)
        error = failure_of(lambda act=act, client=client: act(client))
        if error is not None:
            shown = str(error) + repr(error) + repr(vars(error))
            assert not [secret for secret in (PRIVATE, *SECRETS) if secret in shown]
            assert not [secret for secret in SECRETS if secret in locals_of(error)]
    logged = "".join(record.getMessage() + str(record.exc_text or "") for record in caplog.records)
    assert not [secret for secret in (PRIVATE, *SECRETS) if secret in logged]


def failure_of(act: Callable[[], object]) -> errors.ICloudError | None:
    try:
        act()
    except errors.ICloudError as error:
        return error
    return None


def locals_of(error: BaseException) -> str:
    """What an error tracker would send: all variables of all frames of ours, of this error and those behind it."""
    found = ""
    todo: list[traceback.TracebackException | None] = [
        traceback.TracebackException.from_exception(error, capture_locals=True)
    ]
    while todo:
        if (part := todo.pop()) is not None:
            found += "".join(repr(frame.locals) for frame in part.stack if "/tests/" not in frame.filename)
            todo += [part.__context__, part.__cause__]
    return found


def test_the_client_does_not_show_its_password(stage: Stage, client_with: Callable[..., Client]) -> None:
    client = client_with()
    stage.play(answer(404))
    with pytest.raises(errors.CollectionMissing):
        client.listing("/1/calendars/home/")
    shown = repr(client) + repr(vars(client)) + repr(vars(client._session)) + repr(vars(client._link.wire))
    assert not [secret for secret in SECRETS if secret in shown]
