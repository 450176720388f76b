"""What is too much for every run: at night everything with everything, by day a share in which all take turns.

`make nightly` sets NIGHTLY=1. A test marked `nightly` runs at night only.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeVar
from zlib import crc32

T = TypeVar("T")
NIGHTLY = os.environ.get("NIGHTLY") == "1"


def turn(choices: Sequence[T], *, of: str) -> Sequence[T]:
    """Return all choices at night; by day the one whose turn it is for the test `of`, the same in every run."""
    return choices if NIGHTLY else [choices[crc32(of.encode()) % len(choices)]]


def share(cases: Sequence[T], *, start: int, of: int) -> Sequence[T]:
    """Return all cases at night; by day one in `of` (a prime, so that all combinations take their turn)."""
    return cases if NIGHTLY else cases[start::of]
