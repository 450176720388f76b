"""Opening hours as instants, on days of 23, 24 and 25 hours.

A wall time that comes twice means the first (RFC 5545 §3.3.5). One that does not exist means the first moment after
the gap, so that nothing is offered outside the written hours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from calendars.rules.intervals import Interval

Minutes = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Hours:
    """When a calendar is open: minutes after midnight of each weekday (0 is Monday), replaced on single dates."""

    zone: ZoneInfo
    weekly: Mapping[int, Sequence[Minutes]] = field(default_factory=dict)
    overrides: Mapping[date, Sequence[Minutes]] = field(default_factory=dict)

    def on(self, day: date) -> Sequence[Minutes]:
        """Return the open minutes of a date; 1440 is the end of the day."""
        replaced = self.overrides.get(day)
        return self.weekly.get(day.weekday(), ()) if replaced is None else replaced

    def intervals(self, day: date) -> Iterator[Interval]:
        """Yield the open intervals of a date as instants; those swallowed by a gap are left out."""
        for begin, finish in self.on(day):
            start, end = instant(day, begin, self.zone), instant(day, finish, self.zone)
            if start < end:
                yield start, end

    def starts(self, first: date, last: date, *, step: int, length: int) -> list[int]:
        """Return the grid of both dates and all between: interval start + n x step while the length fits."""
        found: set[int] = set()
        for day in days(first, last):
            for start, end in self.intervals(day):
                found.update(range(start, end - length + 1, step))
        return sorted(found)

    def covers(self, start: int, end: int) -> bool:
        """Return whether [start, end) lies inside opening hours; intervals that touch count as one."""
        reached = start
        for day in days(local_date(start, self.zone), local_date(end, self.zone)):
            for opens, closes in sorted(self.intervals(day)):
                if opens <= reached < closes:
                    reached = closes
        return reached >= end


def days(first: date, last: date) -> Iterator[date]:
    """Yield every date from first to last, both included."""
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)


def local_date(second: int, zone: ZoneInfo) -> date:
    """Return the date an instant has in a zone."""
    return datetime.fromtimestamp(second, zone).date()


@lru_cache(maxsize=16_384)  # every question asks for the same few weeks, and time zones are slow
def instant(day: date, minute: int, zone: ZoneInfo) -> int:
    """Return the instant of a wall time, given in minutes after midnight (1440 is the next midnight)."""
    wall = datetime(day.year, day.month, day.day) + timedelta(minutes=minute)  # noqa: DTZ001 - a wall time
    second = int(wall.replace(tzinfo=zone).timestamp())
    if datetime.fromtimestamp(second, zone).replace(tzinfo=None) == wall:
        return second
    return _after_gap(second, wall, zone)


def _after_gap(late: int, wall: datetime, zone: ZoneInfo) -> int:
    """Return the transition that swallowed a wall time, between its readings before and after the change."""
    early = int(wall.replace(tzinfo=zone, fold=1).timestamp())
    before = datetime.fromtimestamp(early, zone).utcoffset()
    while late - early > 1:
        middle = (early + late) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == before:
            early = middle
        else:
            late = middle
    return late
