"""Fill a demo in, and leave alone what is there already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta

from django.contrib.auth.hashers import make_password
from django.db import transaction

from calendars import selectors
from calendars.models import Calendar
from calendars.services import blocked, booking, calendars
from calendars.services.calendar_rules import HoursInput, MemberInput
from calendars.services.contacts import ContactInput
from icloud_sync.errors import ICloudError
from icloud_sync.models import ICloudConnection
from icloud_sync.services import choosing, connecting
from leadmagicx.accounts.models import User
from leadmagicx.demo.content import (
    APPOINTMENTS,
    BLOCKS,
    CALENDARS,
    USERS,
    DemoAppointment,
    DemoBlock,
    DemoCalendar,
    DemoUser,
)

PRIMARY = "Home"
CONFLICTS = ("Home", "Work")


@transaction.atomic
def fill_in(*, now: datetime) -> None:
    """Make the demo's users, calendars, appointments and blocked slots, as far as they are missing."""
    made = {found.username: _user(found) for found in USERS}
    users = {username: user for username, (user, _) in made.items()}
    new = {found.name: calendar for found in CALENDARS if (calendar := _calendar(found, users)) is not None}
    for appointment in APPOINTMENTS:
        if appointment.calendar in new:
            _book(appointment, new[appointment.calendar], by=users["staff"], now=now)
    for block in BLOCKS:
        user, is_new = made[block.username]
        if is_new:
            _block(block, user, now=now)


def connect(accounts: Sequence[Mapping[str, str]], *, now: datetime) -> list[str]:
    """Connect the demo's plain users to these accounts of the stand-in; return what did not work, in words.

    Somebody who was ever connected is left alone: they may have disconnected on purpose.
    """
    problems = []
    plain = [found.username for found in USERS if not found.is_staff]
    for username, account in zip(plain, accounts, strict=False):
        user = User.objects.get(username=username)
        if ICloudConnection.objects.filter(user=user).exists():
            continue
        try:
            _connect(user, account, now=now)
        except ICloudError as error:
            problems.append(f"{username} could not be connected to the stand-in ({type(error).__name__}).")
    return problems


def working_day(nth: int, *, today: date) -> date:
    """Return the nth Monday-to-Friday after today, counting from 0.

    >>> working_day(1, today=date(2026, 3, 5))  # a Thursday
    datetime.date(2026, 3, 9)
    """
    day = today
    for _ in range(nth + 1):
        day += timedelta(days=1)
        while day.weekday() > 4:
            day += timedelta(days=1)
    return day


def _user(found: DemoUser) -> tuple[User, bool]:
    return User.objects.get_or_create(
        username=found.username,
        defaults={
            "email": f"{found.username}@example.com",
            "password": make_password(found.password),
            "first_name": found.first_name,
            "last_name": found.last_name,
            "timezone": found.timezone,
            "is_staff": found.is_staff,
            "is_superuser": found.is_staff,
        },
    )


def _calendar(found: DemoCalendar, users: Mapping[str, User]) -> Calendar | None:
    """Return the calendar if it was made now, None if it was there."""
    if Calendar.objects.filter(name=found.name).exists():
        return None
    return calendars.create(
        values={"name": found.name, "type": found.type, **found.values},
        members=[
            MemberInput(user_id=users[name].pk, is_primary=number == 0) for number, name in enumerate(found.members)
        ],
        hours=[HoursInput(weekday, start, end) for weekday, (start, end) in found.hours.items()],
    )


def _book(found: DemoAppointment, calendar: Calendar, *, by: User, now: datetime) -> None:
    """Book the nth open time of the day, or the last one when there are fewer."""
    offer = selectors.offer_of(calendar.pk)
    day = working_day(found.day, today=now.astimezone(offer.hours.zone).date())
    free = selectors.free_slots(offer, first=day, last=day, zone=offer.hours.zone, now=now).days[day]
    if free:
        booking.book(
            calendar_id=calendar.pk,
            start=free[min(found.nth, len(free) - 1)],
            contact=ContactInput(found.name, found.email, found.phone),
            by=by,
            now=now,
            title=found.title,
            location=found.location,
            notes=found.notes,
        )


def _block(found: DemoBlock, user: User, *, now: datetime) -> None:
    day = working_day(found.day, today=now.astimezone(user.zone).date())
    start = datetime.combine(day, time(found.start_hour), user.zone)
    blocked.create(user=user, start=start, end=start + timedelta(hours=found.hours), title=found.title)


def _connect(user: User, account: Mapping[str, str], *, now: datetime) -> None:
    connection = connecting.connect(user=user, apple_id=account["apple_id"], password_text=account["password"], now=now)
    by_name = {calendar.name: calendar.pk for calendar in connection.calendars.all()}
    choosing.change_settings(
        user=user,
        now=now,
        primary_calendar_id=by_name.get(PRIMARY),
        conflict_calendar_ids=[by_name[name] for name in CONFLICTS if name in by_name],
    )
