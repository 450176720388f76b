"""A week with everything in it that a page can show, made by real syncs against the emulator."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone

from calendars.models import Appointment, BlockedSlot, Calendar
from calendars.services import blocked, calendars
from calendars.services.calendar_rules import HoursInput, MemberInput
from tests.stage import Person, Stage

ZONE = "Europe/Berlin"
OFFICE = tuple(HoursInput(weekday=weekday, start=9 * 60, end=17 * 60) for weekday in range(5))


@dataclass
class Scene:
    """Ada's next week: `monday` is its first day, `at` a time in it."""

    stage: Stage
    ada: Person
    monday: date
    consultation: Calendar
    yoga: Calendar
    simple: Calendar
    removed: Appointment
    written: Appointment
    removed_slot: BlockedSlot

    def at(self, weekday: int, clock: str) -> datetime:
        return moment(self.monday, weekday, clock)


def moment(monday: date, weekday: int, clock: str) -> datetime:
    """Return a time of the week in Berlin; 24:00 is the next midnight."""
    hour, minute = (int(part) for part in clock.split(":"))
    day = monday + timedelta(days=weekday + hour // 24)
    return datetime.combine(day, time(hour % 24, minute), ZoneInfo(ZONE))


def next_monday() -> date:
    today = timezone.now().astimezone(ZoneInfo(ZONE)).date()
    return today + timedelta(days=7 - today.weekday())


def person(stage: Stage) -> Person:
    """Return Ada in Berlin with an iPhone: two calendars, one shared to look at, one subscribed."""
    ada = stage.person("ada", zone=ZONE)
    ada.user.first_name, ada.user.last_name = "Ada", "Lovelace"
    ada.user.set_password("pass-of-ada")
    ada.user.save()
    ada.account.recolor_calendar("Home", "#1BADF8FF")
    ada.account.recolor_calendar("Work", "#CC73E1FF")
    ben = stage.icloud.account("ben@icloud.example", name="Ben", calendars=("Team",))
    ben.share("Team", to=ada.account, access="ro")
    ada.account.subscribe("Bank Holidays", "webcal://calendar.example/holidays.ics")
    return ada


def booking_calendars(ada: Person) -> tuple[Calendar, Calendar, Calendar]:
    """Return a round-robin, a class and a Simple calendar of Ada's, open in office hours."""
    members = [MemberInput(user_id=ada.user.pk)]

    def make(name: str, kind: str, **more: int) -> Calendar:
        values = {"name": name, "type": kind, "timezone": ZONE, **more}
        return calendars.create(values=values, members=members, hours=OFFICE)

    return (
        make("Consultation", "round_robin"),
        make("Yoga", "class_booking", seats_per_slot=6, slot_duration=60, slot_interval=60),
        make("First meeting", "simple"),
    )


def full_week(stage: Stage) -> Scene:
    """Fill the next week: appointments, both kinds of blocks, free events, and what was deleted on the iPhone."""
    ada, monday = person(stage), next_monday()
    consultation, yoga, simple = booking_calendars(ada)
    ada.connect(primary="Home", conflicts=("Home", "Work"))

    def at(weekday: int, clock: str) -> datetime:
        return moment(monday, weekday, clock)

    _private_events(ada, at)
    written = stage.book(consultation, at(0, "09:00"), name="Grace Hopper")
    for weekday, clock, name in ((1, "10:00", "Katherine Johnson"), (3, "09:30", "Barbara Liskov")):
        stage.book(consultation, at(weekday, clock), name=name)
    for name in ("Mary Somerville", "Emmy Noether", "Hedy Lamarr"):
        stage.book(yoga, at(2, "10:00"), name=name)
    removed = stage.book(consultation, at(4, "11:00"), name="Edsger Dijkstra")
    blocked.create(user=ada.user, start=at(3, "15:00"), end=at(3, "17:00"), title="Focus time")
    ada.sync(2)
    ada.phone.find("Edsger Dijkstra").delete()
    ada.phone.find("Old meeting").delete()
    ada.sync(3)
    return Scene(
        stage, ada, monday, consultation, yoga, simple,
        removed=removed, written=written, removed_slot=BlockedSlot.objects.get(title="Old meeting"),
    )  # fmt: skip


def _private_events(ada: Person, at: object) -> None:
    assert callable(at)
    phone = ada.phone
    phone.create("Home", title="Lunch with Sam", start=at(0, "12:30"), end=at(0, "13:30"))
    phone.create("Work", title="Call", start=at(0, "13:00"), end=at(0, "14:00"))
    phone.create("Home", title="Dentist", start=at(1, "13:00"), end=at(1, "14:00"), travel=timedelta(minutes=30))
    phone.create("Home", title="Birthday reminder", start=at(3, "11:00"), end=at(3, "12:00"), free=True)
    phone.create(
        "Work", title="Vendor pitch", start=at(2, "14:00"), end=at(2, "15:00"),
        organizer="sales@vendor.example", partstat="DECLINED",
    )  # fmt: skip
    phone.create("Home", title="Old meeting", start=at(4, "14:00"), end=at(4, "15:30"))
    monday = at(0, "00:00").date()
    phone.create("Home", title="Lisbon", start=monday + timedelta(days=3), end=monday + timedelta(days=6), free=True)
