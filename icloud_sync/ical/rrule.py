"""RRULE as a value, refused early when it is broken, unsupported or a bomb (reliability §4)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

from icloud_sync.errors import ItemUnreadable
from icloud_sync.ical.values import Moment, parse_moment

LONGEST_RULE = 4096
"""Characters of one RRULE. BYYEARDAY with all 366 days takes 1,500."""
MOST_PER_PERIOD = 3000
"""Candidates that one day, week, month or year of a rule may have (CCS: 3,000 instances at all)."""

WEEKDAYS = {"MO": 0, "TU": 1, "WE": 2, "TH": 3, "FR": 4, "SA": 5, "SU": 6}


class Frequency(IntEnum):
    """FREQ. SECONDLY and MINUTELY are refused, so they have no value."""

    YEARLY = 0
    MONTHLY = 1
    WEEKLY = 2
    DAILY = 3
    HOURLY = 4


_DAYS_IN = {
    Frequency.YEARLY: 366,
    Frequency.MONTHLY: 31,
    Frequency.WEEKLY: 7,
    Frequency.DAILY: 1,
    Frequency.HOURLY: 1,
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One RRULE. `by_day` holds (ordinal or 0, weekday with Monday = 0)."""

    freq: Frequency
    interval: int = 1
    count: int | None = None
    until: Moment | None = None
    by_month: tuple[int, ...] = ()
    by_week: tuple[int, ...] = ()
    by_year_day: tuple[int, ...] = ()
    by_month_day: tuple[int, ...] = ()
    by_day: tuple[tuple[int, int], ...] = ()
    by_hour: tuple[int, ...] = ()
    by_minute: tuple[int, ...] = ()
    by_second: tuple[int, ...] = ()
    by_position: tuple[int, ...] = ()
    week_start: int = 0

    @property
    def plain(self) -> bool:
        """Whether days follow from INTERVAL and, in weeks, from weekdays alone: the two commonest rules."""
        if self.freq not in (Frequency.DAILY, Frequency.WEEKLY):
            return False
        if self.by_day and self.freq is Frequency.DAILY:
            return False
        return not (
            self.by_month
            or self.by_week
            or self.by_year_day
            or self.by_month_day
            or self.by_hour
            or self.by_minute
            or self.by_second
            or self.by_position
        )


def parse_rule(text: str) -> Rule:
    """Read the value of an RRULE.

    Raises ItemUnreadable: bad_rule, rule_unsupported (RSCALE, RFC 7529; fact 7.12), rule_too_frequent
    (SECONDLY, MINUTELY), rule_too_costly (more than 3,000 candidates in one period). Unknown parts are
    ignored: they could only make the rule rarer, and a rule read too often fails closed.
    """
    if len(text) > LONGEST_RULE:
        raise ItemUnreadable("bad_rule")
    return _parse(text.strip().upper())


@lru_cache(maxsize=512)
def _parse(text: str) -> Rule:
    parts = _parts(text)
    freq = _frequency(parts)
    if "RSCALE" in parts:
        raise ItemUnreadable("rule_unsupported")
    until = parts.get("UNTIL")
    try:
        rule = Rule(
            freq=freq,
            interval=_at_least_one(parts.get("INTERVAL", "1")),
            count=_at_least_one(parts["COUNT"]) if "COUNT" in parts else None,
            until=parse_moment(until, "") if until is not None else None,
            by_month=_numbers(parts.get("BYMONTH"), 1, 12),
            by_week=_numbers(parts.get("BYWEEKNO"), 1, 53, signed=True),
            by_year_day=_numbers(parts.get("BYYEARDAY"), 1, 366, signed=True),
            by_month_day=_numbers(parts.get("BYMONTHDAY"), 1, 31, signed=True),
            by_day=_weekdays(parts.get("BYDAY")),
            by_hour=_numbers(parts.get("BYHOUR"), 0, 23),
            by_minute=_numbers(parts.get("BYMINUTE"), 0, 59),
            by_second=_numbers(parts.get("BYSECOND"), 0, 60),
            by_position=_numbers(parts.get("BYSETPOS"), 1, 366, signed=True),
            week_start=WEEKDAYS[parts.get("WKST", "MO")],
        )
    except (ValueError, KeyError):
        raise ItemUnreadable("bad_rule") from None
    except ItemUnreadable:
        raise ItemUnreadable("bad_rule") from None
    times = max(1, len(rule.by_hour)) * max(1, len(rule.by_minute)) * max(1, len(rule.by_second))
    if times * _most_days(rule) > MOST_PER_PERIOD:
        raise ItemUnreadable("rule_too_costly")
    return rule


def _parts(text: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for part in text.split(";"):
        if not part:
            continue
        name, equals, value = part.partition("=")
        if not equals or name in parts:
            raise ItemUnreadable("bad_rule")
        parts[name.strip()] = value.strip()
    return parts


def _frequency(parts: dict[str, str]) -> Frequency:
    name = parts.get("FREQ", "")
    if name in ("SECONDLY", "MINUTELY"):
        raise ItemUnreadable("rule_too_frequent")
    try:
        return Frequency[name]
    except KeyError:
        raise ItemUnreadable("bad_rule") from None


def _number(text: str) -> int:
    """Read a number as RFC 5545 writes it; int() alone would take "1_0", " 1" and Arabic digits."""
    digits = text[1:] if text[:1] in ("+", "-") else text
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 9):
        raise ValueError(text[:20])
    return int(text)


def _at_least_one(text: str) -> int:
    number = _number(text)
    if number < 1:
        raise ValueError(text[:20])
    return number


def _numbers(text: str | None, low: int, high: int, *, signed: bool = False) -> tuple[int, ...]:
    if text is None:
        return ()
    found = {_number(part.strip()) for part in text.split(",")}
    for number in found:
        if not (low <= number <= high or (signed and low <= -number <= high)):
            raise ValueError(text[:20])
    return tuple(sorted(found))


def _weekdays(text: str | None) -> tuple[tuple[int, int], ...]:
    if text is None:
        return ()
    found = set()
    for part in text.split(","):
        part = part.strip()
        ordinal = _number(part[:-2]) if len(part) > 2 else 0
        if len(part) > 2 and not 1 <= abs(ordinal) <= 53:
            raise ValueError(part[:20])
        found.add((ordinal, WEEKDAYS[part[-2:]]))
    return tuple(sorted(found))


def _most_days(rule: Rule) -> int:
    """Return the largest number of days that one period of the rule can have."""
    most = _DAYS_IN[rule.freq]
    if rule.freq is Frequency.YEARLY and rule.by_month:
        most = 31 * len(rule.by_month)
    if rule.by_year_day:
        most = min(most, len(rule.by_year_day))
    if rule.by_month_day:
        months = len(rule.by_month) or 12
        most = min(most, len(rule.by_month_day) * (months if rule.freq is Frequency.YEARLY else 1))
    if rule.by_day and rule.freq in (Frequency.YEARLY, Frequency.MONTHLY):
        weeks = 53 if rule.freq is Frequency.YEARLY else 5
        most = min(most, sum(1 if ordinal else weeks for ordinal, _ in rule.by_day))
        if rule.freq is Frequency.YEARLY and rule.by_month:
            most = max(most, min(31, len(rule.by_day)) * len(rule.by_month))
    if not (rule.by_week or rule.by_year_day or rule.by_month_day or rule.by_day):
        most = len(rule.by_month) or 1 if rule.freq is Frequency.YEARLY else 1
    return most
