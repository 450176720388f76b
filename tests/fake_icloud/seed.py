"""The accounts of the demo: two people with lives of their own, around today."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.fake_icloud.account import Account
from tests.fake_icloud.server import FakeICloud

# Fixed, so that the demo can print them and people can paste them. They open nothing but this server.
ADA = ("ada@icloud.example", "adas-only-demo-pass", "Ada Lovelace")
BEN = ("ben@icloud.example", "bens-only-demo-pass", "Ben Carter")


class Days:
    """Dates and times counted in working days from today, in one zone."""

    def __init__(self, today: date, zone: ZoneInfo) -> None:
        self.today, self.zone = today, zone

    def day(self, working_days: int) -> date:
        """Return the nth working day from today on; 0 is today or, on a weekend, next Monday."""
        at = self.today
        while at.weekday() > 4:
            at += timedelta(days=1)
        for _ in range(working_days):
            at += timedelta(days=3 if at.weekday() == 4 else 1)
        return at

    def at(self, working_days: int, clock: str) -> datetime:
        return datetime.combine(self.day(working_days), time.fromisoformat(clock), self.zone)

    def weekday(self, weekday: int, clock: str, *, weeks: int = 0) -> datetime:
        """Return the next such weekday (0 = Monday, today included), `weeks` later."""
        ahead = (weekday - self.today.weekday()) % 7 + 7 * weeks
        return datetime.combine(self.today + timedelta(days=ahead), time.fromisoformat(clock), self.zone)


def demo(icloud: FakeICloud, *, zone: str) -> list[Account]:
    """Create both accounts with their calendars and events; return them, Ada's first."""
    icloud.world.zone = zone
    days = Days(icloud.clock.moment().astimezone(ZoneInfo(zone)).date(), ZoneInfo(zone))
    ada, ben = (icloud.account(apple_id, name=name, password=secret) for apple_id, secret, name in (ADA, BEN))
    _colors(ada)
    ben.add_calendar("Team (view only)", color="#63DA38FF")
    ben.share("Team (view only)", to=ada, access="ro")
    ada.subscribe("Bank Holidays", "webcal://www.gov.uk/bank-holidays/england-and-wales.ics")
    ada.calendar("tasks").name = "Reminders"
    _ada_home(ada, days)
    _ada_work(ada, days)
    _ben(ben, days)
    return [ada, ben]


def _colors(account: Account) -> None:
    account.recolor_calendar("Home", "#1BADF8FF")
    account.recolor_calendar("Work", "#CC73E1FF")


def _span(days: Days, number: int, start: str, end: str) -> dict[str, Any]:
    return {"start": days.at(number, start), "end": days.at(number, end)}


def _ada_home(ada: Account, days: Days) -> None:
    phone = ada.phone
    phone.create("Home", title="Dentist", location="12 Harley Street", **_span(days, 1, "10:00", "11:00"))
    yoga = phone.create(
        "Home",
        title="Yoga",
        start=days.weekday(1, "18:00"),
        end=days.weekday(1, "19:30"),
        rrule="FREQ=WEEKLY;BYDAY=TU",
    )
    yoga.edit_occurrence(
        days.weekday(1, "18:00", weeks=1),
        start=days.weekday(2, "12:00", weeks=1),
        end=days.weekday(2, "13:30", weeks=1),
    )
    yoga.delete_occurrence(days.weekday(1, "18:00", weeks=2))
    visit = days.day(3)
    phone.create("Home", title="Mum visiting", start=visit, end=days.day(6), free=True)
    phone.create("Home", title="School run", rrule="FREQ=WEEKLY;BYDAY=MO,WE,FR", **_span(days, 0, "08:00", "08:45"))
    phone.create(
        "Home",
        title="Physiotherapy",
        travel=timedelta(minutes=30),
        travel_return=timedelta(minutes=30),
        alarms=[timedelta(minutes=-60)],
        **_span(days, 4, "15:00", "15:45"),
    )
    phone.create("Home", title="Concert", status="TENTATIVE", **_span(days, 8, "16:00", "18:00"))
    phone.create("Home", title="Birthday lunch", **_span(days, 11, "12:30", "14:00"))


def _ada_work(ada: Account, days: Days) -> None:
    phone = ada.phone
    phone.create(
        "Work", title="Budget meeting", notes="Bring last quarter's figures.", **_span(days, 0, "14:00", "15:00")
    )
    phone.create("Work", title="Interview", **_span(days, 2, "11:00", "12:00"))
    phone.create("Work", title="Conference", start=days.day(9), end=days.day(9) + timedelta(days=1), free=False)
    phone.create(
        "Work",
        title="Vendor pitch",
        organizer="sales@vendor.example",
        partstat="DECLINED",
        **_span(days, 2, "14:00", "15:00"),
    )
    phone.create("Work", title="Steering committee", status="CANCELLED", **_span(days, 5, "10:00", "11:30"))
    phone.create("Work", title="Focus time", free=True, **_span(days, 6, "09:00", "11:00"))
    phone.create("Work", title="Release review", **_span(days, 13, "10:00", "11:00"))


def _ben(ben: Account, days: Days) -> None:
    phone = ben.phone
    phone.create("Team (view only)", title="Team offsite", **_span(days, 7, "09:00", "17:00"))
    phone.create("Home", title="Car service", **_span(days, 1, "09:00", "10:30"))
    phone.create("Home", title="Football practice", rrule="FREQ=WEEKLY;BYDAY=TH", **_span_on(days, 3, "17:00", "19:00"))
    phone.create("Work", title="One-to-one with Ada", **_span(days, 2, "13:00", "13:30"))


def _span_on(days: Days, weekday: int, start: str, end: str) -> dict[str, Any]:
    return {"start": days.weekday(weekday, start), "end": days.weekday(weekday, end)}
