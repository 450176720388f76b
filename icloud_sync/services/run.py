"""One run over one account: its lease, its client, its budget, and how it ends (rules T1, T3, C5)."""

from __future__ import annotations

import random
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F, Min, Q
from django.utils import timezone

from icloud_sync import signals
from icloud_sync.errors import BudgetSpent, ICloudError, PasswordRejected, Unforeseen
from icloud_sync.local import attention, journal, leases
from icloud_sync.local.appointments import Appointments
from icloud_sync.models import CalendarKind, ConnectionStatus, ICloudCalendar, ICloudConnection
from icloud_sync.remote.client import Client
from icloud_sync.remote.config import RemoteConfig
from icloud_sync.remote.side import ICloudSide
from icloud_sync.rules.outcomes import Outcome, Verdict, is_outage, outcome_of
from icloud_sync.services import credentials
from icloud_sync.sync.report import Report

log = structlog.get_logger(__name__)

RENEW_EVERY = timedelta(seconds=2)
MINUTE = timedelta(minutes=1)
# Nothing can be written down then, and it is no account's failure.
DATABASE_GONE = (OperationalError, InterfaceError)
ACTIVE = (ConnectionStatus.CONNECTED, ConnectionStatus.UNREACHABLE)


def remote_config(*, timeout: float | None = None) -> RemoteConfig:
    """Return the settings of the transport."""
    limit = settings.ICLOUD_REQUEST_TIMEOUT_SECONDS
    return RemoteConfig(
        url=settings.ICLOUD_CALDAV_URL,
        trusted_hosts=tuple(settings.ICLOUD_TRUSTED_HOSTS),
        request_timeout=limit if timeout is None else min(limit, timeout),
    )


def settle() -> timedelta:
    """Return how long a listing is not yet believed (ICLOUD_SETTLE_SECONDS)."""
    return timedelta(seconds=settings.ICLOUD_SETTLE_SECONDS)


