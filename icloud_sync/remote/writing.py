"""Conditional writes, one event at a time. Nothing here is tried twice: the engine looks first, then decides."""

from __future__ import annotations

from datetime import UTC, datetime

from ..errors import BadAnswer, ICloudError, ItemRefused, UntrustedHost
from . import etags, multistatus, statuses
from .connection import Answer
from .link import Link
from .paths import event_path

_WRITTEN = frozenset({201, 204})
_DELETED = frozenset({204})


def create(link: Link, path: str, body: bytes) -> str | None:
    """Write a new event; returns its strong ETag, None when the server did not tell one (fact 5.9)."""
    return _put(link, path, body, condition={"If-None-Match": "*"})


def update(link: Link, path: str, body: bytes, *, etag: str) -> str | None:
    """Write over the version that `etag` names; returns the new strong ETag, if told."""
    return _put(link, path, body, condition={"If-Match": _strong(etag)})


def delete(link: Link, path: str, *, etag: str) -> None:
    """Delete the version that `etag` names. Raises ItemMissing when it is gone already."""
    answer = link.delete(event_path(path, home=link.home), {"If-Match": _strong(etag)})
    if answer.status not in _DELETED and not _is_empty_success(answer):
        raise _error(link, answer)


def _put(link: Link, path: str, body: bytes, *, condition: dict[str, str]) -> str | None:
    answer = link.put(event_path(path, home=link.home), body, condition)
    if answer.status not in _WRITTEN and not _is_empty_success(answer):
        raise _error(link, answer)
    return etags.strong(answer.headers.get("ETag"))


def _strong(etag: str) -> str:
    """Return the ETag for If-Match; '*' and weak or empty ones are refused before anything is sent (fact 5.6, F31)."""
    found = etags.strong(etag) if etag != "*" else None
    if found is None:
        raise ItemRefused("no strong ETag to make the write conditional", condition="strong-etag-required")
    return found


def _is_empty_success(answer: Answer) -> bool:
    """Say whether a 200 is one: Radicale sends it with a multistatus, a captive portal with a page (reliability E2)."""
    if answer.status != 200:
        return False
    if not answer.body.strip():
        return True
    try:
        rows = multistatus.read(answer.body).rows
    except BadAnswer:
        return False
    return all(row.status == 0 or 200 <= row.status < 300 for row in rows)


def _error(link: Link, answer: Answer) -> ICloudError:
    condition, href = multistatus.condition(answer.body)
    return statuses.write_error(
        answer.status,
        retry_after=answer.headers.get("Retry-After"),
        now=datetime.now(UTC),
        condition=condition,
        conflict=_conflict_path(link, answer, href or answer.headers.get("Location")),
    )


def _conflict_path(link: Link, answer: Answer, href: str | None) -> str | None:
    """Return where the server says that the UID lives; an address elsewhere is no answer."""
    try:
        return link.path_of(href, answer) if href else None
    except (UntrustedHost, BadAnswer):
        return None
