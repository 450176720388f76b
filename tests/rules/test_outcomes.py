"""What a failure means for an account (rules C5, T3; reliability F3, F14-F18)."""

from __future__ import annotations

from typing import Any

import pytest

from icloud_sync.errors import (
    AccessRefused,
    BadAnswer,
    BudgetSpent,
    CollectionMissing,
    CredentialsUnreadable,
    ICloudError,
    PasswordRejected,
    ServerFault,
    Throttled,
    TryLater,
    Unreachable,
    UntrustedHost,
)
from icloud_sync.rules.outcomes import Outcome, Verdict, backoff, is_outage, outcome_of

USUAL: dict[str, Any] = {
    "failures": 1, "doubted": False, "outage": False, "poll": 60.0, "longest": 3600.0, "confirm": 300.0,
}  # fmt: skip
SOFT = [
    AccessRefused,
    BadAnswer,
    BudgetSpent,
    CollectionMissing,
    ServerFault,
    Throttled,
    TryLater,
    Unreachable,
    UntrustedHost,
]


def test_an_account_that_answers_is_looked_at_again_after_a_poll() -> None:
    assert outcome_of(None, **USUAL) == Outcome(Verdict.FINE, 60.0)


@pytest.mark.parametrize("outage", [True, False])
@pytest.mark.parametrize("doubted", [True, False])
def test_a_password_that_cannot_be_opened_is_never_tried_again(outage: bool, doubted: bool) -> None:
    """Reliability F55."""
    found = outcome_of(CredentialsUnreadable(), **USUAL | {"outage": outage, "doubted": doubted})
    assert found == Outcome(Verdict.NEEDS_PASSWORD, None)


def test_one_401_is_a_doubt_and_two_are_a_verdict() -> None:
    """Rule C5: asked once more after the confirmation time, then never again until the owner acts."""
    assert outcome_of(PasswordRejected(), **USUAL) == Outcome(Verdict.DOUBT, 300.0)
    assert outcome_of(PasswordRejected(), **USUAL | {"doubted": True}) == Outcome(Verdict.NEEDS_PASSWORD, None)


def test_during_an_outage_a_401_says_nothing_about_the_password() -> None:
    """Rule T3."""
    assert outcome_of(PasswordRejected(), **USUAL | {"doubted": True, "outage": True}) == Outcome(Verdict.DOUBT, 300.0)


@pytest.mark.parametrize("error", SOFT)
def test_a_soft_failure_is_told_from_the_second_one_on(error: type[TryLater]) -> None:
    assert outcome_of(error(), **USUAL) == Outcome(Verdict.WAIT, 60.0)
    assert outcome_of(error(), **USUAL | {"failures": 2}) == Outcome(Verdict.UNREACHABLE, 120.0)
    assert outcome_of(error(), **USUAL | {"failures": 3}) == Outcome(Verdict.UNREACHABLE, 240.0)


def test_during_an_outage_nobody_is_marked() -> None:
    """Rule T3."""
    assert outcome_of(ServerFault(), **USUAL | {"failures": 9, "outage": True}).verdict is Verdict.WAIT


def test_the_servers_wish_counts_when_it_is_longer() -> None:
    """Fact 8.1: Apple's Retry-After is often too short; F14: never asked before it."""
    assert outcome_of(Throttled(after_seconds=90), **USUAL).retry_after == 90
    assert outcome_of(Throttled(after_seconds=2), **USUAL).retry_after == 60
    assert outcome_of(Throttled(after_seconds=9999), **USUAL).retry_after == 3600
    assert outcome_of(ICloudError(), **USUAL).retry_after == 60


def test_the_jitter_spreads_accounts_and_the_longest_wait_stays_the_longest() -> None:
    assert outcome_of(ServerFault(), **USUAL, jitter=1.2).retry_after == pytest.approx(72)
    assert outcome_of(ServerFault(), **USUAL | {"failures": 99}, jitter=1.2).retry_after == 3600


@pytest.mark.parametrize(
    ("failures", "seconds"), [(0, 10), (1, 10), (2, 20), (3, 40), (4, 80), (31, 10 * 2.0**30), (10_000, 10 * 2.0**30)]
)
def test_waits_double(failures: int, seconds: float) -> None:
    assert backoff(failures=failures, poll=10, longest=1e30) == seconds


def test_waits_have_an_end_and_honour_a_wish() -> None:
    assert backoff(failures=5, poll=10, longest=100) == 100
    assert backoff(failures=1, poll=10, longest=100, asked=50) == 50
    assert backoff(failures=1, poll=10, longest=100, asked=5) == 10
    assert backoff(failures=1, poll=10, longest=100, asked=500) == 100
    assert backoff(failures=1, poll=0, longest=100, asked=None) == 0
    assert isinstance(backoff(failures=1, poll=1, longest=1), float)


@pytest.mark.parametrize(
    ("failing", "active", "outage"),
    [(4, 4, False), (5, 5, True), (5, 10, True), (5, 11, False), (50, 100, True), (49, 100, False), (0, 0, False)],
)
def test_an_outage_is_many_accounts_and_at_least_half_of_them(failing: int, active: int, outage: bool) -> None:
    assert is_outage(failing=failing, active=active) is outage
