"""The value types of RFC 5545 that calendars need: dates, times, durations, text."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import NamedTuple

from icloud_sync.errors import ItemUnreadable

EARLIEST = datetime(1900, 1, 1)
"""Nothing before this is kept: earlier times are clipped to it (reliability §4)."""
LATEST = datetime(2200, 1, 1)
"""Nothing after this is kept."""

_DAY = timedelta(days=1)
_DURATION = re.compile(
    r"([+-]?)P(?:(\d{1,9})W)?(?:(\d{1,9})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})S)?)?", re.ASCII
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_WHITESPACE = re.compile(r"\s+")
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")
_LONGEST_DAYS = 4_000_000


class Moment(NamedTuple):
    """A DATE or DATE-TIME as written: wall clock and the name of its zone.

    `tzid` is "UTC" for a time ending in Z, "" for floating times and dates. A date has midnight in `local`.
    """

    local: datetime
    tzid: str
    all_day: bool

    @property
    def floating(self) -> bool:
        """Whether the time belongs to whoever looks at it (RFC 5545 §3.3.5, form 1). A date floats too."""
        return not self.tzid

    def text(self) -> str:
        """Return the value as RFC 5545 writes it, without the TZID parameter.

        >>> Moment(datetime(2026, 11, 2, 9), "UTC", False).text()
        '20261102T090000Z'
        """
        # Half of what strftime costs, and years before 1000 have four digits too.
        basic = self.local.isoformat(timespec="seconds").replace("-", "").replace(":", "")
        if self.all_day:
            return basic[:8]
        return basic + "Z" if self.tzid == "UTC" else basic


class Span(NamedTuple):
    """A DURATION: days are nominal (the wall clock stays), seconds are exact (RFC 5545 §3.3.6)."""

    days: int
    seconds: int

    def delta(self) -> timedelta:
        """Return the length with every day counted as 24 hours."""
        return timedelta(days=self.days, seconds=self.seconds)


def parse_moment(value: str, tzid: str, *, date_wanted: bool = False) -> Moment:
    """Read a DATE or DATE-TIME; the form of the value decides which, for servers forget VALUE=DATE.

    `date_wanted` is VALUE=DATE: midnight then counts as a date. Raises ItemUnreadable("bad_date").
    """
    try:
        if len(value) == 8:
            if value.isdecimal():
                return Moment(datetime.fromisoformat(value), "", True)
        elif value[8] == "T" and value[:8].isdecimal():
            if len(value) == 15:
                local = datetime.fromisoformat(value)
                if date_wanted and value.endswith("T000000"):
                    return Moment(local, "", True)
                return Moment(local, tzid, False)
            if len(value) == 16 and value[15] in "Zz":
                return Moment(datetime.fromisoformat(value[:15]), "UTC", False)
    except (ValueError, IndexError):
        pass
    return _odd_moment(value, tzid, date_wanted=date_wanted)


def _odd_moment(value: str, tzid: str, *, date_wanted: bool) -> Moment:
    """Read what is nearly right: surrounding blanks, a leap second, 24:00."""
    stripped = value.strip()
    if stripped != value:
        return parse_moment(stripped, tzid, date_wanted=date_wanted)
    if len(value) in (15, 16) and value[8] == "T" and value[9:15].isdecimal():
        if value[13:15] == "60":
            return parse_moment(value[:13] + "59" + value[15:], tzid, date_wanted=date_wanted)
        if value[9:15] == "240000":
            midnight = parse_moment(value[:9] + "000000" + value[15:], tzid)
            return midnight._replace(local=shifted(midnight.local, days=1))
    raise ItemUnreadable("bad_date")


def parse_span(value: str) -> Span:
    """Read a DURATION; the sign applies to both parts. Raises ItemUnreadable("bad_duration").

    >>> parse_span("P1DT2H"), parse_span("-PT15M")
    (Span(days=1, seconds=7200), Span(days=0, seconds=-900))
    """
    match = _DURATION.fullmatch(value.strip().upper())
    if match is None or not any(match.groups()[1:]):
        raise ItemUnreadable("bad_duration")
    sign = -1 if match[1] == "-" else 1
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups()[1:])
    span = Span(sign * (7 * weeks + days), sign * (3600 * hours + 60 * minutes + seconds))
    if abs(span.days) + abs(span.seconds) // 86_400 > _LONGEST_DAYS:
        raise ItemUnreadable("bad_duration")
    return span


def shifted(local: datetime, *, days: int = 0, seconds: int = 0) -> datetime:
    """Move a wall clock; what falls off the ends of the calendar stays at the end."""
    try:
        return local + timedelta(days=days, seconds=seconds)
    except OverflowError:
        return datetime.max.replace(microsecond=0) if days + seconds > 0 else datetime.min


def clipped(local: datetime) -> datetime:
    """Keep a wall clock within 1900..2200, so that no conversion to UTC can overflow."""
    return min(max(local, EARLIEST), LATEST)


def unescaped(value: str) -> str:
    """Undo the escapes of TEXT: \\n and \\N are line breaks, a backslash before anything else goes."""
    if "\\" not in value:
        return value
    return _ESCAPE.sub(lambda match: "\n" if match[1] in "nN" else match[1], value)


def one_line(value: str, *, limit: int) -> str:
    """Return TEXT as one line of at most `limit` characters, for titles and places.

    The raw value is cut first: a title of a megabyte costs no more than a short one.
    """
    text = unescaped(value[: 2 * limit])
    if not text.isprintable() or "  " in text or text[:1] == " " or text[-1:] == " ":
        text = _WHITESPACE.sub(" ", _CONTROLS.sub("", text)).strip()
    return text[:limit]
