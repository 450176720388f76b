"""What is in a calendar, what changed, and the events themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeGuard

from ..errors import BadAnswer, CollectionMissing, ItemMissing, Throttled, TokenLost
from . import bodies, etags
from .connection import Answer
from .link import MULTISTATUS_STATUSES, Link
from .multistatus import Row, text_of
from .paths import last_segment, on_the_wire
from .statuses import GONE
from .translate import AnswerTooLarge
from .values import Delta, Fetched

_TOKEN_LOST = frozenset({400, 403, 409, 410, 412})
_ASK_FOR_LESS = frozenset({400, 413, 507})
_CLEAR = frozenset({200, 404})
_MOST_PAGES = 1_000
_MOST_SINGLE_GETS = 5
"""For each batch: one odd event is asked for by itself; a batch of them is the server's trouble, not theirs."""


def changes(link: Link, calendar: str, *, token: str | None) -> Delta:
    """Return what changed since `token`; without one, everything there is.

    Pages are followed while the server cuts its answer short (RFC 6578 §3.6). When a page brings no new token the
    loop ends, and so does the use of the token: the delta then has none. Raises TokenLost for every refusal that may
    mean that (fact 4.6), also in the middle of the pages.
    """
    changed: dict[str, str | None] = {}
    removed: set[str] = set()
    asked = token or ""
    named = False
    for _ in range(_MOST_PAGES):
        answer = _sync_report(link, calendar, asked)
        result = link.read(answer)
        named |= bool(result.rows)
        more = _merge(link, answer, result.rows, changed=changed, removed=removed) or answer.status == 507
        if not more:
            empty = named and not changed and not removed
            return Delta(changed, removed, result.token, complete=not token, empty=empty)
        if not result.token or result.token == asked:
            break
        asked = result.token
    return Delta(changed, removed, None, complete=False)


def listing(link: Link, calendar: str) -> dict[str, str]:
    """Return path -> ETag of every event, '' where the server gave none. Raises BadAnswer unless it is complete.

    This is what proves an absence (rule P6), so it must at least list something: the collection is its own member.
    """
    answer = link.propfind(calendar, bodies.LIST_MEMBERS, depth=1)
    rows = link.rows(answer).rows
    if not rows:
        raise BadAnswer("a listing without a single entry, not even the calendar itself")
    found: dict[str, str] = {}
    for row in rows:
        path = link.path_of(row.href, answer)
        if row.status == 507:
            raise BadAnswer("a listing that was cut short")
        if not _is_member(path, answer):
            continue
        if row.status in GONE:
            found.pop(path, None)
        else:
            found[path] = etags.normal(text_of(row.props.get(bodies.ETAG))) or ""
    return found


def fetch(link: Link, calendar: str, paths: Sequence[str]) -> list[Fetched]:
    """Return the events at `paths`, in that order, by multiget.

    A batch that is too much for the server or for us is halved, down to a single GET.
    """
    unique = list(dict.fromkeys(paths))
    found: dict[str, Fetched] = {}
    size = max(1, link.config.multiget_size)
    batches = [unique[start : start + size] for start in range(0, len(unique), size)][::-1]
    while batches:
        batch = batches.pop()
        answer = _multiget(link, calendar, batch)
        if answer is not None:
            found.update(_matched(link, answer, batch))
        elif len(batch) == 1:
            found[batch[0]] = get_any(link, batch[0])
        else:
            middle = len(batch) // 2
            batches += [batch[middle:], batch[:middle]]
    return [found[path] for path in paths]


def get(link: Link, path: str) -> Fetched:
    """Return one event, status 200. Raises ItemMissing for 404 and 410: that is proof that it is gone."""
    answer = link.get(path)
    if answer.status != 200:
        raise link.read_error(answer, collection=False)
    return _fetched(path, answer)


def get_any(link: Link, path: str) -> Fetched:
    """Return one event or the status it got; raises only for what concerns more than this event."""
    try:
        answer = link.get(path)
    except AnswerTooLarge:
        return Fetched(path, None, None, 413)
    if answer.status == 200:
        return _fetched(path, answer)
    error = link.read_error(answer, collection=False)
    if isinstance(error, Throttled):
        raise error
    return Fetched(path, None, None, 404 if isinstance(error, ItemMissing) else answer.status)


