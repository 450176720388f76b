"""One sync at a time for each account (rule T1): a lease in the connection's row.

A killed worker's lease runs out by itself; whoever comes next starts from what was committed. Each commit of a run
renews the lease and fails when it was lost, so two runs never write side by side. Two users may have connected the same
Apple account: a constraint lets only one of its connections be claimed.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from icloud_sync.models import ICloudConnection

# Longer than one request may take, shorter than the minute a killed worker may hold anything up.
LEASE = timedelta(seconds=50)


class LeaseLost(Exception):
    """Another worker took the account over, or it was disconnected: stop before the next request."""


def free(*, now: datetime, account: str = "") -> Q:
    """Return the condition of an account that nobody holds; `account` is the look-up path to it, with its `__`.

    A lease that ends later than any can was given before the clock was set back (reliability F48): it counts no more.
    """
    until = f"{account}claimed_until"
    over = Q(**{f"{until}__lt": now}) | Q(**{f"{until}__gt": now + 2 * LEASE})
    return Q(**{f"{until}__isnull": True}) | over


def claim(connection_id: int, *, now: datetime, when: Q | None = None) -> uuid.UUID | None:
    """Take the account for this process, or return None when somebody has it or it is not as `when` asks."""
    token = uuid.uuid4()
    rows = ICloudConnection.objects.filter(free(now=now), when or Q(), pk=connection_id)
    try:
        with transaction.atomic():
            taken = rows.update(claimed_until=now + LEASE, claim=token)
    except IntegrityError:
        return claim(connection_id, now=now, when=when) if _end_expired(connection_id, now=now) else None
    return token if taken else None


def _end_expired(connection_id: int, *, now: datetime) -> int:
    """End what a killed worker left of its claim on another connection of the same Apple account; return how many."""
    principal = ICloudConnection.objects.filter(pk=connection_id).values("principal")
    others = ICloudConnection.objects.filter(free(now=now), principal__in=principal, claim__isnull=False)
    return others.exclude(pk=connection_id).update(claimed_until=None, claim=None)


def renew(connection_id: int, token: uuid.UUID) -> None:
    """Keep the account for another lease. Raises LeaseLost when it is not ours any more."""
    held = ICloudConnection.objects.filter(pk=connection_id, claim=token)
    if not held.update(claimed_until=timezone.now() + LEASE):
        raise LeaseLost(connection_id)


def check(connection_id: int, token: uuid.UUID) -> None:
    """Raise LeaseLost when the account is not ours any more: disconnected, say, by its owner (reliability F50)."""
    if not ICloudConnection.objects.filter(pk=connection_id, claim=token).exists():
        raise LeaseLost(connection_id)


def revoke(connection_ids: Iterable[int]) -> None:
    """Stop the runs over these accounts at their next commit: what they rest on was just changed by a person."""
    ICloudConnection.objects.filter(pk__in=list(connection_ids)).update(claimed_until=None, claim=None)


def release(connection_id: int, token: uuid.UUID) -> None:
    """Give the account back; harmless when it was lost already."""
    ICloudConnection.objects.filter(pk=connection_id, claim=token).update(claimed_until=None, claim=None)
