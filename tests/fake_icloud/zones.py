"""VTIMEZONE text for a zone name, in the compact shape a phone writes: one yearly rule for each half."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from tests.fake_icloud.ics import Component

_BASE_YEAR = 2009  # the rules of the United States, Europe and Australia are the present ones by then
_YEARS = range(_BASE_YEAR, _BASE_YEAR + 30)
_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


@cache
def vtimezone(key: str) -> Component:
    """Return the VTIMEZONE of an IANA zone. Shared: never change what it returns.

    Zones that follow no yearly rule get one observance per change, up to 2038.
    """
    zone = ZoneInfo(key)
    found = Component("VTIMEZONE")
    found.add("TZID", key)
    changes = [change for year in _YEARS for change in _changes(zone, year)]
    rules = _rules(changes)
    if rules is not None:
        for (at, before, after), rule in rules:
            found.children.append(_observance(zone, at, before, after, rule))
    elif changes:
        found.children += [_observance(zone, at, before, after, None) for at, before, after in changes]
    if not changes or rules is None:
        start = datetime(1970, 1, 1, tzinfo=UTC)
        offset = changes[0][1] if changes else _offset(zone, start)
        found.children.insert(0, _observance(zone, start, offset, offset, None))
    return found


Change = tuple[datetime, timedelta, timedelta]  # UTC moment, offset before, offset after


def _offset(zone: ZoneInfo, at: datetime) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta()


def _changes(zone: ZoneInfo, year: int) -> list[Change]:
    found: list[Change] = []
    day = datetime(year, 1, 1, tzinfo=UTC)
    while day.year == year:
        after = day + timedelta(days=1)
        if _offset(zone, day) != _offset(zone, after):
            low, high = day, after
            while high - low > timedelta(minutes=1):
                middle = low + (high - low) / 2
                middle = middle.replace(second=0, microsecond=0)
                low, high = (middle, high) if _offset(zone, middle) == _offset(zone, day) else (low, middle)
            found.append((high, _offset(zone, day), _offset(zone, after)))
        day = after
    return found


def _rules(changes: list[Change]) -> list[tuple[Change, str]] | None:
    """Return the first two changes with a yearly rule each, or None when one does not hold in every year."""
    if len(changes) != 2 * len(_YEARS):
        return None
    found = []
    for half in (0, 1):
        series = changes[half::2]
        walls = [at + before for at, before, _ in series]
        if len({(wall.month, wall.weekday(), wall.time()) for wall in walls}) > 1:
            return None
        if all((wall + timedelta(days=7)).month != wall.month for wall in walls):
            nth = "-1"
        elif len({(wall.day - 1) // 7 for wall in walls}) == 1:
            nth = str((walls[0].day - 1) // 7 + 1)
        else:
            return None
        rule = f"FREQ=YEARLY;BYMONTH={walls[0].month};BYDAY={nth}{_DAYS[walls[0].weekday()]}"
        found.append((series[0], rule))
    return found


def _observance(zone: ZoneInfo, at: datetime, before: timedelta, after: timedelta, rule: str | None) -> Component:
    local = (at + timedelta(minutes=1)).astimezone(zone)
    part = Component("DAYLIGHT" if local.dst() else "STANDARD")
    part.add("DTSTART", (at + before).strftime("%Y%m%dT%H%M%S"))
    if rule is not None:
        part.add("RRULE", rule)
    part.add("TZNAME", local.tzname() or "")
    part.add("TZOFFSETFROM", _text(before))
    part.add("TZOFFSETTO", _text(after))
    return part


def _text(offset: timedelta) -> str:
    minutes = int(offset.total_seconds()) // 60
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}{abs(minutes) % 60:02d}"
