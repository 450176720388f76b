"""What is too much for every run: at night everything with everything, by day a share in which all take turns.

`make test` is for every change, and short. Of the cases of a test marked `turns(n)` it runs one in n, always at least
one, always the same ones. Tests marked `late` are left to `make late`, which CI runs as well: long ones, over pages and
processes, of what shorter tests look at from nearer. Of the cases of a test marked `late_turns(n)` one in n runs in
`make test`, the others in `make late`. `make nightly` (NIGHTLY=1) leaves nothing out, what is marked `nightly`
included. The last lines of a run say how many tests were left out.
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
LATE = os.environ.get("LATE") == "1"
LEFT_OUT = "left_out"
"""The name under which a worker of pytest-xdist hands over how many tests it left out: all leave out the same."""


def turn(choices: Sequence[T], *, of: str) -> Sequence[T]:
    """Return all choices at night; by day the one whose turn it is for the test `of`, the same in every run."""
    return choices if NIGHTLY else [choices[crc32(of.encode()) % len(choices)]]


def share(cases: Sequence[T], *, start: int, of: int) -> Sequence[T]:
    """Return all cases at night; by day one in `of` (a prime, so that all combinations take their turn)."""
    return cases if NIGHTLY else cases[start::of]


def left_out(items: Sequence[pytest.Item]) -> set[pytest.Item]:
    """Return the tests that do not run now."""
    if NIGHTLY:
        return set()
    out = {item for item in items if item.get_closest_marker("nightly")}
    shared, turns = _chosen(items, "late_turns"), _chosen(items, "turns")
    for item in items:
        late = not shared[item] if item in shared else item.get_closest_marker("late") is not None
        if late is not LATE or not turns.get(item, True):
            out.add(item)
    return out


def _chosen(items: Sequence[pytest.Item], mark: str) -> dict[pytest.Item, bool]:
    """Say for each test with this mark whether it is among the one in n whose turn it is by day."""
    cases: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        if item.get_closest_marker(mark):
            cases[item.nodeid.partition("[")[0]].append(item)
    chosen: dict[pytest.Item, bool] = {}
    for name, group in cases.items():
        (of,) = group[0].get_closest_marker(mark).args  # type: ignore[union-attr]
        first = crc32(name.encode()) % min(of, len(group))
        chosen |= dict.fromkeys(group, False) | dict.fromkeys(group[first::of], True)
    return chosen
