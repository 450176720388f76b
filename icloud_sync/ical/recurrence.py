"""The local times that one RRULE gives, from a point on, in order, without walking up to it.

Everything here is wall clock: naive datetimes of the event's own zone, so that local time is kept over
DST changes. The caller converts to UTC, applies UNTIL exactly, and takes out what is excluded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from itertools import chain
from typing import Final

from icloud_sync.errors import ItemUnreadable
from icloud_sync.ical.rrule import Frequency, Rule

_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
_LAST_YEAR: Final = 9998


class Budget:
    """How many days (or hours) all rules of one event may look at; about 0.3 s of CPU when spent.

    Raises ItemUnreadable("rule_too_costly") when it is spent.
    """

    __slots__ = ("left",)

    def __init__(self, steps: int = 120_000) -> None:
        self.left = steps

    def spend(self, steps: int) -> None:
        """Take `steps` off."""
        self.left -= steps
        if self.left < 0:
            raise ItemUnreadable("rule_too_costly")


def instances(rule: Rule, start: datetime, low: datetime, high: datetime, budget: Budget) -> Iterator[datetime]:
    """Yield the rule's local times t with low <= t < high and t >= start, ascending.

    COUNT is counted from `start`; UNTIL is not looked at. `start` itself comes only if the rule gives it.
    """
    if rule.plain:
        step = _daily if rule.freq is Frequency.DAILY else _weekly
        return step(rule, start, low, high)
    return _general(rule, start, low, high, budget)


def _daily(rule: Rule, start: datetime, low: datetime, high: datetime) -> Iterator[datetime]:
    step = timedelta(days=rule.interval)
    index = max(0, -((start - low) // step))
    last = rule.count if rule.count is not None else None
    while last is None or index < last:
        try:
            at = start + index * step
        except OverflowError:
            return
        if at >= high:
            return
        yield at
        index += 1


def _weekly(rule: Rule, start: datetime, low: datetime, high: datetime) -> Iterator[datetime]:
    """Weeks begin on WKST, which matters when INTERVAL is above 1 (RFC 5545 §3.3.10)."""
    own = (start.weekday() - rule.week_start) % 7
    days = sorted({(day - rule.week_start) % 7 for _, day in rule.by_day}) or [own]
    skipped = sum(1 for day in days if day < own)
    step = 7 * rule.interval
    into = start.toordinal() - own
    week = max(0, (low.toordinal() - into - 6) // step)
    clock = start.time()
    while True:
        base = into + week * step
        for place, day in enumerate(days):
            if rule.count is not None and week * len(days) + place - skipped >= rule.count:
                return
            if base + day > date.max.toordinal():
                return
            at = datetime.combine(date.fromordinal(base + day), clock)
            if at >= high:
                return
            if at >= low and at >= start:
                yield at
        week += 1


def _general(rule: Rule, start: datetime, low: datetime, high: datetime, budget: Budget) -> Iterator[datetime]:
    """Any rule, one period (year, month, week, day, hour) after the other."""
    counted = 0
    for candidates in _periods(rule, start, start if rule.count is not None else low, high, budget):
        for at in _positions(rule, candidates):
            if at < start:
                continue
            counted += 1
            if rule.count is not None and counted > rule.count:
                return
            if at >= high:
                return
            if at >= low:
                yield at


def _positions(rule: Rule, candidates: list[datetime]) -> list[datetime]:
    """Apply BYSETPOS to the candidates of one period."""
    if not rule.by_position:
        return candidates
    size = len(candidates)
    wanted = {at - 1 if at > 0 else size + at for at in rule.by_position}
    return [candidates[index] for index in sorted(wanted) if 0 <= index < size]


def _periods(rule: Rule, start: datetime, low: datetime, high: datetime, budget: Budget) -> Iterator[list[datetime]]:
    """Yield the sorted candidates of each period that can touch [low, high)."""
    if rule.freq is Frequency.HOURLY:
        yield from _hours(rule, start, low, high, budget)
        return
    times = _times(rule, start)
    days_of = _day_source(rule, start, budget)
    low_day, high_day = max(low, start).date(), high.date()
    for first, following in _spans(rule, start.date(), low_day):
        if first > high_day:
            return
        days = days_of(first, following)
        budget.spend(4 + len(days) * (4 + len(times)) // 4)
        yield [datetime.combine(day, clock) for day in days for clock in times]


def _times(rule: Rule, start: datetime) -> list[time]:
    seconds = sorted({min(second, 59) for second in rule.by_second}) or [start.second]
    return [
        time(hour, minute, second)
        for hour in rule.by_hour or (start.hour,)
        for minute in rule.by_minute or (start.minute,)
        for second in seconds
    ]


def _spans(rule: Rule, start: date, low: date) -> Iterator[tuple[date, date]]:
    """Yield (first day, day after the last) of the periods from the one that holds `low`, in INTERVAL steps."""
    if rule.freq is Frequency.YEARLY:
        year = start.year + max(0, (low.year - start.year) // rule.interval) * rule.interval
        while year <= _LAST_YEAR:
            yield date(year, 1, 1), date(year + 1, 1, 1)
            year += rule.interval
    elif rule.freq is Frequency.MONTHLY:
        origin = start.year * 12 + start.month - 1
        month = origin + max(0, (low.year * 12 + low.month - 1 - origin) // rule.interval) * rule.interval
        while month // 12 <= _LAST_YEAR:
            yield date(month // 12, month % 12 + 1, 1), date((month + 1) // 12, (month + 1) % 12 + 1, 1)
            month += rule.interval
    else:
        length = 7 if rule.freq is Frequency.WEEKLY else 1
        origin = start.toordinal() - ((start.weekday() - rule.week_start) % 7 if length == 7 else 0)
        step = length * rule.interval
        first = origin + max(0, (low.toordinal() - origin) // step) * step
        first = max(first, origin + step if first < 1 else first)
        while first + length <= date.max.toordinal():
            yield date.fromordinal(first), date.fromordinal(first + length)
            first += step


def _hours(rule: Rule, start: datetime, low: datetime, high: datetime, budget: Budget) -> Iterator[list[datetime]]:
    base = start.replace(minute=0, second=0)
    step = rule.interval * _HOUR
    wanted = _day_test(rule)
    minutes = _times(rule, start.replace(hour=0)) if not rule.by_hour else None
    clocks = minutes or sorted({clock.replace(hour=0) for clock in _times(rule, start)})
    try:
        at = base + max(0, (max(low, start) - base) // step) * step
        while at < high:
            budget.spend(1 + len(clocks) // 2)
            if (not rule.by_hour or at.hour in rule.by_hour) and wanted(at.date()):
                yield [at.replace(minute=clock.minute, second=clock.second) for clock in clocks]
            at += step
    except OverflowError:
        return


Days = Callable[[date, date], list[date]]


def _day_source(rule: Rule, start: datetime, budget: Budget) -> Days:
    """Return the function that lists the days of one period which the rule allows, ascending."""
    unnamed = not (rule.by_week or rule.by_year_day or rule.by_month_day or rule.by_day)
    if rule.freq in (Frequency.YEARLY, Frequency.MONTHLY) and (unnamed or _only_month_days(rule)):
        return _month_days(rule, start)
    if not (rule.by_week or rule.by_year_day or rule.by_month_day):
        if rule.freq is Frequency.MONTHLY:
            return _weekdays_of_month(rule)
        if rule.freq is Frequency.YEARLY and rule.by_month:
            return _weekdays_of_months(rule)
    return _tested_days(rule, start, budget)


def _tested_days(rule: Rule, start: datetime, budget: Budget) -> Days:
    """Any other rule: every day of the period is held against every part of it."""
    # A weekday that the rule does not name is that of DTSTART (RFC 5545 §3.3.10).
    unnamed = not (rule.by_year_day or rule.by_month_day or rule.by_day)
    if unnamed and (rule.by_week or rule.freq is Frequency.WEEKLY):
        rule = replace(rule, by_day=((0, start.weekday()),))
    wanted = _day_test(rule)
    months = rule.by_month if rule.freq is Frequency.YEARLY else ()

    def days(first: date, following: date) -> list[date]:
        spans = [(first, following)]
        if months:
            openings = [date(first.year, month, 1) for month in months]
            spans = [(day, day + timedelta(days=_month_length(day.year, day.month))) for day in openings]
        found: list[date] = []
        for begin, end in spans:
            budget.spend((end - begin).days)
            found += filter(wanted, map(date.fromordinal, range(begin.toordinal(), end.toordinal())))
        return found

    return days


def _only_month_days(rule: Rule) -> bool:
    return bool(rule.by_month_day) and not (rule.by_week or rule.by_year_day or rule.by_day)


def _month_days(rule: Rule, start: datetime) -> Days:
    """YEARLY or MONTHLY on days of the month; DTSTART gives what the rule does not name."""
    numbers = rule.by_month_day or (start.day,)
    months = rule.by_month or (tuple(range(1, 13)) if rule.by_month_day else (start.month,))

    def in_month(year: int, month: int) -> list[date]:
        length = _month_length(year, month)
        found = {number if number > 0 else length + number + 1 for number in numbers}
        return [date(year, month, day) for day in sorted(found) if 1 <= day <= length]

    if rule.freq is Frequency.MONTHLY:
        return lambda first, _: (
            in_month(first.year, first.month) if not rule.by_month or first.month in rule.by_month else []
        )
    return lambda first, _: list(chain.from_iterable(in_month(first.year, month) for month in months))


def _weekdays_of_month(rule: Rule) -> Days:
    """MONTHLY;BYDAY, with or without ordinals."""

    def days(first: date, following: date) -> list[date]:
        if rule.by_month and first.month not in rule.by_month:
            return []
        length = (following - first).days
        opening = first.weekday()
        found: set[int] = set()
        for ordinal, weekday in rule.by_day:
            earliest = 1 + (weekday - opening) % 7
            every = range(earliest, length + 1, 7)
            if not ordinal:
                found.update(every)
            elif abs(ordinal) <= len(every):
                found.add(every[ordinal - 1 if ordinal > 0 else ordinal])
        return [first.replace(day=day) for day in sorted(found)]

    return days


def _weekdays_of_months(rule: Rule) -> Days:
    """YEARLY;BYMONTH;BYDAY, the rule of nearly every VTIMEZONE: ordinals count within the month."""
    of_month = _weekdays_of_month(rule)

    def days(first: date, _: date) -> list[date]:
        found: list[date] = []
        for month in rule.by_month:
            opening = date(first.year, month, 1)
            found += of_month(opening, opening + timedelta(days=_month_length(first.year, month)))
        return found

    return days


def _day_test(rule: Rule) -> Callable[[date], bool]:
    """Return the predicate of the rule's day parts, each of which must agree (RFC 5545, table on p. 44)."""
    tests: list[Callable[[date], bool]] = []
    if rule.by_month:
        months = frozenset(rule.by_month)
        tests.append(lambda day: day.month in months)
    if rule.by_month_day:
        numbers = frozenset(rule.by_month_day)
        tests.append(lambda day: day.day in numbers or day.day - _month_length(day.year, day.month) - 1 in numbers)
    if rule.by_year_day:
        ordinals = frozenset(rule.by_year_day)
        tests.append(lambda day: _year_day(day) in ordinals or _year_day(day) - _year_length(day) - 1 in ordinals)
    if rule.by_week:
        weeks = frozenset(rule.by_week)
        tests.append(lambda day: not weeks.isdisjoint(_week_numbers(day, rule.week_start)))
    if rule.by_day:
        tests.append(_weekday_test(rule))
    return lambda day: all(test(day) for test in tests)


