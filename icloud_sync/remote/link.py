"""Requests to one account, by path; and the way back from the hrefs in an answer to paths."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from ..errors import BadAnswer, ICloudError, UntrustedHost
from . import multistatus, statuses
from .config import RemoteConfig
from .connection import Answer
from .hosts import Location, Origin
from .paths import UnusablePath, is_plain
from .session import Session
from .translate import NothingDone, translate

if TYPE_CHECKING:
    from .wire import Reply, Wire

MULTISTATUS_STATUSES = frozenset({200, 207})
# Octets: what is longer names no event that a row or an index of PostgreSQL could hold.
LONGEST_HREF = 1_000
_FOLDER = re.compile(r"(?:https?://[^/?#\s]+)?(?:/[^/?#\s]+)+")


class Link:
    """One account's requests. Paths go to `origin`: the calendar home's host once it is known, before that the host of
    discovery, which serves every account itself (fact 1.6).
    """

    def __init__(self, config: RemoteConfig, session: Session) -> None:
        self.config = config
        self.session = session
        self.home = ""
        self._origin: Origin | None = None
        self._wire: Wire | None = None
        self._folders: dict[str, str] = {}

    @property
    def entry(self) -> Location:
        """Where discovery begins. Raises UntrustedHost when the settings contradict each other."""
        return self.session.trusted.locate(self.config.url)

    @property
    def origin(self) -> Origin:
        """The host that requests by path go to."""
        return self._origin or self.entry.origin

    def settle_at(self, place: Location) -> None:
        """Send requests by path to this place's host from now on."""
        self._origin = place.origin

    @property
    def wire(self) -> Wire:
        """caldav's client. Imported when first needed: that costs 1.5 s of CPU, and most processes never ask iCloud."""
        if self._wire is None:
            from .wire import Wire

            self._wire = Wire(self.session, url=self.entry.url)
        return self._wire

    def use_hint(self, home: str) -> None:
        """Settle at a stored home's host, if it is one that may be asked."""
        with suppress(UntrustedHost, BadAnswer):
            place = self.session.trusted.locate(home, base=self.entry)
            self.home = place.path
            self.settle_at(place)

    def url(self, path: str) -> str:
        """Return the URL of a path on the account's host."""
        return Location(self.origin, path).url

    def ask_at(self, url: str, body: str) -> Answer:
        """Ask for properties of a URL, whatever its host; where later requests go does not change."""
        return _answer(lambda: self.wire.propfind(url, body, 0))

    def propfind(self, path: str, body: str, *, depth: int) -> Answer:
        """Ask for properties of a path, and of its members with depth 1."""
        return self._arrived(lambda: self.wire.propfind(self.url(path), body, depth))

    def report(self, path: str, body: str, *, depth: int | None) -> Answer:
        """Send a report on a collection; None leaves the Depth header out."""
        return self._arrived(lambda: self.wire.report(self.url(path), body, depth))

    def get(self, path: str) -> Answer:
        """Ask for one event."""
        return self._arrived(lambda: self.wire.request(self.url(path), "GET"))

    def put(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Write one event; `headers` carry the condition."""
        content = {"Content-Type": "text/calendar; charset=utf-8", **headers}
        return self._arrived(lambda: self.wire.request(self.url(path), "PUT", body, content))

    def delete(self, path: str, headers: Mapping[str, str]) -> Answer:
        """Delete one event; no Depth header, which iCloud refuses (fact 5.14)."""
        return self._arrived(lambda: self.wire.delete(self.url(path), headers))

    def rows(self, answer: Answer) -> multistatus.Multistatus:
        """Return the rows of a collection's answer; another status becomes the error it means."""
        if answer.status not in MULTISTATUS_STATUSES:
            raise self.read_error(answer, collection=True)
        return self.read(answer)

    def read(self, answer: Answer) -> multistatus.Multistatus:
        """Return the rows of an answer whose status has been judged.

        A 207 may say of the collection itself that it is not there: Xandikos does. It must not pass for an empty one.
        """
        result = multistatus.read(answer.body)
        for row in result.rows:
            if row.status >= 300 and row.status != 507 and self._is_itself(row.href, answer):
                raise statuses.read_error(row.status, retry_after=None, now=datetime.now(UTC), collection=True)
        return result

    def read_error(self, answer: Answer, *, collection: bool) -> ICloudError:
        """Return what an answer that is no success means."""
        return statuses.read_error(
            answer.status,
            retry_after=answer.headers.get("Retry-After"),
            now=datetime.now(UTC),
            collection=collection,
        )

    def path_of(self, href: str, answer: Answer) -> str | None:
        """Return the path an href stands for; None when no request could name it, or no row. Raises UntrustedHost.

        The host is dropped: iCloud names caldav.icloud.com in answers of a partition (fact 1.5).
        """
        if len(href) > LONGEST_HREF // 4 and len(href.encode("utf-8", "surrogatepass")) > LONGEST_HREF:
            return None
        if is_plain(href):
            return href
        folder, _, name = href.rpartition("/")
        if not is_plain("/" + name) or not _FOLDER.fullmatch(folder):
            return self._located(href, answer)
        # The events of a calendar share its address: an "@" or a host in it is looked into once.
        known = self._folders.get(folder)
        if known is None:
            known = self._folders[folder] = self._located(folder + "/", answer) or ""
        return known + name if known else None

    def _located(self, href: str, answer: Answer) -> str | None:
        try:
            return self.session.trusted.locate(href, base=answer.location).path
        except UnusablePath:
            return None

    def _is_itself(self, href: str, answer: Answer) -> bool:
        return (self.path_of(href, answer) or "").rstrip("/") == answer.location.path.rstrip("/")

    def _arrived(self, ask: Callable[[], object]) -> Answer:
        """Return the answer, wherever the account is served now.

        When the home's host cannot be reached, or answers that the account is not there (421), the host of discovery
        is asked: partitions move (fact 1.6), and nothing has been done yet. Where a redirect led to is kept to, so
        that only the first request of a run takes the hop (fact 1.7).
        """
        try:
            answer = _answer(ask)
        except NothingDone:
            if self.origin == self.entry.origin:
                raise
            answer = None
        if answer is None or (answer.status == 421 and self.origin != self.entry.origin):
            self.settle_at(self.entry)
            answer = _answer(ask)
        self.settle_at(answer.location)
        return answer


def _answer(ask: Callable[[], object]) -> Answer:
    """Return what caldav has passed on. Should its code fail, its exception becomes one of ours."""
    try:
        return cast("Reply", ask()).answer
    except Exception as error:
        ours = translate(error)
        if ours is None or ours is error:
            raise
        raise ours from None
