"""Free slots by the viewer's dates, each closed one with its reasons (rules A1, A2, A6)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from calendars.rules.availability import Question, Shape, Sitting
from calendars.rules.hours import days, instant, local_date
from calendars.rules.reasons import Code, Reason
from calendars.selectors.busy import Look, hosts_of, question
from calendars.selectors.offers import Offer


@dataclass(frozen=True, slots=True)
class Explanation:
    """One start of the grid; `reasons` is empty when it is open."""

    start: datetime
    reasons: list[Reason]

    @property
    def open(self) -> bool:
        return not self.reasons


@dataclass(frozen=True)
class FreeSlots:
    """A key for every date asked; times are in `zone`. `seats_left` has the open starts of a class."""

    zone: ZoneInfo
    days: dict[date, list[datetime]]
    seats_left: dict[datetime, int] = field(default_factory=dict)
    explanations: dict[date, list[Explanation]] = field(default_factory=dict)


def free_slots(
    offer: Offer,
    *,
    first: date,
    last: date,
    zone: ZoneInfo,
    now: datetime,
    host_id: int | None = None,
    explain: bool = False,
    horizon: Mapping[int, datetime] | None = None,
) -> FreeSlots:
    """Return what is open on the dates of a zone, both included. `host_id` asks for one member's time only.

    Two queries whatever the hosts and days (three or four for class, day limit, equal distribution), and none when
    the calendar is closed on all the dates.
    """
    dates = list(days(first, last))
    borders = [*(instant(day, 0, zone) for day in dates), instant(last, 1440, zone)]
    grid = _grid(offer, since=borders[0], until=borders[-1])
    asked: Question | None = None
    if grid:
        hosts = hosts_of(offer, host_id)
        look = Look(
            grid[0],
            grid[-1],
            now=now,
            hosts=hosts,
            chosen=host_id is not None,
            horizon=horizon or {},
            merged=not explain,
        )
        asked = question(offer, look)
    found = FreeSlots(zone, days={})
    opened = asked.open_starts(grid) if asked else []
    for day, begin, of_grid, of_opened in zip(
        dates, borders, _split(grid, borders), _split(opened, borders), strict=False
    ):
        found.days[day] = [datetime.fromtimestamp(start, zone) for start in of_opened]
        if asked is not None and asked.terms.shape is Shape.CLASS:
            left = [_seats_left(offer, asked.sittings.get(start)) for start in of_opened]
            found.seats_left.update(zip(found.days[day], left, strict=True))
        if explain:
            found.explanations[day] = _explained(asked, of_grid, midnight=begin, zone=zone)
    return found


def _grid(offer: Offer, *, since: int, until: int) -> list[int]:
    """Return the starts of the calendar in [since, until), whatever dates they have in its own zone."""
    hours, calendar = offer.hours, offer.calendar
    starts = hours.starts(
        local_date(since, hours.zone),
        local_date(until - 1, hours.zone),
        step=calendar.slot_interval * 60,
        length=calendar.slot_duration * 60,
    )
    return starts[bisect_left(starts, since) : bisect_left(starts, until)]


def _split(starts: list[int], borders: list[int]) -> Iterator[list[int]]:
    """Yield those of the starts that lie between each border and the next."""
    cuts = [bisect_left(starts, border) for border in borders]
    for begin, end in pairwise(cuts):
        yield starts[begin:end]


def _seats_left(offer: Offer, sitting: Sitting | None) -> int:
    return offer.calendar.seats_per_slot if sitting is None else sitting.seats - sitting.taken


def _explained(asked: Question | None, starts: list[int], *, midnight: int, zone: ZoneInfo) -> list[Explanation]:
    if asked is None or not starts:
        return [Explanation(datetime.fromtimestamp(midnight, zone), [Reason(Code.HOURS)])]
    return [Explanation(datetime.fromtimestamp(start, zone), asked.reasons(start)) for start in starts]