def _weekday_test(rule: Rule) -> Callable[[date], bool]:
    """Ordinals count within the month, or within the year for YEARLY without BYMONTH; elsewhere they are ignored."""
    with_ordinals = rule.freq is Frequency.MONTHLY or (rule.freq is Frequency.YEARLY and not rule.by_week)
    in_year = rule.freq is Frequency.YEARLY and not rule.by_month
    plain = frozenset(day for ordinal, day in rule.by_day if not ordinal or not with_ordinals)
    nth = frozenset((ordinal, day) for ordinal, day in rule.by_day if ordinal and with_ordinals)

    def test(day: date) -> bool:
        weekday = day.weekday()
        if weekday in plain:
            return True
        if not nth:
            return False
        place, length = (
            (_year_day(day), _year_length(day)) if in_year else (day.day, _month_length(day.year, day.month))
        )
        return ((place - 1) // 7 + 1, weekday) in nth or (-((length - place) // 7 + 1), weekday) in nth

    return test


def _month_length(year: int, month: int) -> int:
    if month == 2:
        return 29 if _leap(year) else 28
    return 30 if month in (4, 6, 9, 11) else 31


def _leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _year_day(day: date) -> int:
    return day.toordinal() - date(day.year, 1, 1).toordinal() + 1


def _year_length(day: date) -> int:
    return 366 if _leap(day.year) else 365


def _week_numbers(day: date, week_start: int) -> tuple[int, int]:
    """Return the number of the day's week, from the front and (negative) from the back of its week year.

    Week 1 is the first with at least four days in the year, weeks beginning on `week_start`.
    """
    monday = day.toordinal() - (day.weekday() - week_start) % 7
    middle = date.fromordinal(monday + 3)
    number = (middle.toordinal() - date(middle.year, 1, 1).toordinal()) // 7 + 1
    remaining = (date(middle.year, 12, 31).toordinal() - middle.toordinal()) // 7
    return number, -(remaining + 1)
