"""What an HTTP status means for us: the one place where numbers become errors."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from ..errors import (
    AccessRefused,
    BadAnswer,
    CollectionMissing,
    ICloudError,
    ItemBusy,
    ItemChanged,
    ItemMissing,
    ItemRefused,
    OutcomeUnknown,
    ServerFault,
    Throttled,
    UidConflict,
    Unreachable,
)

LONGEST_WAIT = 31 * 86_400.0
GONE = frozenset({404, 410})
_ITEM_IS_BUSY = frozenset({409, 423, 425, 507})


def seconds_to_wait(header: str | None, *, now: datetime) -> float | None:
    """Return what a Retry-After header asks for, in seconds, at most 31 days; None when it makes no sense.

    Both forms are used (fact 8.2): seconds, and an HTTP date that is compared with `now`.

    >>> seconds_to_wait("120", now=datetime(2026, 1, 1, tzinfo=UTC))
    120.0
    """
    text = (header or "").strip()[:100]
    if re.fullmatch(r"[0-9]{1,100}(\.[0-9]{1,9})?", text):
        return min(float(text), LONGEST_WAIT)
    try:
        when = parsedate_to_datetime(text)
        wait = ((when if when.tzinfo else when.replace(tzinfo=UTC)) - now).total_seconds()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return min(wait, LONGEST_WAIT) if wait >= 0 else None


def read_error(status: int, *, retry_after: str | None, now: datetime, collection: bool) -> ICloudError:
    """Return what a failed PROPFIND, REPORT or GET means; 401 never comes here, the session has dealt with it.

    `collection` is False when the request named one event.
    """
    if status == 429 or (status == 503 and retry_after is not None):
        return Throttled(f"HTTP {status}", after_seconds=seconds_to_wait(retry_after, now=now))
    if status >= 500 or status == 425:
        return ServerFault(f"HTTP {status}")
    if status in {408, 421}:
        return Unreachable(f"HTTP {status}")
    if status in GONE:
        return CollectionMissing(f"HTTP {status}") if collection else ItemMissing(f"HTTP {status}")
    if status == 403:
        return AccessRefused("HTTP 403") if collection else ItemRefused("HTTP 403", status=403)
    return BadAnswer(f"HTTP {status}")


def write_error(
    status: int, *, retry_after: str | None, now: datetime, condition: str, conflict: str | None
) -> ICloudError:
    """Return what a failed PUT or DELETE means for this one event.

    `condition` is the precondition that the server named, without its namespace; `conflict` the path that it gave
    with no-uid-conflict. After 5xx the write may have been done, whatever the server says (reliability F17).
    """
    wait = seconds_to_wait(retry_after, now=now)
    if condition == "no-uid-conflict":
        return UidConflict(f"HTTP {status}, the UID exists", path=conflict)
    if status in _ITEM_IS_BUSY:
        return ItemBusy(f"HTTP {status}", status=status, after_seconds=wait)
    if status >= 500 or status in {408, 202} or 200 <= status < 300:
        return OutcomeUnknown(f"HTTP {status}", after_seconds=wait)
    if status == 429:
        return Throttled("HTTP 429", after_seconds=wait)
    if status == 421:
        return Unreachable("HTTP 421")
    if status in GONE:
        return ItemMissing(f"HTTP {status} {condition}".strip())
    if status == 412:
        return ItemChanged("HTTP 412")
    if status < 400:
        return BadAnswer(f"HTTP {status} to a write")
    return ItemRefused(f"HTTP {status} {condition}".strip(), status=status, condition=condition)
