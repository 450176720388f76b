"""What is too much for every run: at night everything with everything, by day a share in which all take turns.

`make nightly` sets NIGHTLY=1. By day a test marked `nightly` does not run, and of the cases of a test marked `turns(n)`
one in n does, always at least one, always the same ones. What is left out is counted as deselected.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from typing import TypeVar
from zlib import crc32

import pytest

T = TypeVar("T")
NIGHTLY = os.environ.get("NIGHTLY") == "1"


def turn(choices: Sequence[T], *, of: str) -> Sequence[T]:
    """Return all choices at night; by day the one whose turn it is for the test `of`, the same in every run."""
    return choices if NIGHTLY else [choices[crc32(of.encode()) % len(choices)]]


def share(cases: Sequence[T], *, start: int, of: int) -> Sequence[T]:
    """Return all cases at night; by day one in `of` (a prime, so that all combinations take their turn)."""
    return cases if NIGHTLY else cases[start::of]


def left_out(items: Sequence[pytest.Item]) -> set[pytest.Item]:
    """Return the tests that do not run by day."""
    if NIGHTLY:
        return set()
    late = {item for item in items if item.get_closest_marker("nightly")}
    cases: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        if item.get_closest_marker("turns"):
            cases[item.nodeid.partition("[")[0]].append(item)
    for name, group in cases.items():
        (of,) = group[0].get_closest_marker("turns").args  # type: ignore[union-attr]
        first = crc32(name.encode()) % min(of, len(group))
        late |= set(group) - set(group[first::of])
    return late
