"""What a failure means: when to try again, and whom to tell (rules C5, T3, W9)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from icloud_sync.errors import CredentialsUnreadable, ICloudError, PasswordRejected, TryLater

# Two failures in a row before somebody is told: one lost packet is nobody's business.
FAILURES_UNTIL_UNREACHABLE = 2
# From this many accounts failing together on it is Apple's outage, not theirs.
OUTAGE_ACCOUNTS = 5


class Verdict(Enum):
    """How an account stands after a look at it."""

    FINE = "it answered"
    WAIT = "try again later, say nothing yet"
    DOUBT = "Apple refused the password once: ask once more, later"
    NEEDS_PASSWORD = "Apple refused the password twice: stop"  # noqa: S105 - a sentence
    UNREACHABLE = "tell the user, keep trying"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The verdict, and the seconds until the next try; None is never, until somebody acts."""

    verdict: Verdict
    retry_after: float | None


def backoff(*, failures: int, poll: float, longest: float, asked: float | None = None, jitter: float = 1.0) -> float:
    """Return the seconds to wait after `failures` failures in a row, at most `longest`.

    Doubles from `poll`; a server's own wish counts when it is longer, because Apple's is often too short (fact 8.1).

    >>> backoff(failures=3, poll=60, longest=3600)
    240.0
    >>> backoff(failures=1, poll=60, longest=3600, asked=90)
    90.0
    """
    doubled = poll * 2.0 ** min(max(failures - 1, 0), 30) * jitter
    return float(min(max(doubled, asked or 0.0), longest))


def is_outage(*, failing: int, active: int) -> bool:
    """Return whether so many accounts fail together that Apple must be the cause (rule T3).

    >>> is_outage(failing=4, active=4), is_outage(failing=6, active=10), is_outage(failing=6, active=100)
    (False, True, False)
    """
    return failing >= OUTAGE_ACCOUNTS and failing * 2 >= active


def outcome_of(
    error: ICloudError | None,
    *,
    failures: int,
    doubted: bool,
    outage: bool,
    poll: float,
    longest: float,
    confirm: float,
    jitter: float = 1.0,
) -> Outcome:
    """Return how an account stands after a look that ended with `error` (None: it went well).

    `failures` counts this one; `doubted` tells that a 401 was seen before; `confirm` is the time between the two
    401s of rule C5. During an outage nobody is marked.
    """
    if error is None:
        return Outcome(Verdict.FINE, poll)
    if isinstance(error, CredentialsUnreadable):
        return Outcome(Verdict.NEEDS_PASSWORD, None)
    if isinstance(error, PasswordRejected):
        if doubted and not outage:
            return Outcome(Verdict.NEEDS_PASSWORD, None)
        return Outcome(Verdict.DOUBT, confirm)
    asked = error.after_seconds if isinstance(error, TryLater) else None
    wait = backoff(failures=failures, poll=poll, longest=longest, asked=asked, jitter=jitter)
    quiet = outage or failures < FAILURES_UNTIL_UNREACHABLE
    return Outcome(Verdict.WAIT if quiet else Verdict.UNREACHABLE, wait)
