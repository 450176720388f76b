"""A user, a calendar and an iCloud account to tell stories with; everything goes through the real services."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

from calendars.models import Appointment, BlockedSlot, Calendar
from calendars.services import booking, calendars
from calendars.services.calendar_rules import HoursInput, MemberInput
from calendars.services.contacts import ContactInput
from icloud_sync.models import Attention, EventState, ICloudCalendar, ICloudConnection, JournalEntry, SyncedEvent
from icloud_sync.services import choosing, connecting, syncing
from leadmagicx.accounts.models import User
from tests.fake_icloud import FakeICloud


def day(offset: int, hour: int = 0, minute: int = 0) -> datetime:
    """Return a time some days from now, in UTC; day(0) is today."""
    now = timezone.now().astimezone(UTC)
    return (now + timedelta(days=offset)).replace(hour=hour, minute=minute, second=0, microsecond=0)


ALWAYS = tuple(HoursInput(weekday=weekday, start=0, end=1440) for weekday in range(7))


@dataclass
class Person:
    """A LeadMagicX user with an iPhone."""

    user: User
    account: Any = None
    icloud: FakeICloud | None = None
    connection: ICloudConnection | None = None

    @property
    def phone(self) -> Any:
        return self.account.phone

    def calendar(self, name: str) -> ICloudCalendar:
        return ICloudCalendar.objects.get(connection=self.connection, name=name)

    def connect(self, *, primary: str | None = "Home", conflicts: tuple[str, ...] | None = None) -> Person:
        """Connect the account and choose calendars, as the settings page does."""
        now = timezone.now()
        self.connection = connecting.connect(
            user=self.user, apple_id=self.account.apple_id, password_text=self.account.password, now=now
        )
        if primary:
            self.choose(primary=primary, conflicts=conflicts)
        return self

    def choose(self, *, primary: str | None = None, conflicts: tuple[str, ...] | None = None, **more: Any) -> None:
        if primary:
            more["primary_calendar_id"] = self.calendar(primary).pk
        if conflicts is not None:
            more["conflict_calendar_ids"] = [self.calendar(name).pk for name in conflicts]
        choosing.change_settings(user=self.user, now=timezone.now(), **more)

    def sync(self, rounds: int = 1) -> None:
        """Look at the account as beat and worker would, back-off aside."""
        assert self.connection is not None
        for _ in range(rounds):
            # iCloud's own lag (fact 4.9) passes between two looks.
            if self.icloud is not None:
                self.icloud.clock.advance(60)
            ICloudConnection.objects.filter(pk=self.connection.pk).update(not_before=None)
            syncing.pull(self.connection.pk)
            self.connection.refresh_from_db()

    def push(self) -> None:
        assert self.connection is not None
        syncing.push(self.connection.pk)
        self.connection.refresh_from_db()

    @property
    def blocks(self) -> list[BlockedSlot]:
        """What closes this user's time because of iCloud."""
        return list(BlockedSlot.objects.filter(user=self.user, source="icloud", blocks=True).order_by("start"))

    @property
    def slots(self) -> list[BlockedSlot]:
        return list(BlockedSlot.objects.filter(user=self.user, source="icloud").order_by("start"))

    @property
    def flags(self) -> set[str]:
        rows = Attention.objects.filter(user=self.user, resolved_at__isnull=True)
        return set(rows.values_list("code", flat=True))

    def journal(self) -> list[str]:
        return list(JournalEntry.objects.filter(user=self.user).order_by("pk").values_list("action", flat=True))

    def copies(self, *states: EventState) -> list[SyncedEvent]:
        rows = SyncedEvent.objects.filter(engagement__host=self.user).order_by("pk")
        return list(rows.filter(state__in=states) if states else rows)


class Stage:
    """People, calendars and one iCloud."""

    def __init__(self, icloud: FakeICloud) -> None:
        self.icloud = icloud
        self.staff = User.objects.create_user("staff", password="x", is_staff=True)

    def person(self, name: str = "ada", *, zone: str = "UTC", calendars: tuple[str, ...] = ("Home", "Work")) -> Person:
        user = User.objects.create_user(name, f"{name}@example.com", "x", timezone=zone)
        account = self.icloud.account(f"{name}@icloud.example", name=name.title(), calendars=calendars)
        return Person(user, account, self.icloud)

    def calendar(self, *people: Person, type: str = "round_robin", **values: Any) -> Calendar:
        """Make a booking calendar that is open day and night, so that stories are about iCloud."""
        defaults = {"name": "Consultation", "type": type, "timezone": "UTC", "booking_window_days": 365}
        members = [MemberInput(user_id=p.user.pk, is_primary=n == 0) for n, p in enumerate(people)]
        return calendars.create(values=defaults | values, members=members, hours=ALWAYS)

    def book(self, calendar: Calendar, start: datetime, *, name: str = "Grace Hopper", **more: Any) -> Appointment:
        email = more.pop("email", f"{name.split()[0].lower()}@example.org")
        return booking.book(
            calendar_id=calendar.pk,
            start=start,
            contact=ContactInput(name=name, email=email),
            by=self.staff,
            now=timezone.now(),
            **more,
        )

    def edit(self, appointment: Appointment, **more: Any) -> Appointment:
        return booking.edit(appointment_id=appointment.pk, by=self.staff, now=timezone.now(), **more)

    def cancel(self, appointment: Appointment) -> None:
        booking.cancel(appointment_id=appointment.pk, by=self.staff, now=timezone.now())

    def is_free(self, calendar: Calendar, start: datetime) -> bool:
        """Ask the way a client does: is this slot offered?"""
        now = timezone.now()
        return bool(booking.candidate_hosts(calendar_id=calendar.pk, start=start, now=now))
