"""What one run did, in the words of contract.md."""

from __future__ import annotations

import pytest

from icloud_sync.sync.report import Report


def test_every_count_is_told_zeros_included() -> None:
    report = Report()
    report.count("created")
    report.count("removed", 3)
    assert report.as_dict() == {
        "created": 1, "updated": 0, "unchanged": 0, "removed": 3, "skipped": 0, "written": 0, "deleted": 0,
    }  # fmt: skip
    assert (report.done, report.total) == (0, 0)


def test_only_the_counts_of_the_contract() -> None:
    with pytest.raises(AssertionError, match="conflicts"):
        Report().count("conflicts")
