"""Where entries stand in the week: pure arithmetic on local times, no Django.

The stylesheet knows one class for each hour, each five minutes, each length and each lane, because the
Content-Security-Policy forbids style attributes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Generic, Protocol, TypeVar
from zoneinfo import ZoneInfo

STEP = 5  # minutes of one row
SHORTEST = 20  # minutes that still hold one line of text
DAY = 24 * 60
FIRST_HOUR, LAST_HOUR = 8, 19
LANES = 12


class Timed(Protocol):
    """Anything with aware times; an all-day one ends at a midnight that is not part of it."""

    @property
    def start(self) -> datetime: ...
    @property
    def end(self) -> datetime: ...
    @property
    def all_day(self) -> bool: ...


T = TypeVar("T", bound=Timed)


@dataclass(frozen=True, slots=True)
class Placed(Generic[T]):
    """An entry with its minutes on one day, and which of how many lanes it has there."""

    entry: T
    begin: int
    finish: int
    lane: int = 0
    lanes: int = 1

    @property
    def brief(self) -> bool:
        """Say whether there is room for one line only: two lines of text are as high as 48 minutes."""
        return self.finish - self.begin < 48

    @property
    def tight(self) -> bool:
        """Say whether one line of a part of the column is all there is: enough for a name, not for a time as well."""
        return self.brief and self.lanes > 1

    @property
    def classes(self) -> str:
        """Return the classes of app.css for this place."""
        hour, minute = divmod(self.begin, 60)
        hours, minutes = divmod(self.finish - self.begin, 60)
        width = next(LANES // count for count in (1, 2, 3, 4, 6, LANES) if count >= min(self.lanes, LANES))
        named = {"m": minute, "d": hours, "e": minutes, "k": min(self.lane, LANES - 1)}
        return " ".join(
            [f"h{hour}", *(f"{name}{value}" for name, value in named.items() if value)]
            + ([f"w{width}"] if width < LANES else [])
        )


@dataclass(frozen=True, slots=True)
class Day(Generic[T]):
    """One day's column."""

    date: date
    whole: list[T]
    timed: list[Placed[T]]


def week_of(day: date) -> list[date]:
    """Return Monday to Sunday of the week a day is in."""
    monday = day - timedelta(days=day.weekday())
    return [monday + timedelta(days=n) for n in range(7)]


def day_of(day: date, entries: Iterable[T], *, zone: ZoneInfo) -> Day[T]:
    """Return a day's column; what fills the whole day stands above the hours."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    after = datetime.combine(day + timedelta(days=1), midnight.time(), tzinfo=zone)
    whole, timed = [], []
    for entry in entries:
        if not _touches(entry, midnight, after):
            continue
        if entry.all_day or (entry.start <= midnight and entry.end >= after):
            whole.append(entry)
        else:
            begin, finish = _minutes(entry, day, zone)
            timed.append(Placed(entry, begin, finish))
    return Day(day, whole, in_lanes(timed))


def _touches(entry: Timed, midnight: datetime, after: datetime) -> bool:
    if entry.start == entry.end:
        return midnight <= entry.start < after
    return entry.start < after and entry.end > midnight


def _minutes(entry: Timed, day: date, zone: ZoneInfo) -> tuple[int, int]:
    """Return an entry's minutes by the clock on the wall, at least SHORTEST of them (also where a clock goes back)."""
    start, end = entry.start.astimezone(zone), entry.end.astimezone(zone)
    begin = (start.hour * 60 + start.minute) // STEP * STEP if start.date() == day else 0
    finish = -(-(end.hour * 60 + end.minute) // STEP) * STEP if end.date() == day else DAY
    finish = max(finish, begin + SHORTEST)
    if finish > DAY:
        begin, finish = DAY - SHORTEST, DAY
    return begin, finish


def in_lanes(places: Sequence[Placed[T]]) -> list[Placed[T]]:
    """Return the places side by side where they overlap, in the order of their beginnings."""
    done: list[Placed[T]] = []
    group: list[tuple[Placed[T], int]] = []
    ends: list[int] = []
    for place in sorted(places, key=lambda place: (place.begin, -place.finish)):
        if group and place.begin >= max(ends):
            done += _spread(group, len(ends))
            group, ends = [], []
        lane = next((number for number, end in enumerate(ends) if end <= place.begin), len(ends))
        ends[lane:] = [place.finish, *ends[lane + 1 :]]
        group.append((place, lane))
    return done + _spread(group, len(ends))


def _spread(group: list[tuple[Placed[T], int]], lanes: int) -> list[Placed[T]]:
    return [Placed(place.entry, place.begin, place.finish, lane, lanes) for place, lane in group]


def hours_shown(days: Iterable[Day[T]]) -> tuple[int, int]:
    """Return the first hour and the hour after the last: working hours, widened for what lies outside."""
    places = [place for day in days for place in day.timed]
    first = min([place.begin // 60 for place in places] + [FIRST_HOUR])
    last = max([-(-place.finish // 60) for place in places] + [LAST_HOUR])
    return first, last
