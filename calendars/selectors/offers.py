"""A calendar with its members and hours, in one query."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from calendars.choices import CalendarType
from calendars.models import Calendar
from calendars.rules.availability import Shape, Terms
from calendars.rules.hours import Hours, Minutes
from calendars.selectors import rows
from calendars.zones import zone

MINUTE = 60
SHAPES = {
    CalendarType.SIMPLE: Shape.ANY,
    CalendarType.SERVICE: Shape.ANY,
    CalendarType.ROUND_ROBIN: Shape.ANY,
    CalendarType.COLLECTIVE: Shape.ALL,
    CalendarType.CLASS_BOOKING: Shape.CLASS,
}


class Named(Protocol):
    """What a name is made of."""

    first_name: str
    last_name: str
    username: str


@dataclass(frozen=True, slots=True)
class MemberInfo:
    """A member, with the name people know."""

    user_id: int
    name: str
    priority: float
    is_primary: bool


@dataclass(frozen=True)
class Offer:
    """What a calendar offers, before anybody's time is looked at. Members are in list order."""

    calendar: Calendar
    members: list[MemberInfo]
    hours: Hours

    @property
    def member_ids(self) -> list[int]:
        return [member.user_id for member in self.members]

    @property
    def names(self) -> dict[int, str]:
        return {member.user_id: member.name for member in self.members}

    @property
    def primary_id(self) -> int | None:
        """The member marked as primary, else the first."""
        marked = [member.user_id for member in self.members if member.is_primary]
        return next(iter([*marked, *self.member_ids]), None)

    def terms(self, *, length: int | None = None) -> Terms:
        """Return the calendar's terms; `length` (seconds) replaces the slot duration."""
        calendar = self.calendar
        return Terms(
            shape=SHAPES[calendar.kind],
            zone=self.hours.zone,
            length=length or calendar.slot_duration * MINUTE,
            before=calendar.buffer_before * MINUTE,
            after=calendar.buffer_after * MINUTE,
            notice=calendar.minimum_notice * MINUTE,
            window_days=calendar.booking_window_days,
            max_per_day=calendar.max_per_day,
        )


def host_name(user: Named) -> str:
    """Return what a host is called in sentences: the full name, else the user name."""
    return f"{user.first_name} {user.last_name}".strip() or user.username


def offer_of(calendar_id: int) -> Offer:
    """Return a calendar's offer. Raises Calendar.DoesNotExist."""
    calendar, members, weekly, overrides = rows.calendar_with_lists(calendar_id)
    return Offer(
        calendar=calendar,
        members=[
            MemberInfo(user, full_name or username, priority, is_primary)
            for user, full_name, username, priority, is_primary in members
        ],
        hours=_hours(calendar.timezone, weekly, overrides),
    )


def _hours(zone_name: str, weekly: Iterable[list[Any]], overrides: Iterable[list[Any]]) -> Hours:
    by_weekday: dict[int, list[Minutes]] = defaultdict(list)
    for weekday, start, end in weekly:
        by_weekday[weekday].append((start, end))
    by_date: dict[date, list[Minutes]] = defaultdict(list)
    for day, start, end in overrides:
        intervals = by_date[date.fromisoformat(day)]
        if start is not None:
            intervals.append((start, end))
    return Hours(zone(zone_name), dict(by_weekday), dict(by_date))
