"""The VTIMEZONE that goes with an event we write: short, and right for the years around the event."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from icloud_sync.ical.document import content_line

_DAY = timedelta(days=1)
_NAMES = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_YEARS = 4


class _Change(NamedTuple):
    wall: datetime
    """The wall clock at which the offset changes, in the offset before (RFC 5545 §3.6.5)."""
    before: timedelta
    after: timedelta
    name: str
    daylight: bool
    """Whether clocks go forward. Not what the tz database calls summer time: in Dublin that is winter."""


@lru_cache(maxsize=512)
def vtimezone_lines(tzid: str, *, year: int) -> tuple[bytes, ...]:
    """Return the VTIMEZONE of a zone of the tz database, as content lines.

    It holds for the year before `year` and the three after it. Where a change falls on the same weekday of
    its month in all those years it is written as a yearly rule, and so holds for ever; otherwise each change
    is named (Morocco, Iran, zones that just changed their law).
    """
    zone = ZoneInfo(tzid)
    changes = _changes(zone, year - 1, year + _YEARS)
    lines = [b"BEGIN:VTIMEZONE", content_line("TZID", tzid)]
    if not changes:
        moment = datetime(year, 1, 1, tzinfo=UTC).astimezone(zone)
        offset = moment.utcoffset() or timedelta()
        still = _Change(datetime(1970, 1, 1), offset, offset, moment.tzname() or tzid, daylight=False)
        lines += _observance(still, "")
    else:
        rules = _yearly(changes)
        for change in changes[: len(rules)] if rules else changes:
            lines += _observance(change, rules.get(change.wall.month, ""))
    lines.append(b"END:VTIMEZONE")
    return tuple(lines)


def _changes(zone: ZoneInfo, first: int, last: int) -> list[_Change]:
    found: list[_Change] = []
    day = datetime(first, 1, 1, tzinfo=UTC)
    stop = datetime(last, 1, 1, tzinfo=UTC)
    while day < stop:
        if day.astimezone(zone).utcoffset() != (day + _DAY).astimezone(zone).utcoffset():
            found.append(_change(zone, day, day + _DAY))
        day += _DAY
    return found


def _change(zone: ZoneInfo, low: datetime, high: datetime) -> _Change:
    """Return the change between two instants, to the second."""
    before = low.astimezone(zone).utcoffset() or timedelta()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) // 2
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    local = high.replace(microsecond=0).astimezone(zone)
    after = local.utcoffset() or timedelta()
    wall = (high.replace(microsecond=0) + before).replace(tzinfo=None)
    return _Change(wall, before, after, local.tzname() or "", after > before)


def _yearly(changes: list[_Change]) -> dict[int, str]:
    """Return a rule for each month with a change when the years are alike (two changes each), else nothing."""
    if len(changes) != 2 * (_YEARS + 1):
        return {}
    rules: dict[int, str] = {}
    for series in (changes[::2], changes[1::2]):
        one = series[0]
        if any(
            (other.wall.month, other.wall.time(), other.before, other.after)
            != (one.wall.month, one.wall.time(), one.before, one.after)
            for other in series
        ):
            return {}
        common = set.intersection(*(_ordinals(change.wall) for change in series))
        if not common or len({change.wall.weekday() for change in series}) != 1:
            return {}
        ordinal = -1 if -1 in common else max(common)
        rules[one.wall.month] = f"FREQ=YEARLY;BYMONTH={one.wall.month};BYDAY={ordinal}{_NAMES[one.wall.weekday()]}"
    return rules if len(rules) == 2 else {}


def _ordinals(day: datetime) -> set[int]:
    """Return which such weekday of its month a day is: from the front, and -1 for the last."""
    last = (day + timedelta(days=7)).month != day.month
    return {(day.day - 1) // 7 + 1, *((-1,) if last else ())}


def _observance(change: _Change, rule: str) -> list[bytes]:
    kind = b"DAYLIGHT" if change.daylight else b"STANDARD"
    return [
        b"BEGIN:" + kind,
        content_line("DTSTART", f"{change.wall:%Y%m%dT%H%M%S}"),
        content_line("TZOFFSETFROM", _offset(change.before)),
        content_line("TZOFFSETTO", _offset(change.after)),
        *([content_line("RRULE", rule)] if rule else []),
        content_line("TZNAME", change.name),
        b"END:" + kind,
    ]


def _offset(offset: timedelta) -> str:
    seconds = int(offset.total_seconds())
    sign, seconds = ("-", -seconds) if seconds < 0 else ("+", seconds)
    text = f"{sign}{seconds // 3600:02d}{seconds // 60 % 60:02d}"
    return text + f"{seconds % 60:02d}" if seconds % 60 else text
