"""What a calendar must look like: one place for REST and admin, with the same codes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from calendars.choices import CalendarType
from calendars.models.calendar import DAY


@dataclass(frozen=True, slots=True)
class MemberInput:
    """A member as it is to be; list order is the order given."""

    user_id: int
    priority: float = 0.0
    is_primary: bool = False


@dataclass(frozen=True, slots=True)
class HoursInput:
    """One interval of a weekday (0 is Monday), in minutes after midnight; 1440 is 24:00."""

    weekday: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class OverrideInput:
    """The intervals of one date; none closes it."""

    date: date
    intervals: tuple[tuple[int, int], ...] = ()


def check_members(kind: CalendarType, members: Sequence[MemberInput]) -> None:
    """Raise ValidationError unless this type may have these members (contract.md, calendars)."""
    count, users = len(members), {member.user_id for member in members}
    if len(users) != count:
        raise ValidationError(_("A user can be a member only once."), code="duplicate_member")
    match kind:
        case CalendarType.CLASS_BOOKING if count != 1:
            raise ValidationError(_("A class has exactly one member: its owner."), code="class_needs_one_owner")
        case CalendarType.COLLECTIVE if count < 2:
            raise ValidationError(_("A collective calendar has two members or more."), code="collective_needs_two")
        case CalendarType.ROUND_ROBIN | CalendarType.SERVICE if count < 1:
            raise ValidationError(_("This calendar needs at least one member."), code="member_required")
        case CalendarType.SIMPLE if count > 1:
            raise ValidationError(_("A Simple calendar has one member at most."), code="simple_has_one_member")
    if sum(member.is_primary for member in members) > 1:
        raise ValidationError(_("Only one member can be the primary one."), code="one_primary")


def check_hours(hours: Iterable[HoursInput]) -> None:
    """Raise ValidationError when an interval is out of order, or two of a weekday overlap."""
    by_weekday: dict[int, list[tuple[int, int]]] = {}
    for interval in hours:
        if not 0 <= interval.weekday <= 6:
            raise ValidationError(_("Weekdays go from 0 (Monday) to 6."), code="invalid")
        by_weekday.setdefault(interval.weekday, []).append((interval.start, interval.end))
    for intervals in by_weekday.values():
        check_intervals(intervals)


def check_overrides(overrides: Sequence[OverrideInput]) -> None:
    """Raise ValidationError when a date comes twice or its intervals are wrong."""
    if len({override.date for override in overrides}) != len(overrides):
        raise ValidationError(_("Give each date once, with all its intervals."), code="duplicate_date")
    for override in overrides:
        check_intervals(override.intervals)


def check_intervals(intervals: Iterable[tuple[int, int]]) -> None:
    """Raise ValidationError unless each ends after it starts, within one day, and none overlap."""
    reached = 0
    for start, end in sorted(intervals):
        if not 0 <= start < end <= DAY:
            raise ValidationError(_("Hours must end after they start, on one day."), code="hours_out_of_order")
        if start < reached:
            raise ValidationError(_("Hours of one day must not overlap."), code="hours_overlap")
        reached = end
