"""What the client gives back. A path is always a percent-decoded path on the server, never a URL (fact 1.5)."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Account:
    """Whom the password opens.

    `principal` is a path and the identity of the account. `home` is an absolute URL: its path is the identity of the
    calendar home, its host only a hint that may change (fact 1.6). `addresses` are lower-case e-mail addresses and
    other calendar user addresses as iCloud writes them, plus the principal's path: whoever an ATTENDEE may name.
    """

    principal: str
    home: str
    addresses: frozenset[str]
    name: str


@dataclass(frozen=True, slots=True)
class RemoteCalendar:
    """One calendar of the home, as it is now.

    `kind` is own, shared (to the user) or subscribed (added by URL: never readable, rule K6). `writable` is
    writer's access (fact 3.6). `mark` changes when anything in the calendar does; compare it, do not read it, and
    never send it as a sync token. `token` is the sync token where the listing had to ask for it, else None.
    `color` is '#RRGGBB' or ''. `components` may be empty: the server did not say.
    """

    path: str
    name: str
    color: str
    order: int
    kind: str
    writable: bool
    mark: str
    token: str | None
    components: frozenset[str]


@dataclass(frozen=True, slots=True)
class Delta:
    """What changed in one calendar since a sync token.

    `changed` maps a path to its ETag, or to None when the server did not tell it: fetch it and see. `removed` are
    paths that answered 404 or 410; it may name paths nobody has ever seen. `token` is None when the server gave
    none that can be used next time: list the calendar in full. `complete` says that `changed` is the whole calendar
    (an initial listing that ended by itself). `empty` says that the calendar itself is named as changed, and nothing
    else (fact 4.3: when nothing changed it is not named).
    """

    changed: dict[str, str | None] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)
    token: str | None = None
    complete: bool = False
    empty: bool = False


@dataclass(frozen=True, slots=True)
class Fetched:
    """One event as the server has it.

    `status` is 200 (then `body` is there), 404 (gone), 0 (the answer did not mention it: not visible yet, fact 4.9),
    413 (larger than one answer may be), or any other HTTP status that this one event got. Only 404 is a proof.
    """

    path: str
    etag: str | None
    body: bytes | None
    status: int
