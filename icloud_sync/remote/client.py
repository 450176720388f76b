"""The door to iCloud: one account, one thread, one run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import ParamSpec, TypeVar

from ..errors import BadAnswer, TryLater, Unreachable
from ..secret import Secret
from . import discovery, reading, writing
from .config import RemoteConfig
from .link import Link
from .paths import UnusablePath
from .session import Session
from .translate import AnswerTooLarge, NothingDone
from .values import Account, Delta, Fetched, RemoteCalendar

P = ParamSpec("P")
T = TypeVar("T")

_WORDS: dict[type[TryLater], type[TryLater]] = {
    AnswerTooLarge: BadAnswer,
    NothingDone: Unreachable,
    UnusablePath: BadAnswer,
}


def _in_the_words_of_the_tree(method: Callable[P, T]) -> Callable[P, T]:
    """Keep this package's own kinds of errors inside: rows and REST name an error by its class."""

    @wraps(method)
    def told(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return method(*args, **kwargs)
        except tuple(_WORDS) as error:
            raise _WORDS[type(error)](str(error)) from None

    return told


class Client:
    """Speaks to one account's iCloud; every failure is one of icloud_sync.errors, without a word of the server's.

    Use it in one thread and make a new one for every run: that keeps an account to one request at a time (rule T1),
    and connections that idled for long are never met (fact 1.11). After a 401 it sends nothing any more and raises
    PasswordRejected at once. Any read may raise PasswordRejected, Unreachable, Throttled, ServerFault, AccessRefused,
    UntrustedHost, BadAnswer, CollectionMissing and whatever `budget` raises.

    `budget` is called before every request, redirects included. `deadline`, a time.monotonic() moment, ends
    everything, also a request under way. `home` (Account.home) saves a redirect where the first call is not
    calendars(); it is ignored if its host is not trusted.
    """

    def __init__(
        self,
        config: RemoteConfig,
        *,
        apple_id: str,
        password: Secret,
        budget: Callable[[], None] | None = None,
        deadline: float | None = None,
        home: str | None = None,
    ) -> None:
        self._session = Session(config, apple_id=apple_id, password=password, budget=budget, deadline=deadline)
        self._link = Link(config, self._session)
        if home:
            self._link.use_hint(home)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def requests(self) -> int:
        """How many requests were sent so far, repeated and redirected ones included."""
        return self._session.requests

    @_in_the_words_of_the_tree
    def discover(self) -> Account:
        """Return whom the password opens. Two requests."""
        return discovery.discover(self._link)

    @_in_the_words_of_the_tree
    def calendars(self, home: str, *, principal: str = "") -> list[RemoteCalendar]:
        """Return the calendars of a home (Account.home, or its path) with their change marks: the idle look.

        One request (two where the server knows no ctag). `principal` tells own calendars from shared ones where the
        server does not mark them. From here on requests go to the home's host.
        """
        return discovery.calendars(self._link, home, principal=principal)

    @_in_the_words_of_the_tree
    def changes(self, calendar: str, *, token: str | None) -> Delta:
        """Return what changed in a calendar since `token`, everything when it is None or ''. Raises TokenLost."""
        return reading.changes(self._link, calendar, token=token)

    @_in_the_words_of_the_tree
    def listing(self, calendar: str) -> dict[str, str]:
        """Return path -> ETag ('' if not told) of all events; only a complete answer is returned (rule P6)."""
        return reading.listing(self._link, calendar)

    @_in_the_words_of_the_tree
    def fetch(self, calendar: str, paths: Sequence[str]) -> list[Fetched]:
        """Return the events at `paths`, in that order; see Fetched for their statuses."""
        return reading.fetch(self._link, calendar, paths)

    @_in_the_words_of_the_tree
    def get(self, path: str) -> Fetched:
        """Return one event. Raises ItemMissing (404, 410) and ItemRefused (403)."""
        return reading.get(self._link, path)

    @_in_the_words_of_the_tree
    def create(self, path: str, body: bytes) -> str | None:
        """PUT with If-None-Match: *; returns the strong ETag, None if not told: GET it before anything else.

        Raises ItemChanged (412: the name exists, or it or the UID was used before, fact 5.7), UidConflict, ItemBusy,
        ItemRefused (403 with condition '' or 'need-privileges': read the rights again), ItemMissing (404: the
        calendar is gone, or the body was refused, fact 5.3), OutcomeUnknown, Throttled (429: not done), Unreachable
        (never sent).
        """
        return writing.create(self._link, path, body)

    @_in_the_words_of_the_tree
    def update(self, path: str, body: bytes, *, etag: str) -> str | None:
        """PUT with If-Match; raises as create() does, and ItemRefused for an ETag that is weak or empty."""
        return writing.update(self._link, path, body, etag=etag)

    @_in_the_words_of_the_tree
    def delete(self, path: str, *, etag: str) -> None:
        """DELETE with If-Match; raises as create() does. ItemMissing (404, 410) means that it is done already."""
        writing.delete(self._link, path, etag=etag)

    def close(self) -> None:
        """Close the connections. The client can be used again; it would connect anew."""
        self._session.close()
