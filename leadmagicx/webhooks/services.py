"""What is done with webhooks: note what happened, deliver it, try again, forget it."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from django.conf import settings
from django.db.models import F, Q, QuerySet

from icloud_sync.fields import DecryptionError
from leadmagicx.webhooks.events import hearers
from leadmagicx.webhooks.models import Delivery, Webhook
from leadmagicx.webhooks.sending import DEADLINE_SECONDS, SendingFailed, send, signature

logger = logging.getLogger(__name__)

# A worker that dies holds its webhook up for this long: longer than one exchange with a slow name server.
LEASE = timedelta(seconds=DEADLINE_SECONDS * 3)
MAX_ATTEMPTS = 12
LONGEST_BACKOFF = timedelta(hours=6)
LONGEST_REST = timedelta(seconds=30)
KEPT = timedelta(days=30)


class Turn(Enum):
    """How one try ended, seen from the worker that made it."""

    ANSWERED = "go on with the next one"
    NO_ANSWER = "let the receiver rest"
    NOTHING_DUE = "done"


def record(*, event: str, data: dict[str, Any], now: datetime) -> list[Delivery]:
    """Note one event for every webhook that wants it and may hear of it, and return the deliveries.

    Staff hear of everything, others of what concerns them (events.hearers). To be called inside the transaction that
    made the change: then the deliveries are committed with it or not at all.
    """
    wanted = Webhook.objects.filter(
        Q(user__in=hearers(event, data)) | Q(user__is_staff=True),
        active=True,
        user__is_active=True,
        events__contains=[event],
    )
    ids = wanted.values_list("pk", flat=True)
    return Delivery.objects.bulk_create(
        Delivery(webhook_id=webhook_id, event=event, payload=data, next_try_at=now) for webhook_id in ids
    )


def correct(deliveries: Collection[Delivery], *, data: dict[str, Any]) -> None:
    """Give deliveries that nobody has tried yet what the rest of their transaction made of the object."""
    Delivery.objects.filter(pk__in=[delivery.pk for delivery in deliveries], attempts=0).update(payload=data)


def anybody_listens(event: str) -> bool:
    """Whether a webhook wants the event at all, so that nothing is rendered for nobody."""
    return Webhook.objects.filter(active=True, events__contains=[event]).exists()


def due_webhook_ids(*, now: datetime, limit: int = 100) -> list[int]:
    """Return the webhooks with something to deliver that no worker is busy with."""
    due = _due(now).filter(_free("webhook__", now)).order_by().values_list("webhook_id", flat=True).distinct()
    return list(due[:limit])


def claim(*, webhook_id: int, now: datetime) -> bool:
    """Take a webhook for this worker; False when another one has it."""
    free = Webhook.objects.filter(_free("", now), pk=webhook_id, active=True)
    return free.update(busy_until=now + LEASE) == 1


def release(*, webhook_id: int, turn: Turn, now: datetime) -> None:
    """Give a claimed webhook back; one that did not answer is left alone for a back-off, so it keeps no worker busy."""
    until = now + min(backoff(1), LONGEST_REST) if turn is Turn.NO_ANSWER else None
    Webhook.objects.filter(pk=webhook_id).update(busy_until=until)


def deliver_next(*, webhook_id: int, now: datetime) -> Turn:
    """Try the oldest due delivery of a claimed webhook once.

    The attempt is counted before it is made, so a delivery that kills its worker is given up some day too.
    """
    due = _due(now).filter(webhook_id=webhook_id).order_by("created_at", "pk")
    # Reading a secret that no key opens raises, so it is read where that is expected.
    delivery = due.select_related("webhook__user").defer("webhook__secret").first()
    if delivery is None:
        return Turn.NOTHING_DUE
    if not _may_hear(delivery):
        Delivery.objects.filter(pk=delivery.pk).update(next_try_at=None, status_code=None, error="not_allowed")
        return Turn.ANSWERED
    mine = Delivery.objects.filter(pk=delivery.pk, attempts=delivery.attempts, delivered_at=None)
    if mine.update(attempts=F("attempts") + 1, next_try_at=now + LEASE) != 1:
        return Turn.ANSWERED  # somebody else has it
    Webhook.objects.filter(pk=webhook_id).update(busy_until=now + LEASE)
    delivery.attempts += 1
    status, reason = _attempt(delivery, now)
    _note(delivery, status=status, reason=reason, now=now)
    return Turn.NO_ANSWER if status is None else Turn.ANSWERED


def body_of(delivery: Delivery) -> bytes:
    """Return the bytes that are sent and signed; the same for every try."""
    content = {
        "id": str(delivery.pk),
        "event": delivery.event,
        "created_at": delivery.created_at.isoformat(),
        "data": delivery.payload,
    }
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def backoff(attempts: int) -> timedelta:
    """Return how long to wait after so many failed attempts: WEBHOOK_BACKOFF_SECONDS, then twice that, and so on."""
    seconds = settings.WEBHOOK_BACKOFF_SECONDS * 2.0 ** (attempts - 1)
    return min(timedelta(seconds=seconds), LONGEST_BACKOFF)


def forget_old(*, now: datetime) -> int:
    """Delete finished deliveries after a month: they hold names and e-mail addresses of clients."""
    finished = Delivery.objects.filter(next_try_at=None, created_at__lt=now - KEPT)
    return finished.delete()[0]


def _due(now: datetime) -> QuerySet[Delivery]:
    return Delivery.objects.filter(next_try_at__lte=now, webhook__active=True)


def _free(prefix: str, now: datetime) -> Q:
    return Q(**{f"{prefix}busy_until__isnull": True}) | Q(**{f"{prefix}busy_until__lt": now})


def _may_hear(delivery: Delivery) -> bool:
    """Return whether its webhook's owner may still hear of it: who was staff when it happened may be no more."""
    user = delivery.webhook.user
    return user.is_active and (user.is_staff or user.pk in hearers(delivery.event, delivery.payload))


def _attempt(delivery: Delivery, now: datetime) -> tuple[int | None, str]:
    body = body_of(delivery)
    try:
        signed = signature(secret=delivery.webhook.secret.reveal(), body=body, at=int(now.timestamp()))
        status = send(
            url=delivery.webhook.url,
            body=body,
            headers={
                "Content-Type": "application/json",
                "User-Agent": "LeadMagicX-Webhooks/1",
                "X-LeadMagicX-Event": delivery.event,
                "X-LeadMagicX-Delivery": str(delivery.pk),
                "X-LeadMagicX-Signature": signed,
            },
            allow_private=settings.WEBHOOK_ALLOW_PRIVATE_HOSTS,
        )
    except SendingFailed as error:
        return None, error.reason
    except DecryptionError:
        return None, "secret_unreadable"
    return status, ""


def _note(delivery: Delivery, *, status: int | None, reason: str, now: datetime) -> None:
    delivered = status is not None and 200 <= status < 300
    again = None if delivered or delivery.attempts >= MAX_ATTEMPTS else now + backoff(delivery.attempts)
    Delivery.objects.filter(pk=delivery.pk, attempts=delivery.attempts).update(
        status_code=status, error=reason, next_try_at=again, delivered_at=now if delivered else None
    )
    if not delivered:
        logger.warning(
            "A webhook was not delivered: webhook=%s delivery=%s attempt=%s answer=%s",
            delivery.webhook_id,
            delivery.pk,
            delivery.attempts,
            status or reason,
        )
