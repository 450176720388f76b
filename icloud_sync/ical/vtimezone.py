"""VTIMEZONE both ways: a zone from an embedded one, and the lines of one for an event we write."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime, timedelta, tzinfo
from typing import NamedTuple

from icloud_sync.errors import ItemUnreadable
from icloud_sync.ical.recurrence import Budget, instances
from icloud_sync.ical.rrule import Frequency, Rule, parse_rule
from icloud_sync.ical.values import clipped, parse_moment

MOST_RULES = 16
"""Observances with an RRULE in one VTIMEZONE; real ones have two."""
MOST_ONSETS = 1000
"""Onsets named one by one in one VTIMEZONE."""

_STEPS = 20_000
"""What one zone may take of a budget in its life: a real one takes 40 a year asked for."""
_ZERO = timedelta(0)
_YEAR = timedelta(days=366)


class Observance(NamedTuple):
    """One STANDARD or DAYLIGHT: from `start` (wall clock before the change) and at its repetitions."""

    start: datetime
    offset_from: int
    offset_to: int
    rule: str
    also: tuple[datetime, ...]


class _Onset(NamedTuple):
    at: datetime
    """UTC, naive."""
    before: int
    after: int

    def wall(self) -> datetime:
        """Return the first wall clock that has the new offset for certain.

        A wall clock that is skipped or repeated at the change keeps the old offset (RFC 5545 §3.3.5).
        """
        return self.at + timedelta(seconds=max(self.before, self.after))


class CustomZone(tzinfo):
    """A zone that only its VTIMEZONE describes."""

    def __init__(self, observances: tuple[Observance, ...]) -> None:
        self._observances = observances
        self._named = sorted(
            _onset(at, observance) for observance in observances for at in (observance.start, *observance.also)
        )
        self._years: dict[int, tuple[list[datetime], list[datetime], list[int]]] = {}
        self._budget = Budget(_STEPS)

    def utcoffset(self, moment: datetime | None) -> timedelta:
        """Return the offset of a wall clock, year by year; see `_Onset.wall` for skipped and repeated ones."""
        if moment is None:
            return _ZERO
        local = moment.replace(tzinfo=None)
        walls, _, offsets = self._year(clipped(local).year)
        return timedelta(seconds=offsets[bisect_right(walls, local)])

    def dst(self, moment: datetime | None) -> timedelta:
        """Return zero: nothing here asks which of the two names applies."""
        return _ZERO

    def tzname(self, moment: datetime | None) -> str:
        """Return a name for people who debug."""
        return "VTIMEZONE"

    def fromutc(self, moment: datetime) -> datetime:
        """Return the wall clock of a UTC time (tzinfo's contract: `moment` carries this zone)."""
        naive = moment.replace(tzinfo=None)
        _, onsets, offsets = self._year(clipped(naive).year)
        return moment + timedelta(seconds=offsets[bisect_right(onsets, naive)])

    def _year(self, year: int) -> tuple[list[datetime], list[datetime], list[int]]:
        """Return for one year, with its edges: first walls, UTC onsets, and one offset more than onsets."""
        known = self._years.get(year)
        if known is None:
            known = self._years[year] = self._work_out(year)
        return known

    def _work_out(self, year: int) -> tuple[list[datetime], list[datetime], list[int]]:
        low, high = datetime(max(year - 1, 1), 12, 1), datetime(year + 1, 2, 1)
        near = [onset for onset in self._named if low <= onset.at < high]
        earlier = [onset for onset in self._named if onset.at < low][-1:]
        for observance in self._observances:
            if observance.rule:
                repeated = self._repetitions(observance, low - _YEAR if low.year > 1 else low, high)
                near += [onset for onset in repeated if onset.at >= low]
                earlier += [onset for onset in repeated if onset.at < low][-1:]
        near = sorted(set(near))
        first = max(earlier) if earlier else None
        base = first.after if first else (near[0].before if near else self._named[0].before)
        return [onset.wall() for onset in near], [onset.at for onset in near], [base, *(o.after for o in near)]

    def _repetitions(self, observance: Observance, low: datetime, high: datetime) -> list[_Onset]:
        rule = parse_rule(observance.rule)
        until = rule.until
        offset = timedelta(seconds=observance.offset_from)
        last = (until.local + (offset if until.tzid else _ZERO)) if until else None
        if last is not None and last < low:
            # The rule has ended: what counts is how it ended.
            low, high = last - 2 * _YEAR, last + timedelta(seconds=1)
        found = instances(rule, observance.start, low, high + timedelta(days=2), self._budget)
        return [_onset(at, observance) for at in found if last is None or at <= last]


def _onset(at: datetime, observance: Observance) -> _Onset:
    return _Onset(clipped(at) - timedelta(seconds=observance.offset_from), observance.offset_from, observance.offset_to)


def parse_vtimezone(lines: Iterable[str]) -> tuple[str, tuple[Observance, ...]]:
    """Read the unfolded lines of one VTIMEZONE: its TZID and what it observes.

    A zone that cannot be read has no observances: the caller then falls back (rule P11).
    """
    tzid, observances = "", []
    properties: list[tuple[str, str]] | None = None
    try:
        for line in lines:
            head, _, value = line.partition(":")
            name, value = head.partition(";")[0].upper(), value.strip()
            if name == "BEGIN" and value.upper() in ("STANDARD", "DAYLIGHT"):
                properties = []
            elif name == "END" and properties is not None:
                observances.append(_observance(properties))
                properties = None
            elif properties is not None:
                properties.append((name, value))
            elif name == "TZID" and not tzid:
                tzid = value
    except (ItemUnreadable, ValueError):
        return tzid, ()
    rules = sum(1 for observance in observances if observance.rule)
    onsets = sum(1 + len(observance.also) for observance in observances)
    if rules > MOST_RULES or onsets > MOST_ONSETS:
        return tzid, ()
    return tzid, tuple(sorted(observances))


def _observance(properties: list[tuple[str, str]]) -> Observance:
    single = dict(reversed(properties))
    if "DTSTART" not in single:
        raise ItemUnreadable("bad_timezone")
    rules = [value.upper() for name, value in properties if name == "RRULE"]
    if len(rules) > 1 or not all(_cheap(parse_rule(rule)) for rule in rules):
        raise ItemUnreadable("bad_timezone")
    also = [
        parse_moment(part.partition("/")[0], "").local
        for name, value in properties
        if name == "RDATE"
        for part in value.split(",", MOST_ONSETS + 1)
    ]
    return Observance(
        parse_moment(single["DTSTART"], "").local,
        parse_offset(single.get("TZOFFSETFROM", single.get("TZOFFSETTO", ""))),
        parse_offset(single.get("TZOFFSETTO", "")),
        rules[0] if rules else "",
        tuple(sorted(also)),
    )


def _cheap(rule: Rule) -> bool:
    """Whether a rule is of the kind that clocks are changed by: some day of some month, every year."""
    return rule.freq is Frequency.YEARLY and bool(rule.by_month or not (rule.by_day or rule.by_week))


def parse_offset(value: str) -> int:
    """Read UTC-OFFSET (+hhmm or +hhmmss) as seconds east; raises ValueError beyond a day.

    >>> parse_offset("-0330"), parse_offset("+01")
    (-12600, 3600)
    """
    digits = value[1:]
    if value[:1] not in ("+", "-") or not (digits.isascii() and digits.isdecimal()) or len(digits) not in (2, 4, 6):
        raise ValueError("offset")
    hours, minutes, seconds = int(digits[:2]), int(digits[2:4] or 0), int(digits[4:6] or 0)
    if hours > 23 or minutes > 59 or seconds > 59:
        raise ValueError("offset")
    total = hours * 3600 + minutes * 60 + seconds
    return -total if value[0] == "-" else total
