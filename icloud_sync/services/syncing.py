"""Pull and push one account, and find which accounts are due. State is in rows: losing the queue loses nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

import structlog
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from icloud_sync.errors import BudgetSpent, CredentialsUnreadable, ICloudError
from icloud_sync.local import leases, outbox
from icloud_sync.models import (
    ConnectionStatus,
    EventState,
    ICloudConnection,
    RunState,
    SyncedEvent,
    SyncRun,
)
from icloud_sync.services import InvalidState, credentials
from icloud_sync.services.pulling import look
from icloud_sync.services.pushing import push_due
from icloud_sync.services.run import ACTIVE, Run, broke_off, error_code, fail_without_run, finish, open_run, touch

log = structlog.get_logger(__name__)

# A due account is handed to the queue again after this long, should the queue have lost it.
HAND_OUT_AGAIN = timedelta(seconds=10)
# So far the clocks of two machines may lie apart.
CLOCKS_DIFFER = timedelta(minutes=1)
APPLES_WISH = ("throttled", "budget_spent")


def due_for_pull(*, now: datetime) -> list[int]:
    """Hand out the accounts whose next look is due, each once for HAND_OUT_AGAIN."""
    # Looked at in the future: the clock was set back, and what it said then is worth nothing (reliability F48).
    set_back = Q(last_synced_at__gt=now + CLOCKS_DIFFER, next_sync_at__gt=now + HAND_OUT_AGAIN)
    due = ICloudConnection.objects.filter(leases.free(now=now), Q(next_sync_at__lte=now) | set_back, status__in=ACTIVE)
    ids = list(due.order_by("next_sync_at").values_list("pk", flat=True))
    return [pk for pk in ids if due.filter(pk=pk).update(next_sync_at=now + HAND_OUT_AGAIN)]


def due_for_push(*, now: datetime) -> list[int]:
    """Return the accounts that have something to send and may be talked to now."""
    states = [EventState.PENDING, EventState.WRITTEN, EventState.DELETING]
    rows = SyncedEvent.objects.filter(outbox.is_due(now=now), state__in=states)
    talkative = Q(calendar__connection__status__in=ACTIVE) | Q(
        calendar__connection__status=ConnectionStatus.DISCONNECTED,
        calendar__connection__removal_until__gt=now,
        state=EventState.DELETING,
    )
    free = leases.free(now=now, account="calendar__connection__")
    waiting = Q(calendar__connection__not_before__gt=now)
    found = rows.filter(talkative, free, outbox.sendable()).exclude(waiting)
    return list(found.values_list("calendar__connection_id", flat=True).distinct())


def pull(connection_id: int) -> None:
    """Look at one account and send what is due there. Harmless when run twice, late, or for an account that is gone."""
    run = _open(connection_id)
    if run is None:
        _look_when_free(connection_id)
        return
    if run.connection.status not in ACTIVE:
        run.close()
        return
    requested = _start_requested(run)
    error: ICloudError | None = None
    run.push_due = partial(_between_batches, run, requested)
    try:
        push_due(run)
        look(run)
        if run.report.counts:
            push_due(run)
    except ICloudError as raised:
        error = raised
    except leases.LeaseLost:
        log.info("lease_lost", connection=connection_id)
        run.close()
        return
    except BaseException as raised:
        unforeseen = broke_off(run, raised)
        if unforeseen is not None:
            _end_requested(run, requested, unforeseen)
        raise
    run.client.close()
    _end_requested(run, requested, error)
    finish(run, error, looked=error is None)
    _again_if_due(run, error)


def push(connection_id: int) -> None:
    """Send what is due to one account, also to one being disconnected (rule C6)."""
    run = _open(connection_id)
    if run is None:
        return
    error: ICloudError | None = None
    try:
        push_due(run)
    except ICloudError as raised:
        error = raised
    except leases.LeaseLost:
        run.close()
        return
    except BaseException as raised:
        broke_off(run, raised)
        raise
    run.client.close()
    finish(run, error, looked=False)
    if run.connection.status == ConnectionStatus.DISCONNECTED:
        _end_removal(run, error)
    run.close()
    _again_if_due(run, error)


def request_sync(*, connection_id: int, now: datetime) -> SyncRun:
    """Queue a look at an account and return the run that reports on it. Raises InvalidState."""
    connection = ICloudConnection.objects.get(pk=connection_id)
    if connection.status not in ACTIVE:
        values = {"apple_id": connection.apple_id, "status": connection.get_status_display()}
        raise InvalidState(_("%(apple_id)s cannot be synced now. Status: %(status)s.") % values)
    waiting = SyncRun.objects.filter(connection=connection, state=RunState.QUEUED).first()
    run = waiting or SyncRun.objects.create(connection=connection, created_at=now)
    # A person may cut our own back-off short, never Apple's wish or the wait between two refusals (C5, F14).
    if connection.doubted_at is None and connection.error_code not in APPLES_WISH:
        ICloudConnection.objects.filter(pk=connection_id).update(not_before=None)
    touch({connection_id}, now=now)
    return run


def _open(connection_id: int) -> Run | None:
    """Claim an account that may be talked to; an unreadable password ends it like a rejected one."""
    try:
        return open_run(connection_id, when=_may_be_talked_to(now=timezone.now()))
    except CredentialsUnreadable as error:
        # Nothing is sent with a password that cannot be opened (reliability F55).
        fail_without_run(connection_id, error)
        return None


def _look_when_free(connection_id: int) -> None:
    """A push is under way: the look is due as soon as it is over, and not only when it would be handed out again."""
    now = timezone.now()
    held = ICloudConnection.objects.exclude(leases.free(now=now)).filter(pk=connection_id, status__in=ACTIVE)
    held.filter(_may_be_talked_to(now=now), next_sync_at__gt=now).update(next_sync_at=now)


def _may_be_talked_to(*, now: datetime) -> Q:
    """Return the condition of an account that waits for nothing and is connected, or is still being cleaned up (C6)."""
    cleaned_up = Q(status=ConnectionStatus.DISCONNECTED, removal_until__gt=now)
    return (Q(not_before__isnull=True) | Q(not_before__lte=now)) & (Q(status__in=ACTIVE) | cleaned_up)


def _start_requested(run: Run) -> list[int]:
    queued = SyncRun.objects.filter(connection=run.connection, state__in=[RunState.QUEUED, RunState.RUNNING])
    ids = list(queued.values_list("pk", flat=True))
    SyncRun.objects.filter(pk__in=ids).update(state=RunState.RUNNING, started_at=run.started)
    return ids


def _between_batches(run: Run, requested: list[int]) -> None:
    _progress(run, requested)
    push_due(run)


def _progress(run: Run, requested: Sequence[int]) -> None:
    SyncRun.objects.filter(pk__in=requested).update(
        done=run.report.done, total=run.report.total, counts=run.report.as_dict()
    )


def _end_requested(run: Run, requested: Sequence[int], error: ICloudError | None) -> None:
    if isinstance(error, BudgetSpent):
        # It goes on with the next minute's budget; whoever waits sees how far it is.
        _progress(run, requested)
        return
    state = RunState.DONE if error is None else RunState.FAILED
    SyncRun.objects.filter(pk__in=requested).update(
        state=state,
        done=run.report.done,
        total=run.report.total,
        counts=run.report.as_dict(),
        error="" if error is None else error_code(error),
        finished_at=timezone.now(),
    )


def _again_if_due(run: Run, error: ICloudError | None) -> None:
    """A row that became due while the account was held would otherwise wait for the next tick."""
    if error is None and outbox.due(run.connection.pk, now=timezone.now()).exists():
        push(run.connection.pk)


def _end_removal(run: Run, error: ICloudError | None) -> None:
    """The password is erased as soon as nothing is left to remove, or Apple does not take it any more (rule C6)."""
    left = SyncedEvent.objects.filter(
        calendar__connection=run.connection, state=EventState.DELETING, due_at__isnull=False
    )
    over = ICloudConnection.objects.filter(pk=run.connection.pk, removal_until__lte=timezone.now())
    if over.exists() or (error is None and not left.exists()):
        end_removal(run.connection)


def end_removal(connection: ICloudConnection) -> None:
    """Erase what the clean-up after disconnecting needed."""
    credentials.erase(connection)
    ICloudConnection.objects.filter(pk=connection.pk).update(removal_until=None)
