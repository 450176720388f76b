"""Who and what is in the demo. The passwords are printed, and are good for nothing but the demo."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from calendars.choices import Assignment, CalendarType

MONDAY, FRIDAY, SATURDAY = 0, 4, 5


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoUser:
    """Somebody who can sign in."""

    username: str
    first_name: str
    last_name: str
    timezone: str
    is_staff: bool = False

    @property
    def password(self) -> str:
        return f"{self.username}-demo-2026"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoCalendar:
    """A booking calendar; `hours` are weekday to (start, end) in minutes after midnight of its zone."""

    name: str
    type: CalendarType
    members: tuple[str, ...] = ()
    hours: dict[int, tuple[int, int]]
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoAppointment:
    """The nth open time of the nth working day from tomorrow on."""

    calendar: str
    day: int
    nth: int
    name: str
    phone: str = ""
    title: str = ""
    location: str = ""
    notes: str = ""

    @property
    def email(self) -> str:
        return f"{self.name.split(maxsplit=1)[0].lower()}@example.org"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoBlock:
    """Time that somebody keeps free, made in LeadMagicX; hours are of the user's clock."""

    username: str
    day: int
    title: str
    start_hour: int
    hours: int


USERS = (
    DemoUser(username="ada", first_name="Ada", last_name="Lovelace", timezone="Europe/Berlin"),
    DemoUser(username="ben", first_name="Ben", last_name="Carter", timezone="America/New_York"),
    DemoUser(
        username="staff",
        first_name="Sam",
        last_name="Staff",
        timezone="Europe/Berlin",
        is_staff=True,
    ),
)

OFFICE = dict.fromkeys(range(MONDAY, FRIDAY + 1), (9 * 60, 17 * 60))
# When it is day on both sides of the Atlantic.
SHARED = dict.fromkeys(range(MONDAY, FRIDAY + 1), (14 * 60, 19 * 60))
BERLIN = {"timezone": "Europe/Berlin"}

CALENDARS = (
    DemoCalendar(name="Front desk", type=CalendarType.SIMPLE, hours=OFFICE, values=BERLIN),
    DemoCalendar(
        name="Yoga class",
        type=CalendarType.CLASS_BOOKING,
        members=("ada",),
        hours=OFFICE | {SATURDAY: (10 * 60, 13 * 60)},
        values=BERLIN | {"slot_duration": 60, "slot_interval": 60, "seats_per_slot": 5},
    ),
    DemoCalendar(
        name="Sales call",
        type=CalendarType.ROUND_ROBIN,
        members=("ada", "ben"),
        hours=SHARED,
        values=BERLIN | {"buffer_after": 10, "assignment": Assignment.EQUAL_DISTRIBUTION},
    ),
    DemoCalendar(
        name="Onboarding",
        type=CalendarType.COLLECTIVE,
        members=("ada", "ben"),
        hours=SHARED,
        values=BERLIN | {"slot_duration": 60, "slot_interval": 30, "minimum_notice": 120},
    ),
    DemoCalendar(
        name="Consultation",
        type=CalendarType.SERVICE,
        members=("ada", "ben"),
        hours=OFFICE | {SATURDAY: (10 * 60, 13 * 60)},
        values=BERLIN | {"slot_duration": 45, "slot_interval": 15, "max_per_day": 6},
    ),
)

APPOINTMENTS = (
    DemoAppointment(
        calendar="Consultation", day=0, nth=0, name="Grace Hopper", phone="+1 555 0100", notes="First visit."
    ),
    DemoAppointment(calendar="Consultation", day=1, nth=14, name="Alan Turing", location="Room 2"),
    DemoAppointment(calendar="Sales call", day=0, nth=1, name="Katherine Johnson", phone="+1 555 0101"),
    DemoAppointment(calendar="Sales call", day=2, nth=3, name="Linus Pauling", title="Renewal"),
    DemoAppointment(calendar="Onboarding", day=1, nth=1, name="Rosalind Franklin", location="Video call"),
    DemoAppointment(calendar="Yoga class", day=2, nth=0, name="Mae Jemison"),
    DemoAppointment(calendar="Yoga class", day=2, nth=0, name="Sally Ride"),
    DemoAppointment(calendar="Front desk", day=0, nth=4, name="Emmy Noether", title="Collect keys"),
)

BLOCKS = (
    DemoBlock(username="ada", day=1, title="Focus time", start_hour=9, hours=2),
    DemoBlock(username="ben", day=2, title="School pick-up", start_hour=15, hours=1),
)