def error_code(error: BaseException) -> str:
    """Return the snake_case name of an error, as rows and REST keep it."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(error).__name__).lower()


@dataclass
class Run:
    """Everything one run over one account needs. Make it with `open_run`, which claims the account."""

    connection: ICloudConnection
    lease: uuid.UUID
    client: Client
    report: Report
    started: datetime
    push_due: Callable[[], None] = field(default=lambda: None)
    unread: bool = False
    """A conflict calendar could not be read in this look."""

    @property
    def side(self) -> ICloudSide:
        return ICloudSide(
            self.client,
            zone=ZoneInfo(self.connection.user.timezone),
            clock=timezone.now,
            guard=self.guard,
            folders=self._folders,
        )

    def _folders(self) -> list[str]:
        rows = ICloudCalendar.objects.filter(connection=self.connection, gone_at__isnull=True)
        return list(rows.exclude(kind=CalendarKind.SUBSCRIBED).values_list("path", flat=True))

    @property
    def appointments(self) -> Appointments:
        return Appointments(self.report, settle=settle())

    def guard(self) -> None:
        """Raise LeaseLost when the account is not ours any more; holds its row until the transaction ends."""
        leases.renew(self.connection.pk, self.lease)

    def close(self) -> None:
        """Give the account back and write down what was used of its budget."""
        self.client.close()
        leases.release(self.connection.pk, self.lease)


def open_run(connection_id: int, *, when: Q | None = None, deadline: float | None = None) -> Run | None:
    """Claim an account and return a run over it, or None when somebody has it or it is not as `when` asks.

    Raises CredentialsUnreadable; the claim is given back then.
    """
    now = timezone.now()
    lease = leases.claim(connection_id, now=now, when=when)
    if lease is None:
        return None
    try:
        connection = ICloudConnection.objects.select_related("user").get(pk=connection_id)
        client = Client(
            remote_config(),
            apple_id=connection.apple_id,
            password=credentials.open_for(connection),
            budget=_Budget(connection, lease),
            deadline=deadline,
            home=connection.home,
        )
    except BaseException:
        leases.release(connection_id, lease)
        raise
    return Run(connection=connection, lease=lease, client=client, report=Report(), started=now)


class _Budget:
    """Called before every request: keeps the lease or ends the run, and counts against ICLOUD_REQUESTS_PER_MINUTE.

    The first request follows the claim at once, so an idle look pays nothing for the question whether it still holds.
    """

    def __init__(self, connection: ICloudConnection, lease: uuid.UUID) -> None:
        self.connection = connection
        self.lease = lease
        self.renewed = timezone.now()
        self.first = True

    def __call__(self) -> None:
        now = timezone.now()
        if now - self.renewed > RENEW_EVERY:
            leases.renew(self.connection.pk, self.lease)
            self.renewed = now
        elif not self.first:
            leases.check(self.connection.pk, self.lease)
        self.first = False
        allowed = settings.ICLOUD_REQUESTS_PER_MINUTE
        since = self.connection.budget_since
        if since is None or not since <= now < since + MINUTE:
            self.connection.budget_since, self.connection.budget_used = now, 0
            since = now
        if allowed and self.connection.budget_used >= allowed:
            raise BudgetSpent("requests per minute", after_seconds=(since + MINUTE - now).total_seconds())
        self.connection.budget_used += 1


def finish(run: Run, error: ICloudError | None, *, looked: bool) -> None:
    """Write down how a run ended: status, next look, budget. `looked`: the account was looked at in full."""
    now = timezone.now()
    with transaction.atomic():
        row = ICloudConnection.objects.select_for_update().get(pk=run.connection.pk)
        row.budget_since, row.budget_used = run.connection.budget_since, run.connection.budget_used
        if row.status == ConnectionStatus.DISCONNECTED:
            _clean_up_ended(row, error, now=now)
            row.save()
            return
        was = row.status
        if isinstance(error, BudgetSpent):
            row.next_sync_at = row.not_before = now + timedelta(seconds=error.after_seconds or 60)
        elif error is None:
            # Another calendar chosen meanwhile took the lease away: what it holds was not looked at.
            _succeeded(row, run, now=now, looked=looked and row.claim == run.lease)
        else:
            _failed(row, error, now=now)
        if row.claim == run.lease:
            row.claim = row.claimed_until = None
        _save(row, was=was)


def _clean_up_ended(row: ICloudConnection, error: ICloudError | None, *, now: datetime) -> None:
    """After disconnecting: wait after a failure as always, and give up once Apple has refused the password (C6, F3)."""
    if error is None or isinstance(error, BudgetSpent):
        row.not_before = None if error is None else now + timedelta(seconds=error.after_seconds or 60)
        return
    row.failures += 1
    outcome = _judged(row, error)
    row.doubted_at = (row.doubted_at or now) if isinstance(error, PasswordRejected) else None
    row.not_before = _after(outcome, now=now)
    if outcome.verdict is Verdict.NEEDS_PASSWORD:
        row.removal_until = now


def fail_without_run(connection_id: int, error: ICloudError) -> None:
    """Write down a failure that came before anything was sent."""
    with transaction.atomic():
        row = ICloudConnection.objects.select_for_update().get(pk=connection_id)
        was = row.status
        if was in ACTIVE:
            _failed(row, error, now=timezone.now())
            _save(row, was=was)


def broke_off(run: Run, raised: BaseException) -> Unforeseen | None:
    """Give the account back after something that is neither iCloud's fault nor a lost lease.

    What nobody foresaw counts as a failure of the account, and is returned: seen, and tried again after a pause. The
    end of the worker or of the database does not.
    """
    run.close()
    if not isinstance(raised, Exception) or isinstance(raised, DATABASE_GONE):
        return None
    error = Unforeseen(type(raised).__name__)
    fail_without_run(run.connection.pk, error)
    return error


def _save(row: ICloudConnection, *, was: str) -> None:
    """Save a connection, and tell whoever listens when its status became another one."""
    row.save()
    if row.status != was:
        event = "restored" if row.status == ConnectionStatus.CONNECTED else row.status
        signals.connection_changed.send(sender=None, connection_id=row.pk, event=event)


def _succeeded(row: ICloudConnection, run: Run, *, now: datetime, looked: bool) -> None:
    was = row.status
    if was in (ConnectionStatus.UNREACHABLE, ConnectionStatus.NEEDS_PASSWORD):
        row.status = ConnectionStatus.CONNECTED
        attention.resolve(row, attention.UNREACHABLE, attention.NEEDS_PASSWORD, now=now)
        journal.note(user_id=row.user_id, connection_id=row.pk, action="restored").save()
    row.failures, row.failing_since, row.doubted_at, row.not_before, row.error_code = 0, None, None, None, ""
    if not looked:
        row.next_sync_at = row.next_sync_at or now
        return
    row.last_synced_at = now
    if not run.unread:
        row.data_as_of = run.started
    row.horizon = run.connection.horizon
    row.next_sync_at = _next_look(row, now=now)


def _next_look(row: ICloudConnection, *, now: datetime) -> datetime:
    regular = now + timedelta(seconds=settings.ICLOUD_POLL_SECONDS)
    calendars = ICloudCalendar.objects.filter(connection=row)
    marks = calendars.aggregate(recheck=Min("recheck_at"), missing=Min("missing_since", filter=Q(gone_at__isnull=True)))
    wishes = [regular]
    if marks["recheck"]:
        wishes.append(marks["recheck"])
    if marks["missing"]:
        wishes.append(marks["missing"] + settle())
    return max(now, min(wishes))


def _failed(row: ICloudConnection, error: ICloudError, *, now: datetime) -> None:
    row.failures += 1
    row.failing_since = row.failing_since or now
    outcome = _judged(row, error)
    row.error_code = error_code(error)
    row.doubted_at = (row.doubted_at or now) if isinstance(error, PasswordRejected) else None
    row.next_sync_at = row.not_before = _after(outcome, now=now)
    log.warning("sync_failed", connection=row.pk, error=row.error_code, verdict=outcome.verdict.name)
    journal.note(user_id=row.user_id, connection_id=row.pk, action="sync_failed", code=row.error_code).save()
    if outcome.verdict is Verdict.NEEDS_PASSWORD:
        _mark(row, ConnectionStatus.NEEDS_PASSWORD, attention.NEEDS_PASSWORD, now=now)
    elif outcome.verdict is Verdict.UNREACHABLE and row.status == ConnectionStatus.CONNECTED:
        _mark(row, ConnectionStatus.UNREACHABLE, attention.UNREACHABLE, now=now)


def _judged(row: ICloudConnection, error: ICloudError) -> Outcome:
    return outcome_of(
        error,
        failures=row.failures,
        doubted=row.doubted_at is not None,
        outage=_outage_now(row),
        poll=settings.ICLOUD_POLL_SECONDS,
        longest=settings.ICLOUD_BACKOFF_MAX_SECONDS,
        confirm=settings.ICLOUD_PASSWORD_CONFIRM_SECONDS,
        jitter=random.uniform(0.9, 1.2),  # noqa: S311 - so that accounts do not come back in step
    )


def _after(outcome: Outcome, *, now: datetime) -> datetime | None:
    return None if outcome.retry_after is None else now + timedelta(seconds=outcome.retry_after)


def _mark(row: ICloudConnection, status: ConnectionStatus, code: str, *, now: datetime) -> None:
    row.status = status
    if status is ConnectionStatus.NEEDS_PASSWORD:
        attention.resolve(row, attention.UNREACHABLE, now=now)
    attention.about_connection(row, code, now=now, why=row.error_code)
    journal.note(user_id=row.user_id, connection_id=row.pk, action=code, code=row.error_code).save()


def _outage_now(row: ICloudConnection) -> bool:
    """Return whether so many accounts fail at once that Apple must be down (rule T3)."""
    active = ICloudConnection.objects.filter(status__in=ACTIVE).exclude(pk=row.pk)
    failing = active.filter(Q(failures__gte=1) & ~Q(failing_since=None)).count()
    return is_outage(failing=failing + 1, active=active.count() + 1)


def touch(connection_ids: set[int], *, now: datetime) -> None:
    """Have accounts looked at as soon as a worker is free, unless they are backing off."""
    rows = ICloudConnection.objects.filter(pk__in=connection_ids, status__in=ACTIVE)
    rows.filter(Q(not_before__isnull=True) | Q(not_before__lte=now)).update(next_sync_at=now)
    rows.filter(not_before__gt=now).update(next_sync_at=F("not_before"))
    signals.look_wanted.send(sender=None, connection_ids=connection_ids)
