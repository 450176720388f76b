"""Before events are replaced by others of the same account: read once more what their user added (rules W5, K8)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import structlog
from django.utils import timezone

from icloud_sync.errors import (
    AccessRefused,
    BudgetSpent,
    CollectionMissing,
    ItemUnreadable,
    Throttled,
    TryLater,
)
from icloud_sync.local import copies, outbox
from icloud_sync.models import SyncedEvent
from icloud_sync.remote.values import Fetched
from icloud_sync.services.run import Run, settle

log = structlog.get_logger(__name__)

# Appointments must not wait for alarms for ever: after so many failed runs in a row they are written without.
PATIENCE = 3
# About this one calendar, and true of it in the next run as well.
NOT_READABLE = (AccessRefused, CollectionMissing)
# Said by whoever counts our requests; the next request would hear the same.
NOT_NOW = (BudgetSpent, Throttled)


def take_along(run: Run, ids: Iterable[int]) -> None:
    """Of the rows about to be pushed, note what users added to events that others replace; one request for each
    calendar they stand in, none when nothing is replaced.

    What cannot be read is not taken along, and its new event written from scratch. Raises what concerns the account.
    """
    rows = outbox.about_to_be_replaced(ids)
    if not rows:
        return
    known = copies.copies(rows, now=timezone.now(), settle=settle())
    by_folder = defaultdict[str, list[SyncedEvent]](list)
    for row in rows:
        by_folder[row.calendar.path].append(row)
    texts = {event.path: event for folder, inside in by_folder.items() for event in _read(run, folder, inside)}
    for row in rows:
        event = texts.get(row.path)
        if event is None or event.body is None:
            continue
        copy = known[row.pk]
        try:
            seen = run.side.read(copy, path=event.path, etag=event.etag, body=event.body)
            if seen.uid == copy.uid:
                run.appointments.hand_on(copy, run.side.additions(copy, seen))
        except ItemUnreadable as error:
            log.info("nothing_taken_along", row=row.pk, reason=error.reason)


def _read(run: Run, folder: str, rows: Sequence[SyncedEvent]) -> list[Fetched]:
    try:
        return run.client.fetch(folder, [row.path for row in rows])
    except NOT_READABLE as error:
        log.info("nothing_taken_along", connection=run.connection.pk, reason=type(error).__name__)
        return []
    except TryLater as error:
        if isinstance(error, NOT_NOW) or run.connection.failures < PATIENCE:
            raise
        log.info("nothing_taken_along", connection=run.connection.pk, reason=type(error).__name__)
        return []
