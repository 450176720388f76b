"""How often a password may be tried: enough for a person who mistypes, too little to guess (reliability S15)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import structlog
from django.core.cache import cache
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _
from redis import RedisError

from icloud_sync.errors import PasswordRejected

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Limit:
    """So many rejected passwords in so many seconds; windows follow the clock, so a counter never gets stuck."""

    name: str
    count: int
    seconds: int


PER_USER = Limit("user", count=10, seconds=60)
PER_APPLE_ID = Limit("apple-id", count=20, seconds=3600)


class TooManyAttempts(Exception):
    """Too many passwords were rejected; nothing was sent to Apple. `wait_seconds`: until the next try may be made."""

    text = _("Too many passwords were rejected. Nothing was sent to Apple this time; wait a little, then try again.")

    def __init__(self, wait_seconds: float) -> None:
        super().__init__("too many attempts")
        self.wait_seconds = wait_seconds


@contextmanager
def limited(*, user_id: int, apple_id: str, now: datetime) -> Iterator[None]:
    """Wrap one try of a password. Only a rejected one counts; it is counted before it is made, so that many at once
    cannot slip through together.

    Raises TooManyAttempts. The Apple ID is counted over all users, by a keyed hash: the cache holds no address.
    """
    places = [(PER_USER, str(user_id)), (PER_APPLE_ID, _hashed(apple_id))]
    taken: list[str] = []
    try:
        for limit, subject in places:
            taken.append(_take(limit, subject, now=now))
        yield
    except PasswordRejected:
        log.warning("password_rejected", user=user_id)
        raise
    except TooManyAttempts:
        log.warning("attempt_refused", user=user_id)
        _give_back(taken)
        raise
    except BaseException:
        _give_back(taken)
        raise
    else:
        _give_back(taken)


def _take(limit: Limit, subject: str, *, now: datetime) -> str:
    window, passed = divmod(now.timestamp(), limit.seconds)
    key = f"connect-attempts:{limit.name}:{subject}:{window:.0f}"
    try:
        cache.add(key, 0, timeout=limit.seconds * 2)
        count = cache.incr(key)
    except (RedisError, ValueError) as error:
        # Without the cache people can still connect; the broker's absence is reported by /readyz.
        log.warning("attempts_not_counted", error=type(error).__name__)
        return ""
    if count > limit.count:
        _give_back([key])
        raise TooManyAttempts(limit.seconds - passed)
    return key


def _give_back(keys: list[str]) -> None:
    for key in filter(None, keys):
        try:
            cache.decr(key)
        except (RedisError, ValueError) as error:
            log.warning("attempt_not_given_back", error=type(error).__name__)


def _hashed(apple_id: str) -> str:
    return salted_hmac("icloud_sync.attempts", apple_id.strip().lower(), algorithm="sha256").hexdigest()
