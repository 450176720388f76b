"""Rule P15: of somebody's private event others learn when it is, and nothing that it says."""

from __future__ import annotations

import pytest

from icloud_sync.rules.privacy import public_part

TOLD = {
    "start": "2026-03-01T09:00:00+00:00", "end": "2026-03-01T10:00:00+00:00", "state": "removed", "code": "BUSY",
    "created": 1, "updated": 2, "unchanged": 3, "removed": 4, "skipped": 5, "written": 6, "deleted": 7, "done": 8,
    "total": 9,
}  # fmt: skip
KEPT = {"title": "Dentist", "location": "Main Street", "notes": "bring the X-ray", "path": "/1/home/a.ics", "later": 1}


def test_times_and_numbers_are_told_and_words_are_not() -> None:
    assert public_part(TOLD | KEPT) == TOLD


@pytest.mark.parametrize("name", KEPT)
def test_what_is_not_known_to_be_harmless_is_kept(name: str) -> None:
    assert public_part({name: KEPT[name]}) == {}


@pytest.mark.parametrize("values", [None, "Dentist", ["Dentist"], 3])
def test_what_is_no_mapping_is_kept_whole(values: object) -> None:
    assert public_part(values) is None
