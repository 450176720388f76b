"""caldav's client on our own session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from caldav.davclient import DAVClient
from caldav.lib.url import URL
from caldav.response import DAVResponse

if TYPE_CHECKING:
    from .connection import Answer
    from .session import Session

_HEADERS = {
    "User-Agent": "LeadMagicX-Calendar/1.0",  # without one iCloud answers 403 (fact 1.9)
    "Accept": "text/xml, text/calendar",
    "Accept-Encoding": "gzip",
}


class Reply(DAVResponse):
    """What caldav's verbs pass on: an answer whose body caldav does not get to see.

    Its own response class would log every body at DEBUG, and what is no XML at INFO on the root logger: people's
    events (reliability E4). It would also parse what `multistatus` reads once and more strictly.
    """

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.status = answer.status
        self.headers = answer.headers
        self.reason = ""
        self.tree = None
        self.results = None
        self._raw = ""


class Wire(DAVClient):
    """caldav's verbs (propfind, report, put, delete) over a guarded session.

    request(), through which they all go, is replaced: caldav's logs headers and bodies, asks again with other
    credentials after a 401, and keeps the server's body in its exceptions. Of its higher layers nothing is used:
    save() sends a refused event a second time and deletes without a condition (E3), discovery follows a calendar home
    to any host (E2), and a lost sync token silently becomes a download of the whole calendar (facts 9.1-9.12).
    """

    def __init__(self, session: Session, *, url: str) -> None:
        """Set what the verbs use. caldav's own constructor would build a second HTTP stack to be thrown away: 1 ms."""
        self.session = session  # type: ignore[assignment]  # caldav names the class, and calls two methods of it
        self.url = URL.objectify(url)
        self._guarded = session

    def request(
        self,
        url: str,
        method: str = "GET",
        body: str | bytes = "",
        headers: Mapping[str, str] | None = None,
        rate_limit_time_slept: float = 0,
    ) -> Reply:
        """Send one request as it is. Nothing sleeps here: a server that asks to wait is asked again by a later run."""
        data = body.encode("utf-8") if isinstance(body, str) else body
        merged = {**_HEADERS, **(headers or {})}
        if data:
            merged.setdefault("Content-Type", "text/xml; charset=utf-8")
        return Reply(self._guarded.request(method, url, data=data, headers=merged))
