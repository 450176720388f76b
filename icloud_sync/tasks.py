"""When: beat finds what is due in rows and hands out ids; a worker takes one account.

No task retries itself: services write when to try again, and beat looks there. What is left to do therefore survives
the loss of the queue.
"""

from __future__ import annotations

from celery import shared_task
from django.db import transaction
from django.utils import timezone

from icloud_sync.services import connecting, rolling, syncing

# A nudge that lay in the queue this long is worthless: beat has found the row again meanwhile.
NUDGE_EXPIRES = 30


@shared_task(ignore_result=True)
def pull_due() -> None:
    """Hand out the accounts whose next look is due."""
    for connection_id in syncing.due_for_pull(now=timezone.now()):
        pull_connection.apply_async((connection_id,), expires=NUDGE_EXPIRES)


@shared_task(ignore_result=True)
def push_due() -> None:
    """Hand out the accounts that have something to send."""
    for connection_id in syncing.due_for_push(now=timezone.now()):
        push_connection.apply_async((connection_id,), expires=NUDGE_EXPIRES)


@shared_task(ignore_result=True)
def pull_connection(connection_id: int) -> None:
    """Look at one account. Harmless when run twice, late, or for an account that is gone."""
    syncing.pull(connection_id)


@shared_task(ignore_result=True)
def push_connection(connection_id: int) -> None:
    """Send what is due to one account. Harmless when run twice, late, or for an account that is gone."""
    syncing.push(connection_id)


@shared_task(ignore_result=True)
def roll_windows() -> None:
    """Expand series further as time goes by (rule P13)."""
    rolling.roll_windows(now=timezone.now())


@shared_task(ignore_result=True)
def clean_up() -> None:
    """Forget old records, and passwords whose clean-up took too long (rule C6)."""
    now = timezone.now()
    connecting.clean_up_removals(now=now)
    rolling.clean_up(now=now)


def push_soon(connection_ids: set[int]) -> None:
    """Ask for pushes once the current transaction is committed.

    Only a nudge: when the queue is down, Django logs it and the page goes on; beat finds the rows.
    """

    def nudge() -> None:
        for connection_id in sorted(connection_ids):
            push_connection.apply_async((connection_id,), expires=NUDGE_EXPIRES)

    transaction.on_commit(nudge, robust=True)


def roll_soon() -> None:
    """Ask for longer windows once the current transaction is committed; only a nudge, as push_soon."""

    def nudge() -> None:
        roll_windows.apply_async(expires=NUDGE_EXPIRES)

    transaction.on_commit(nudge, robust=True)


def sync_soon(connection_id: int) -> None:
    """Ask for a look at an account once the current transaction is committed; only a nudge, as push_soon."""

    def nudge() -> None:
        pull_connection.apply_async((connection_id,), expires=NUDGE_EXPIRES)

    transaction.on_commit(nudge, robust=True)
