"""When an event counts as gone (rule P6, fact 4.9)."""

from __future__ import annotations

from datetime import datetime, timedelta


def believed_from(*, written_at: datetime | None, vanished_at: datetime | None, settle: timedelta) -> datetime | None:
    """Return the time from which an absence may be proved; None when nothing speaks against now.

    iCloud's listings lag behind our own writes and behind moves on the phone, so an absence is looked into only
    `settle` after the later of the two.
    """
    marks = [mark + settle for mark in (written_at, vanished_at) if mark is not None]
    return max(marks, default=None)


def may_prove(*, now: datetime, written_at: datetime | None, vanished_at: datetime | None, settle: timedelta) -> bool:
    """Return whether an absence seen now counts, once the very href answers 404."""
    since = believed_from(written_at=written_at, vanished_at=vanished_at, settle=settle)
    return since is None or now >= since
