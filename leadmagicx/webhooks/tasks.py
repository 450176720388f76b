"""When webhooks are delivered. Rows say what is due; a lost queue loses no delivery."""

from __future__ import annotations

import time

from celery import shared_task
from django.db import transaction
from django.utils import timezone

from leadmagicx.webhooks import services

# How long one task may go on with one webhook before other work gets its turn.
TURN_SECONDS = 15.0


@shared_task(ignore_result=True)
def deliver_due() -> None:
    """Find webhooks with something to deliver and hand out their ids."""
    for webhook_id in services.due_webhook_ids(now=timezone.now()):
        deliver.apply_async((webhook_id,), expires=30)


@shared_task(ignore_result=True, soft_time_limit=40, time_limit=50)
def deliver(webhook_id: int) -> None:
    """Deliver what is due to one webhook, one after the other. Harmless when run twice, late, or for a deleted one."""
    if not services.claim(webhook_id=webhook_id, now=timezone.now()):
        return
    until = time.monotonic() + TURN_SECONDS
    turn = services.Turn.ANSWERED
    try:
        while turn is services.Turn.ANSWERED and time.monotonic() < until:
            turn = services.deliver_next(webhook_id=webhook_id, now=timezone.now())
    finally:
        services.release(webhook_id=webhook_id, turn=turn, now=timezone.now())


@shared_task(ignore_result=True)
def forget_old() -> None:
    """Delete finished deliveries that are older than a month."""
    services.forget_old(now=timezone.now())


def deliver_soon(webhook_id: int) -> None:
    """Ask for a delivery once the current transaction is in the database; only a nudge, beat finds the row anyway."""

    def nudge() -> None:
        deliver.apply_async((webhook_id,), expires=30)

    transaction.on_commit(nudge, robust=True)
