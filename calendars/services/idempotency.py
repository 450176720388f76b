"""`Idempotency-Key`: one answer for one request, however often it is sent (contract.md, appointments).

A request that is running holds an advisory lock of its database session, so it ends with the process that runs it:
after a crash the next one runs anew. The answer is written in the transaction of what it answers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from calendars.models import IdempotencyKey
from calendars.services.errors import Refused
from leadmagicx.accounts.models import User

KEPT = timedelta(hours=24)


class KeyReused(Refused):
    """The key came with another request before."""

    code = "idempotency_key_reused"


class InProgress(Refused):
    """The first request with this key has no answer yet."""

    code = "idempotency_in_progress"


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered; `body` is JSON."""

    status_code: int
    body: Any


@dataclass
class Claim:
    """The right to answer a key, or the answer that it has."""

    user_id: int
    key: str
    fingerprint: str
    now: datetime
    answer: Answer | None = None

    def keep(self, answer: Answer) -> None:
        """Write the answer down; call it in the transaction of what was done."""
        IdempotencyKey.objects.update_or_create(
            user_id=self.user_id,
            key=self.key,
            defaults={
                "fingerprint": self.fingerprint,
                "status_code": answer.status_code,
                "body": answer.body,
                "created_at": self.now,
            },
        )


@contextmanager
def claimed(*, user: User, key: str, fingerprint: str, now: datetime) -> Iterator[Claim]:
    """Claim a key for the length of the block. Raises KeyReused, InProgress."""
    number = _number(user.pk, key)
    if not _answered("select pg_try_advisory_lock(%s)", number):
        raise InProgress("The first request with this Idempotency-Key is still running.")
    try:
        claim = Claim(user.pk, key, fingerprint, now)
        kept = IdempotencyKey.objects.filter(user=user, key=key, created_at__gt=now - KEPT).first()
        if kept is not None and kept.fingerprint != fingerprint:
            raise KeyReused("This Idempotency-Key was used for another request.")
        if kept is not None:
            claim.answer = Answer(kept.status_code, kept.body)
        yield claim
    finally:
        _answered("select pg_advisory_unlock(%s)", number)


def forget_expired(*, now: datetime) -> int:
    """Delete keys older than a day; return how many."""
    deleted, _ = IdempotencyKey.objects.filter(created_at__lte=now - KEPT).delete()
    return deleted


def _answered(sql: str, number: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(sql, [number])
        row = cursor.fetchone()
    return bool(row and row[0])


def _number(user_id: int, key: str) -> int:
    """Return the advisory lock of a key: negative, so that it is none of calendars.services.transactions'."""
    digest = hashlib.sha256(f"{user_id}:{key}".encode()).digest()
    return -1 - (int.from_bytes(digest[:8], "big") >> 1)
