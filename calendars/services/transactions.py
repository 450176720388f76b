"""Transactions that wait for each other in one order, and begin again when the database broke a tie."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import OperationalError, connection, transaction
from psycopg import errors as postgres

P = ParamSpec("P")
R = TypeVar("R")

ATTEMPTS = 4
# Two kinds of advisory locks, in the order they are taken: the calendar's, then its hosts' by id (reliability S38).
CALENDAR, HOST = 1 << 48, 2 << 48  # 3 << 48 is taken by whoever writes a user's blocked slots, in migration 0002


def in_transaction(act: Callable[P, R]) -> Callable[P, R]:
    """Run a service in a transaction; after a deadlock or serialization failure again, a few times.

    Inside a transaction of the caller it runs once: only the caller can begin again.
    """

    @wraps(act)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        attempts = 1 if connection.in_atomic_block else ATTEMPTS
        for attempt in range(1, attempts + 1):
            try:
                with transaction.atomic():
                    return act(*args, **kwargs)
            except OperationalError as error:
                if attempt == attempts or not isinstance(
                    error.__cause__, (postgres.DeadlockDetected, postgres.SerializationFailure)
                ):
                    raise
        raise AssertionError("the last attempt returns or raises")

    return run


def lock_calendar(calendar_id: int) -> None:
    """Wait until no other transaction books, moves or cancels in this calendar; held until the transaction ends."""
    _lock([CALENDAR + calendar_id])


def lock_hosts(host_ids: Iterable[int | None]) -> None:
    """Wait for these hosts' time, in id order, so that two transactions never wait for each other."""
    keys = sorted({HOST + host for host in host_ids if host is not None})
    if keys:
        _lock(keys)


def _lock(keys: list[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "select pg_advisory_xact_lock(key) from (select unnest(%s::bigint[]) as key order by 1) as ordered", [keys]
        )
