"""Rules K3, K5, K6: what a calendar may be chosen for."""

from __future__ import annotations

import pytest

from icloud_sync.rules.linking import GONE, REASONS, SUBSCRIPTION_NOT_SUPPORTED, WRITER_ACCESS_REQUIRED, Choice, choice


@pytest.mark.parametrize("kind", ["own", "shared"])
def test_k3_a_calendar_with_writers_access_may_be_everything(kind: str) -> None:
    assert choice(kind=kind, writable=True) == Choice(can_be_primary=True, can_check_conflicts=True, reason=None)


@pytest.mark.parametrize("kind", ["own", "shared"])
def test_k5_reading_rights_are_enough_for_conflicts(kind: str) -> None:
    found = choice(kind=kind, writable=False)
    assert found == Choice(can_be_primary=False, can_check_conflicts=True, reason=WRITER_ACCESS_REQUIRED)


@pytest.mark.parametrize("writable", [True, False])
@pytest.mark.parametrize("kind", ["subscribed", "published", "", "OWN"])
def test_k6_a_subscription_and_anything_unknown_may_be_nothing(kind: str, writable: bool) -> None:
    found = choice(kind=kind, writable=writable)
    assert found == Choice(can_be_primary=False, can_check_conflicts=False, reason=SUBSCRIPTION_NOT_SUPPORTED)


@pytest.mark.parametrize("kind", ["own", "shared", "subscribed"])
def test_k7_what_is_gone_may_be_nothing_whatever_it_was(kind: str) -> None:
    found = choice(kind=kind, writable=True, gone=True)
    assert found == Choice(can_be_primary=False, can_check_conflicts=False, reason=GONE)


def test_the_codes_are_those_of_the_contract() -> None:
    assert {"writer_access_required", "subscription_not_supported", "gone"} == REASONS
