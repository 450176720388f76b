"""Requests to one account, by path; and the way back from the hrefs in an answer to paths."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from ..errors import ICloudError
from . import multistatus, statuses
from .config import RemoteConfig
from .connection import Answer
from .hosts import Location, Origin
from .paths import UnusablePath
from .session import Session

if TYPE_CHECKING:
    from .wire import Reply, Wire

MULTISTATUS_STATUSES = frozenset({200, 207})


class Link:
    """One account's requests. Paths go to `origin`: the calendar home's host once it is known, before that the host of
    discovery, which serves every account itself (fact 1.6).
    """

    def __init__(self, config: RemoteConfig, session: Session) -> None:
        self.config = config
        self.session = session
        self.entry = session.trusted.locate(config.url)
        self.origin: Origin = self.entry.origin
        self._wire: Wire | None = None

    @property
    def wire(self) -> Wire:
        """caldav's client. Imported when first needed: that costs 1.5 s of CPU, and most processes never ask iCloud."""
        if self._wire is None:
            from .wire import Wire

            self._wire = Wire(self.session, url=self.entry.url)
        return self._wire

    def url(self, path: str) -> str:
        """Return the URL of a path on the account's host."""
        return Location(self.origin, path).url

    def ask_at(self, url: str, body: str) -> Answer:
        """Ask for properties of a URL, whatever its host; where later requests go does not change."""
        return _answer(self.wire.propfind(url, body, 0))

    def propfind(self, path: str, body: str, *, depth: int) -> Answer:
        """Ask for properties of a path, and of its members with depth 1."""
        return self._arrived(self.wire.propfind(self.url(path), body, depth))

    def report(self, path: str, body: str, *, depth: int | None) -> Answer:
        """Send a report on a collection; None leaves the Depth header out."""
        return self._arrived(self.wire.report(self.url(path), body, depth))

    def get(self, path: str) -> Answer:
        """Ask for one event."""
        return self._arrived(self.wire.request(self.url(path), "GET"))

    def put(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Write one event; `headers` carry the condition."""
        content = {"Content-Type": "text/calendar; charset=utf-8", **headers}
        return self._arrived(self.wire.request(self.url(path), "PUT", body, content))

    def delete(self, path: str, headers: Mapping[str, str]) -> Answer:
        """Delete one event; no Depth header, which iCloud refuses (fact 5.14)."""
        return self._arrived(self.wire.delete(self.url(path), headers))

    def rows(self, answer: Answer) -> multistatus.Multistatus:
        """Return the rows of a collection's answer; another status becomes the error it means."""
        if answer.status not in MULTISTATUS_STATUSES:
            raise self.read_error(answer, collection=True)
        return multistatus.read(answer.body)

    def read_error(self, answer: Answer, *, collection: bool) -> ICloudError:
        """Return what an answer that is no success means."""
        return statuses.read_error(
            answer.status,
            retry_after=answer.headers.get("Retry-After"),
            now=datetime.now(UTC),
            collection=collection,
        )

    def path_of(self, href: str, answer: Answer) -> str | None:
        """Return the path an href stands for; None when no request could name it. Raises UntrustedHost.

        The host is dropped: iCloud names caldav.icloud.com in answers of a partition (fact 1.5).
        """
        try:
            return self.session.trusted.locate(href, base=answer.location).path
        except UnusablePath:
            return None

    def _arrived(self, reply: object) -> Answer:
        """Keep to the host that a redirect led to, so that only the first request of a run takes the hop (fact 1.7)."""
        answer = _answer(reply)
        self.origin = answer.location.origin
        return answer


def _answer(reply: object) -> Answer:
    """Return what caldav has passed on."""
    return cast("Reply", reply).answer