def _sync_report(link: Link, calendar: str, token: str) -> Answer:
    try:
        body = bodies.sync_collection(token)
    except ValueError:
        raise TokenLost("the token cannot be sent") from None
    answer = link.report(calendar, body, depth=0)
    if answer.status in _TOKEN_LOST:
        raise TokenLost(f"HTTP {answer.status}")
    if answer.status not in MULTISTATUS_STATUSES and (answer.status != 507 or not answer.body):
        raise link.read_error(answer, collection=True)
    return answer


def _merge(link: Link, answer: Answer, rows: list[Row], *, changed: dict[str, str | None], removed: set[str]) -> bool:
    """Take over one page; what comes later wins (fact 4.10). Returns whether the server has more (a 507)."""
    more = False
    for row in rows:
        path = link.path_of(row.href, answer)
        if row.status == 507:
            more = True
        elif not _is_member(path, answer):
            continue
        elif row.status in GONE:
            changed.pop(path, None)
            removed.add(path)
        else:
            removed.discard(path)
            changed[path] = etags.normal(text_of(row.props.get(bodies.ETAG)))
    return more


def _is_member(path: str | None, answer: Answer) -> TypeGuard[str]:
    """Say whether a path is an event of the calendar that answered: the collection lists itself (fact 4.3)."""
    return path is not None and not path.endswith("/") and path != answer.location.path.rstrip("/")


def _multiget(link: Link, calendar: str, batch: list[str]) -> Answer | None:
    """Return the answer to one batch; None when less should be asked for."""
    try:
        answer = link.report(calendar, bodies.multiget(map(on_the_wire, batch)), depth=None)
    except AnswerTooLarge:
        return None
    if answer.status in _ASK_FOR_LESS:
        return None
    if answer.status in GONE:
        raise CollectionMissing(f"HTTP {answer.status}")
    return answer


@dataclass(slots=True)
class _Matching:
    """Which row answers which path: by path, else by the last segment where that is unambiguous (fact 4.19)."""

    by_path: dict[str, Row] = field(default_factory=dict)
    strays: list[tuple[str, Row]] = field(default_factory=list)

    def add(self, path: str, row: Row, *, wanted: set[str]) -> None:
        if path in wanted:
            self.by_path[path] = row
        elif not path.endswith("/"):
            self.strays.append((last_segment(path), row))

    def settle(self, batch: list[str]) -> bool:
        """Give the strays to those still without an answer; returns whether some stray found no taker."""
        open_paths: dict[str, list[str]] = {}
        for path in batch:
            if path not in self.by_path:
                open_paths.setdefault(last_segment(path), []).append(path)
        lost = False
        for name, row in self.strays:
            takers = open_paths.get(name, [])
            if len(takers) == 1:
                self.by_path[takers[0]] = row
            else:
                lost = True
        return lost


def _matched(link: Link, answer: Answer, batch: list[str]) -> dict[str, Fetched]:
    matching, wanted = _Matching(), set(batch)
    for answered in link.rows(answer).rows:
        if path := link.path_of(answered.href, answer):
            matching.add(path, answered, wanted=wanted)
    unclear = matching.settle(batch)
    found: dict[str, Fetched] = {}
    singles = 0
    for path in batch:
        row = matching.by_path.get(path)
        event = _from_row(path, row)
        if event.status not in _CLEAR and (row is not None or unclear) and singles < _MOST_SINGLE_GETS:
            singles += 1
            event = get_any(link, path)
        found[path] = event
    return found


def _from_row(path: str, row: Row | None) -> Fetched:
    if row is None:
        return Fetched(path, None, None, 0)
    data = row.props.get(bodies.CALENDAR_DATA)
    text = data.text if data is not None else None
    if text and not text.isspace():
        return Fetched(path, etags.normal(text_of(row.props.get(bodies.ETAG))), text.encode("utf-8"), 200)
    if row.status in GONE:
        return Fetched(path, None, None, 404)
    return Fetched(path, None, None, row.status if row.status >= 300 else 500)


def _fetched(path: str, answer: Answer) -> Fetched:
    declared = answer.headers.get_content_type() == "text/calendar"
    if not declared and answer.body.lstrip()[:1] in {b"<", b""}:
        raise BadAnswer("a page of HTML, or nothing, in place of an event")
    return Fetched(path, etags.normal(answer.headers.get("ETag")), answer.body, 200)
