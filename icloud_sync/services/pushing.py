"""Send what is due to one account: the outbox, one event at a time (W1-W9)."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.utils import timezone

from icloud_sync.errors import ItemBusy, ItemError, ItemUnreadable, OutcomeUnknown, Unreachable
from icloud_sync.local import copies, outbox
from icloud_sync.models import SyncedEvent
from icloud_sync.rules.outcomes import backoff
from icloud_sync.services.replacing import take_along
from icloud_sync.services.run import Run, error_code, settle
from icloud_sync.sync.push import push
from icloud_sync.sync.sides import Superseded

log = structlog.get_logger(__name__)

# A PUT that answers 404 again and again is a body it dislikes, not a calendar that is away (fact 5.3).
TRIES_OF_MISSING = 4
# A body cut off on its way is read again; what stays unreadable stops.
TRIES_OF_UNREADABLE = 2
BATCH = 50


def push_due(run: Run) -> int:
    """Send everything that is due; return how many events were looked into.

    One event that cannot be written waits or stops alone. Errors of the account go up. A write whose outcome is not
    known ends the run: whatever broke it would break the next one too.
    """
    sent = 0
    while True:
        due = list(outbox.due(run.connection.pk, now=timezone.now()).values_list("pk", flat=True)[:BATCH])
        if not due:
            return sent
        take_along(run, due)
        for row_id in due:
            _one(run, row_id)
            sent += 1


def _one(run: Run, row_id: int) -> None:
    row = copies.read(row_id)
    copy = copies.copies([row], now=timezone.now(), settle=settle())[row_id]
    ours = run.appointments
    try:
        push(copy, ours=ours, theirs=run.side)
    except Superseded:
        # Changed by a person while we looked: the row is due in its new state.
        log.info("superseded", connection=run.connection.pk, row=row_id)
    except OutcomeUnknown as error:
        ours.postpone(copy, until=timezone.now(), reason=error_code(error))
        raise Unreachable(str(error), after_seconds=error.after_seconds) from error
    except ItemBusy as error:
        if error.status == 404 and row.attempts >= TRIES_OF_MISSING:
            ours.refused(copy, code="404", detail=str(error))
            return
        ours.postpone(copy, until=_later(row, error.after_seconds), reason=str(error.status or error_code(error)))
    except ItemUnreadable as error:
        if row.attempts >= TRIES_OF_UNREADABLE:
            ours.refused(copy, code="unreadable", detail=error.reason)
            return
        ours.postpone(copy, until=_later(row, None), reason="unreadable")
    except ItemError as error:
        ours.postpone(copy, until=_later(row, None), reason=error_code(error))
    log.info("pushed", connection=run.connection.pk, row=row_id)


def _later(row: SyncedEvent, asked: float | None) -> datetime:
    seconds = backoff(
        failures=row.attempts + 1,
        poll=settings.ICLOUD_POLL_SECONDS,
        longest=settings.ICLOUD_BACKOFF_MAX_SECONDS,
        asked=asked,
    )
    return timezone.now() + timedelta(seconds=seconds)
