"""Make and change calendars. What this alters in events already booked is told to the apps above."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Count, IntegerField, OuterRef, Subquery
from django.db.models.functions import Coalesce, Greatest
from django.utils.translation import gettext as _

from calendars import signals
from calendars.choices import AppointmentStatus, CalendarType
from calendars.models import Appointment, Calendar, DateOverride, Member, Session, WeeklyHours
from calendars.services.announce import sessions_did_change
from calendars.services.calendar_rules import (
    HoursInput,
    MemberInput,
    OverrideInput,
    check_hours,
    check_members,
    check_overrides,
)
from calendars.services.errors import InvalidState
from calendars.services.transactions import in_transaction, lock_calendar

# What iCloud events of a calendar depend on.
TOLD = ("name", "icloud_enabled", "seats_per_slot")


@in_transaction
def create(
    *,
    values: Mapping[str, Any],
    members: Sequence[MemberInput] = (),
    hours: Sequence[HoursInput] = (),
    overrides: Sequence[OverrideInput] = (),
) -> Calendar:
    """Make a calendar. Left out: `slot_interval` is the duration, `icloud_enabled` is true but for Simple (K2).

    Raises ValidationError.
    """
    calendar = Calendar(**values)
    if "slot_interval" not in values:
        calendar.slot_interval = calendar.slot_duration
    if "icloud_enabled" not in values:
        calendar.icloud_enabled = calendar.type != CalendarType.SIMPLE
    calendar.full_clean()
    calendar.save()
    _write_lists(calendar, members=members, hours=hours, overrides=overrides)
    return calendar


@in_transaction
def update(
    *,
    calendar_id: int,
    values: Mapping[str, Any],
    now: datetime,
    members: Sequence[MemberInput] | None = None,
    hours: Sequence[HoursInput] | None = None,
    overrides: Sequence[OverrideInput] | None = None,
) -> Calendar:
    """Change a calendar; lists that are not None replace the old ones. Raises Calendar.DoesNotExist, ValidationError.

    Appointments keep their time and hosts. A class's coming sessions get the new seats, never fewer than are taken.
    """
    lock_calendar(calendar_id)
    before = Calendar.objects.get(pk=calendar_id)
    calendar = Calendar.objects.get(pk=calendar_id)
    if values.get("type", calendar.type) != calendar.type:
        raise ValidationError({"type": ValidationError(_("The type of a calendar never changes."), code="immutable")})
    for name, value in values.items():
        setattr(calendar, name, value)
    calendar.full_clean()
    calendar.save()
    _write_lists(calendar, members=members, hours=hours, overrides=overrides)
    tell_changes(calendar, before=before, now=now)
    return calendar


@in_transaction
def delete(*, calendar_id: int) -> None:
    """Remove a calendar nobody has booked. Raises Calendar.DoesNotExist, and InvalidState while it has appointments."""
    lock_calendar(calendar_id)
    calendar = Calendar.objects.get(pk=calendar_id)
    if Appointment.objects.filter(calendar=calendar).exists():
        raise InvalidState(_("This calendar has appointments. Delete them first."))
    for session in Session.objects.filter(calendar=calendar):
        session.engagements.all().delete()
        session.delete()
    calendar.delete()


def tell_changes(calendar: Calendar, *, before: Calendar, now: datetime) -> None:
    """Bring coming sessions in line with a changed calendar, and tell the apps above. Call it in the transaction."""
    changed = [name for name in TOLD if getattr(before, name) != getattr(calendar, name)]
    if not changed:
        return
    coming = Session.objects.filter(calendar=calendar, active=True, is_class=True, end__gt=now)
    if "seats_per_slot" in changed:
        taken = (
            Appointment.objects.filter(session=OuterRef("pk"), status=AppointmentStatus.CONFIRMED)
            .order_by()
            .values("session")
            .values(count=Count("pk"))
        )
        counted = Coalesce(Subquery(taken, output_field=IntegerField()), 0)
        coming.update(seats=Greatest(counted, calendar.seats_per_slot))
    if "name" in changed or "seats_per_slot" in changed:
        sessions_did_change(coming.values_list("pk", flat=True))
    signals.calendar_changed.send(sender=Calendar, calendar_id=calendar.pk)


@contextmanager
def _about(name: str) -> Iterator[None]:
    """Name the list that a ValidationError is about."""
    try:
        yield
    except ValidationError as error:
        raise ValidationError({name: error}) from error


def _write_lists(
    calendar: Calendar,
    *,
    members: Sequence[MemberInput] | None,
    hours: Sequence[HoursInput] | None,
    overrides: Sequence[OverrideInput] | None,
) -> None:
    if members is not None:
        with _about("members"):
            check_members(calendar.kind, members)
        _write_members(calendar, members)
    if hours is not None:
        with _about("hours"):
            check_hours(hours)
        calendar.hours.all().delete()
        WeeklyHours.objects.bulk_create(
            WeeklyHours(calendar=calendar, weekday=row.weekday, start_minute=row.start, end_minute=row.end)
            for row in hours
        )
    if overrides is not None:
        with _about("date_overrides"):
            check_overrides(overrides)
        calendar.date_overrides.all().delete()
        DateOverride.objects.bulk_create(
            DateOverride(calendar=calendar, date=row.date, start_minute=start, end_minute=end)
            for row in overrides
            for start, end in row.intervals or ((None, None),)
        )


def _write_members(calendar: Calendar, members: Sequence[MemberInput]) -> None:
    """Replace the list. A calendar with members has a primary one: the marked one, else the first."""
    marked = any(member.is_primary for member in members)
    calendar.members.all().delete()
    rows = [
        Member(
            calendar=calendar,
            user_id=member.user_id,
            priority=member.priority,
            is_primary=member.is_primary if marked else position == 0,
            position=position,
        )
        for position, member in enumerate(members)
    ]
    for row in rows:
        row.clean_fields()
    Member.objects.bulk_create(rows)
