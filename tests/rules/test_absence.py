"""When an absence counts (rule P6)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from icloud_sync.rules.absence import believed_from, may_prove

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SETTLE = timedelta(seconds=120)
TICK = timedelta(microseconds=1)


def test_the_later_of_our_write_and_the_vanishing_counts() -> None:
    early, late = NOW - timedelta(minutes=9), NOW - timedelta(minutes=1)
    assert believed_from(written_at=None, vanished_at=None, settle=SETTLE) is None
    assert believed_from(written_at=early, vanished_at=None, settle=SETTLE) == early + SETTLE
    assert believed_from(written_at=None, vanished_at=early, settle=SETTLE) == early + SETTLE
    assert believed_from(written_at=late, vanished_at=early, settle=SETTLE) == late + SETTLE
    assert believed_from(written_at=early, vanished_at=late, settle=SETTLE) == late + SETTLE


@pytest.mark.parametrize(("age", "proved"), [(SETTLE - TICK, False), (SETTLE, True), (SETTLE + TICK, True)])
def test_an_absence_may_be_proved_once_settled(age: timedelta, proved: bool) -> None:
    assert may_prove(now=NOW, written_at=None, vanished_at=NOW - age, settle=SETTLE) is proved
    assert may_prove(now=NOW, written_at=NOW - age, vanished_at=None, settle=SETTLE) is proved


def test_with_nothing_against_it_an_absence_may_be_proved_at_once() -> None:
    assert may_prove(now=NOW, written_at=None, vanished_at=None, settle=SETTLE) is True
