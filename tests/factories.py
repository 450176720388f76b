"""Rows for tests, made the way the product makes them: through the services."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

import factory
from factory.django import DjangoModelFactory

from calendars.choices import CalendarType
from calendars.models import Appointment, BlockedSlot, Calendar, Contact
from calendars.services import blocked, booking, calendars
from calendars.services.calendar_rules import HoursInput, MemberInput, OverrideInput
from calendars.services.contacts import ContactInput
from leadmagicx.accounts.models import User

ALL_DAY_LONG = [(weekday, 0, 1440) for weekday in range(7)]
OFFICE_HOURS = [(weekday, 9 * 60, 17 * 60) for weekday in range(5)]
PASSWORD = "correct-horse-battery"


class UserFactory(DjangoModelFactory):
    """A host: `UserFactory(first_name="Ada", timezone="Europe/Berlin")`."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda number: f"user{number}")
    email = factory.LazyAttribute(lambda user: f"{user.username}@example.com")
    first_name = ""
    timezone = "UTC"

    @classmethod
    def _create(cls, model_class: type[User], *args: Any, **kwargs: Any) -> User:
        return model_class.objects.create_user(*args, **kwargs)


class StaffFactory(UserFactory):
    is_staff = True


class ContactFactory(DjangoModelFactory):
    """A client of `owner`."""

    class Meta:
        model = Contact

    owner = factory.SubFactory(UserFactory)
    name = factory.Sequence(lambda number: f"Client {number}")
    email = factory.Sequence(lambda number: f"client{number}@example.com")


def make_calendar(
    kind: CalendarType | str = CalendarType.SERVICE,
    *,
    members: Sequence[User | MemberInput] = (),
    hours: Iterable[tuple[int, int, int]] = ALL_DAY_LONG,
    overrides: Iterable[tuple[date, tuple[tuple[int, int], ...]]] = (),
    **values: Any,
) -> Calendar:
    """Make a calendar; hours are (weekday, minute, minute) and open all day by default."""
    return calendars.create(
        values={"name": "Consultation", "type": str(kind), **values},
        members=[member if isinstance(member, MemberInput) else MemberInput(member.pk) for member in members],
        hours=[HoursInput(*row) for row in hours],
        overrides=[OverrideInput(day, intervals) for day, intervals in overrides],
    )


def client(name: str = "Grace Hopper", email: str = "grace@example.com", phone: str = "") -> ContactInput:
    return ContactInput(name, email, phone)


def make_appointment(
    calendar: Calendar, start: datetime, *, now: datetime, by: User | None = None, **values: Any
) -> Appointment:
    """Book `start`, as staff when nobody is named."""
    values.setdefault("contact", client())
    return booking.book(calendar_id=calendar.pk, start=start, by=by or StaffFactory(), now=now, **values)


def make_blocked_slot(user: User, start: datetime, end: datetime, **values: Any) -> BlockedSlot:
    """Block a user's time in LeadMagicX."""
    return blocked.create(user=user, start=start, end=end, **values)


_last = iter(range(1, 1_000_000))


def make_icloud_slot(user: User, start: datetime, end: datetime, **values: Any) -> BlockedSlot:
    """Mirror an iCloud event, as the sync writes it."""
    return BlockedSlot.objects.create(
        **{
            "user": user,
            "source": "icloud",
            "title": "Dentist",
            "place": "Home",
            "start": start,
            "end": end,
            "busy_start": start,
            "busy_end": end,
            "code": "BUSY",
            "external_id": next(_last),
        }
        | values
    )
