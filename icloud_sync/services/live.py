"""The last-second check: one look at the hosts' accounts before a booking is confirmed (rule A5)."""

from __future__ import annotations

import time
import traceback
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import connection as database

from icloud_sync.errors import ICloudError, PasswordRejected, Throttled
from icloud_sync.local import leases
from icloud_sync.models import CalendarSettings, ConnectionStatus, ICloudConnection
from icloud_sync.services.pulling import look
from icloud_sync.services.run import ACTIVE, Run, broke_off, finish, open_run

log = structlog.get_logger(__name__)

# While another worker looks at the account, its result is waited for in steps of this many seconds.
STEP = 0.05
# Hosts are asked side by side, but not a whole company at once.
SIDE_BY_SIDE = 8


def check_hosts(host_ids: Sequence[int], *, now: datetime) -> bool:
    """Look at every account of these hosts whose data is too old; return whether all could be looked at.

    At most ICLOUD_BOOKING_CHECK_TIMEOUT_SECONDS in all, and one look for each account. A host without iCloud
    conflict calendars needs none; one whose account needs a password never is verified.
    """
    stale = _stale_connections(host_ids, now=now)
    if not stale:
        return True
    deadline = time.monotonic() + settings.ICLOUD_BOOKING_CHECK_TIMEOUT_SECONDS
    with ThreadPoolExecutor(max_workers=min(SIDE_BY_SIDE, len(stale))) as pool:
        return all(list(pool.map(lambda row: _check(row, since=now, deadline=deadline), stale)))


def all_fresh(host_ids: Sequence[int], *, now: datetime) -> bool:
    """Return whether what blocks these hosts was known well enough at `now`, or was looked at since then."""
    return not _stale_connections(host_ids, now=now)


def _stale_connections(host_ids: Sequence[int], *, now: datetime) -> list[ICloudConnection]:
    """Return the accounts that block these hosts and were not looked at within the freshness limit."""
    fresh = now - timedelta(seconds=settings.ICLOUD_BOOKING_FRESHNESS_SECONDS)
    blocking = ICloudConnection.objects.filter(user_id__in=list(host_ids), calendars__checks_conflicts=True)
    rows = blocking.exclude(status=ConnectionStatus.DISCONNECTED).distinct().order_by("pk")
    return [row for row in rows if row.data_as_of is None or row.data_as_of <= fresh or row.status not in ACTIVE]


def _check(row: ICloudConnection, *, since: datetime, deadline: float) -> bool:
    """Look at one account in a thread of its own; return whether its data is fresh afterwards."""
    try:
        if row.status not in ACTIVE or (row.not_before is not None and row.not_before > since):
            return False
        while time.monotonic() < deadline:
            run = open_run(row.pk, deadline=deadline)
            if run is not None:
                return _look(run)
            if _looked_since(row.pk, since):
                return True
            time.sleep(STEP)
    except ICloudError:
        return False
    finally:
        database.close()
    return False


def _look(run: Run) -> bool:
    """One look; a deadline that passes is no fault of iCloud, so only a full look is written down, and what is
    nobody's but ours: that must be seen, and keeps no client from booking."""
    try:
        look(run)
        run.client.close()
        finish(run, None, looked=True)
    except (ICloudError, leases.LeaseLost) as error:
        log.info("live_check_failed", connection=run.connection.pk, error=type(error).__name__)
        if isinstance(error, PasswordRejected | Throttled):
            finish(run, error, looked=False)
        run.close()
        return False
    except BaseException as raised:
        if broke_off(run, raised) is None:
            raise
        _log_defect(run, raised)
        return False
    return True


def _log_defect(run: Run, raised: BaseException) -> None:
    """Say what broke off and where; not with its own words, which may repeat what was read."""
    frame = traceback.extract_tb(raised.__traceback__)[-1]
    where = f"{frame.filename}:{frame.lineno} {frame.name}"
    log.error("live_check_broke_off", connection=run.connection.pk, error=type(raised).__name__, where=where)


def _looked_since(connection_id: int, since: datetime) -> bool:
    return ICloudConnection.objects.filter(pk=connection_id, data_as_of__gte=since).exists()


def horizon_of(host_ids: Sequence[int]) -> dict[int, datetime]:
    """Return how far ahead each host's blocks are known; hosts without iCloud are left out (rule P13)."""
    rows = ICloudConnection.objects.filter(
        user_id__in=list(host_ids), calendars__checks_conflicts=True, horizon__isnull=False
    ).exclude(status=ConnectionStatus.DISCONNECTED)
    found: dict[int, datetime] = {}
    for user_id, horizon in rows.values_list("user_id", "horizon").distinct():
        assert horizon is not None
        found[user_id] = min(horizon, found.get(user_id, horizon))
    return found


def shares_titles(user_id: int) -> bool:
    """Return whether a user shows the titles of private events to others (rule P15)."""
    return CalendarSettings.objects.filter(user_id=user_id, share_titles=True).exists()
