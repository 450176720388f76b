"""What sync did and why, kept for people. No passwords; texts of events only where the owner alone reads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from icloud_sync.local.bulk import copy_in
from icloud_sync.models import ICloudCalendar, JournalEntry, SyncedEvent


def note(
    *,
    user_id: int,
    action: str,
    connection_id: int | None = None,
    calendar_id: int | None = None,
    session_id: int | None = None,
    path: str = "",
    uid: str = "",
    code: str = "",
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> JournalEntry:
    """Return an entry that is not saved yet: add it alone with save(), or many with bulk_create()."""
    return JournalEntry(
        user_id=user_id,
        connection_id=connection_id,
        calendar_id=calendar_id,
        session_id=session_id,
        action=action,
        path=path[:1000],
        uid=uid[:1000],
        code=code[:60],
        before=before,
        after=after,
    )


COLUMNS = (
    "at",
    "user_id",
    "connection_id",
    "calendar_id",
    "session_id",
    "action",
    "path",
    "uid",
    "code",
)


def add(entries: Sequence[JournalEntry]) -> None:
    """Save many entries that have no before and after."""
    if entries:
        copy_in(JournalEntry, COLUMNS, ([getattr(entry, name) for name in COLUMNS] for entry in entries))


def about_calendar(calendar: ICloudCalendar, action: str, **fields: Any) -> JournalEntry:
    """Return an unsaved entry about one of the user's iCloud calendars or an event in it."""
    return note(
        user_id=calendar.connection.user_id,
        connection_id=calendar.connection_id,
        calendar_id=calendar.pk,
        action=action,
        **fields,
    )


def about_copy(row: SyncedEvent, action: str, **fields: Any) -> None:
    """Add an entry about one of our events."""
    session_id = row.engagement.session_id if row.engagement else None
    about_calendar(row.calendar, action, session_id=session_id, path=row.path, uid=row.uid, **fields).save()
