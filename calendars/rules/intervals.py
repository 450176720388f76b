"""Half-open intervals of whole seconds."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Generic, TypeVar

Interval = tuple[int, int]
T = TypeVar("T")


def floor_seconds(moment: datetime) -> int:
    """Return the whole second that has begun at an aware moment."""
    return math.floor(moment.timestamp())


def ceil_seconds(moment: datetime) -> int:
    """Return the first whole second at or after an aware moment."""
    return math.ceil(moment.timestamp())


class Cover:
    """How many of some intervals lie over a point. Built once, asked often."""

    __slots__ = ("_ends", "_starts")

    def __init__(self, intervals: Iterable[Interval]) -> None:
        kept = [interval for interval in intervals if interval[0] < interval[1]]
        self._starts = sorted(start for start, _ in kept)
        self._ends = sorted(end for _, end in kept)

    def count(self, point: int) -> int:
        """Return the number of intervals with start <= point < end."""
        return bisect_right(self._starts, point) - bisect_right(self._ends, point)

    def outside(self, points: Iterable[int]) -> set[int]:
        """Return the points that no interval lies over."""
        starts, ends = self._starts, self._ends
        return {point for point in points if bisect_right(starts, point) == bisect_right(ends, point)}


class Nearby(Generic[T]):
    """Items with a start and an end, found by overlap without looking at all of them."""

    __slots__ = ("_items", "_longest", "_starts")

    def __init__(self, items: Iterable[T], *, span: Callable[[T], Interval]) -> None:
        found = sorted(((*span(item), item) for item in items), key=lambda entry: entry[:2])
        self._items: Sequence[tuple[int, int, T]] = found
        self._starts = [entry[0] for entry in found]
        self._longest = max((entry[1] - entry[0] for entry in found), default=0)

    def overlapping(self, start: int, end: int) -> list[T]:
        """Return the items whose span overlaps [start, end), by their start."""
        first = bisect_left(self._starts, start - self._longest)
        last = bisect_left(self._starts, end)
        return [item for _, item_end, item in self._items[first:last] if item_end > start]
