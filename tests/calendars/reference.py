"""Availability the slow and obvious way: a look at the wall clock every minute, a loop for each sentence.

It shares no code with calendars.rules but the values a question is made of.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from calendars.rules.availability import HostTime, Question, Shape, Taken
from calendars.rules.hours import Hours
from calendars.rules.reasons import Code

MINUTE = 60


def grid(hours: Hours, day: date, *, step: int, length: int) -> list[int]:
    """Return the starts of one date: walk along every second minute-wise, and ask what the clock on the wall shows."""
    found: set[int] = set()
    written = hours.overrides[day] if day in hours.overrides else hours.weekly.get(day.weekday(), [])
    for begin, finish in written:
        walls = wall_times(day, hours.zone)
        inside = [moment for moment, shown, minute in walls if shown == day and begin <= minute < finish]
        if not inside:
            continue
        opens = inside[0]
        # A wall time that comes twice means the first: hours that end in the repeated hour end in its first round.
        closes = next(
            moment
            for moment, shown, minute in walls
            if moment >= opens and (shown > day or (shown == day and minute >= finish))
        )
        start = opens
        while start + length <= closes:
            found.add(start)
            start += step
    return sorted(found)


@cache
def wall_times(day: date, zone: ZoneInfo) -> list[tuple[int, date, int]]:
    """Return (instant, date, minute of the day) for every minute that could be on a date, whatever the zone."""
    noon = int(datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp())
    moments = range(noon - 40 * 3600, noon + 40 * 3600, MINUTE)
    walls = [datetime.fromtimestamp(moment, zone) for moment in moments]
    return [(moment, wall.date(), wall.hour * 60 + wall.minute) for moment, wall in zip(moments, walls, strict=True)]


def codes(question: Question, start: int) -> list[tuple[Code, int | None]]:
    """Return (code, host) of every reason, in the order of the checks; nothing when the start is open."""
    found = _calendar_codes(question, start)
    people = {host.host: _host_codes(question, host, start) for host in question.hosts}
    sitting = question.sittings.get(start)
    full = sitting is not None and sitting.taken >= sitting.seats
    match question.terms.shape:
        case Shape.ANY | Shape.CLASS:
            is_closed = full or not any(reasons == [] for reasons in people.values())
        case Shape.ALL:
            is_closed = not people or any(reasons != [] for reasons in people.values())
    if not is_closed:
        return found
    if not people:
        found.append((Code.NO_MEMBER, None))
    if question.terms.shape is Shape.ALL and any(people.values()):
        found.append((Code.COLLECTIVE, None))
    for reasons in people.values():
        found += reasons
    if full:
        found.append((Code.SEATS, None))
    return found


def _calendar_codes(question: Question, start: int) -> list[tuple[Code, int | None]]:
    terms, found = question.terms, list[tuple[Code, int | None]]()
    if start - question.now < terms.notice:
        found.append((Code.NOTICE, None))
    today = datetime.fromtimestamp(question.now, terms.zone).date()
    day = datetime.fromtimestamp(start, terms.zone).date()
    if day - today > timedelta(days=terms.window_days):
        found.append((Code.TOO_FAR, None))
    if terms.max_per_day is not None and question.booked.get(day, 0) >= terms.max_per_day:
        found.append((Code.DAY_LIMIT, None))
    return found


def _host_codes(question: Question, host: HostTime, start: int) -> list[tuple[Code, int | None]]:
    terms, end = question.terms, start + question.terms.length
    found: list[Code] = []
    others = [item for item in host.taken if not _is_own_seat(question, item, start)]
    found += [Code.BOOKED for item in others if _overlap(start, end, item.start, item.end)]
    for item in others:
        near = _overlap(start - terms.before, end + terms.after, item.start, item.end) or _overlap(
            start, end, item.start - item.before, item.end + item.after
        )
        if near and not _overlap(start, end, item.start, item.end):
            found.append(Code.BUFFER)
    blocks = [block for block in host.blocks if block.start < block.end]
    found += [Code.BLOCKED for block in blocks if not block.icloud and _overlap(start, end, block.start, block.end)]
    found += [Code.ICLOUD_BUSY for block in blocks if block.icloud and _overlap(start, end, block.start, block.end)]
    month = datetime.fromtimestamp(start, terms.zone)
    if host.host in question.passed_over.get((month.year, month.month), frozenset()):
        found.append(Code.NO_MEMBER)
    if host.horizon is not None and end > host.horizon:
        found.append(Code.HORIZON)
    return [(code, host.host) for code in found]


def _is_own_seat(question: Question, item: Taken, start: int) -> bool:
    sitting = question.sittings.get(start)
    return sitting is not None and item.own_class and item.session == sitting.session


def _overlap(start: int, end: int, other_start: int, other_end: int) -> bool:
    return start < other_end and other_start < end
