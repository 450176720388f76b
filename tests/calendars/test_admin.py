"""Staff manage calendars in the admin; what REST refuses cannot be saved there either (issue 4)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from calendars.models import Appointment, BlockedSlot, Calendar, Contact, Session
from leadmagicx.accounts.models import User
from tests.factories import make_appointment, make_blocked_slot, make_calendar, make_icloud_slot

pytestmark = pytest.mark.django_db
K2 = "iCloud Integration is not supported for Simple Calendars"
HOUR = timedelta(hours=1)


@pytest.fixture
def desk(client: Client, staff: User) -> Client:
    """A browser in which staff without any further permission are signed in."""
    client.force_login(staff)
    return client


def form(kind: str, *members: dict[str, Any], hours: Any = (), overrides: Any = (), **values: Any) -> dict[str, Any]:
    """Return what the browser posts."""
    posted = {
        "name": "Fitting", "type": kind, "timezone": "UTC", "icloud_enabled": "on", "slot_duration": 30,
        "slot_interval": 30, "buffer_before": 0, "buffer_after": 0, "minimum_notice": 0, "booking_window_days": 60,
        "max_per_day": "", "seats_per_slot": 1, "assignment": "availability",
    } | values  # fmt: skip
    for prefix, rows in (("members", members), ("hours", hours), ("date_overrides", overrides)):
        posted |= {f"{prefix}-TOTAL_FORMS": len(rows), f"{prefix}-INITIAL_FORMS": sum("id" in row for row in rows)}
        for number, row in enumerate(rows):
            posted |= {f"{prefix}-{number}-{name}": value for name, value in row.items()}
    return posted


def member(user: User, position: int = 0, **values: Any) -> dict[str, Any]:
    return {"user": user.pk, "priority": 0, "position": position} | values


def add(desk: Client, posted: dict[str, Any]) -> Any:
    return desk.post(reverse("admin:calendars_calendar_add"), posted)


def test_a_calendar_is_made_with_its_lists(desk: Client, ada: User, bea: User) -> None:
    hours = [{"weekday": 0, "start_minute": "9:00", "end_minute": "24:00"}]
    overrides = [
        {"date": "2026-12-24", "start_minute": "09:00", "end_minute": "11:00"},
        {"date": "2026-12-25", "start_minute": "", "end_minute": ""},
    ]
    answer = add(
        desk, form("collective", member(ada, 1), member(bea, 0, is_primary="on"), hours=hours, overrides=overrides)
    )
    assert answer.status_code == 302, answer.context["errors"]
    calendar = Calendar.objects.get()
    assert [(row.user, row.is_primary) for row in calendar.members.all()] == [(bea, True), (ada, False)]
    assert [(row.weekday, row.start_minute, row.end_minute) for row in calendar.hours.all()] == [(0, 540, 1440)]
    assert [row.start_minute for row in calendar.date_overrides.all()] == [540, None]
    assert LogEntry.objects.get().object_id == str(calendar.pk)


@pytest.mark.parametrize(
    ("kind", "count", "text"),
    [
        ("class_booking", 2, "A class has exactly one member"),
        ("class_booking", 0, "A class has exactly one member"),
        ("collective", 1, "has two members or more"),
        ("round_robin", 0, "at least one member"),
    ],
)
def test_members_are_what_the_type_asks_for(
    desk: Client, ada: User, bea: User, kind: str, count: int, text: str
) -> None:
    answer = add(desk, form(kind, *[member(ada), member(bea, 1)][:count]))
    assert text in answer.content.decode()
    assert not Calendar.objects.exists()


@pytest.mark.parametrize(
    ("posted", "text"),
    [
        ({"icloud_enabled": "on", "type": "simple"}, K2),
        ({"timezone": "Berlin"}, "is not a time zone"),
        ({"slot_duration": 0}, "greater than or equal to 1"),
        ({"hours": [{"weekday": 0, "start_minute": "12:00", "end_minute": "9:00"}]}, "must end after they start"),
        ({"hours": [{"weekday": 0, "start_minute": "25:00", "end_minute": "26:00"}]}, "Write a time as"),
        (
            {
                "hours": [
                    {"weekday": 0, "start_minute": "9:00", "end_minute": "12:00"},
                    {"weekday": 0, "start_minute": "11:00", "end_minute": "13:00"},
                ]
            },
            "must not overlap",
        ),
        (
            {
                "overrides": [
                    {"date": "2026-12-24", "start_minute": "", "end_minute": ""},
                    {"date": "2026-12-24", "start_minute": "9:00", "end_minute": "10:00"},
                ]
            },
            "closed or has intervals",
        ),
        (
            {"overrides": [{"date": "2026-12-24", "start_minute": "9:00", "end_minute": ""}]},
            "needs a start and a later",
        ),
    ],
)
def test_what_is_wrong_is_named_not_saved(desk: Client, ada: User, posted: dict[str, Any], text: str) -> None:
    """K2"""
    answer = add(desk, form("service", member(ada), **posted))
    assert answer.status_code == 200
    assert text in answer.content.decode().replace("&#x27;", "'")
    assert not Calendar.objects.exists()


def test_a_change_goes_through_the_service(
    desk: Client, ada: User, bea: User, now: datetime, monday: datetime, told: list[Any]
) -> None:
    calendar = make_calendar("class_booking", members=[ada], seats_per_slot=5)
    make_appointment(calendar, monday, now=now)
    told.clear()
    owner = calendar.members.get()
    row = {**member(bea), "id": owner.pk, "calendar": calendar.pk, "is_primary": "on"}
    hours = [
        {"id": found.pk, "calendar": calendar.pk, "weekday": found.weekday, "start_minute": "00:00",
         "end_minute": "24:00", **({"DELETE": "on"} if found.weekday else {})}
        for found in calendar.hours.all()
    ]  # fmt: skip
    url = reverse("admin:calendars_calendar_change", args=[calendar.pk])
    answer = desk.post(url, form("collective", row, hours=hours, name="Yoga", seats_per_slot=6))
    assert answer.status_code == 302, answer.context["errors"]
    calendar = Calendar.objects.get()
    assert (calendar.name, calendar.type, calendar.members.get().user) == ("Yoga", "class_booking", bea)
    assert calendar.hours.count() == 1
    assert Session.objects.get().seats == 6
    assert told[-1] == ("calendar", calendar.pk)


def test_the_primary_member_may_change_hands(desk: Client, ada: User, bea: User) -> None:
    calendar = make_calendar("collective", members=[ada, bea])
    rows = [
        {**member(row.user, row.position), "id": row.pk, "calendar": calendar.pk}
        | ({"is_primary": "on"} if row.user == bea else {})
        for row in calendar.members.all()
    ]
    answer = desk.post(reverse("admin:calendars_calendar_change", args=[calendar.pk]), form("x", *rows))
    assert answer.status_code == 302, answer.context["errors"]
    assert calendar.members.get(is_primary=True).user == bea


def test_cancelling_calls_the_service(desk: Client, ada: User, now: datetime, monday: datetime) -> None:
    appointment = make_appointment(make_calendar(members=[ada]), monday, now=now)
    url = reverse("admin:calendars_appointment_changelist")
    assert "Grace Hopper" in desk.get(url).content.decode()
    desk.post(url, {"action": "cancel_appointments", "_selected_action": [appointment.pk]})
    assert Appointment.objects.get().status == "cancelled"
    assert not Session.objects.get().active
    assert desk.post(reverse("admin:calendars_appointment_delete", args=[appointment.pk])).status_code == 403


def test_private_titles_are_on_no_page(desk: Client, ada: User, monday: datetime) -> None:
    """P15"""
    slot = make_icloud_slot(ada, monday, monday + HOUR, title="Surgery")
    own = make_blocked_slot(ada, monday, monday + HOUR, title="Inventory")
    for url in (
        reverse("admin:calendars_blockedslot_changelist"),
        reverse("admin:calendars_blockedslot_change", args=[slot.pk]),
    ):
        answer = desk.get(url)
        assert answer.status_code == 200
        assert "Surgery" not in answer.content.decode()
    assert desk.post(reverse("admin:calendars_blockedslot_change", args=[slot.pk]), {"title": "x"}).status_code == 403
    assert desk.post(reverse("admin:calendars_blockedslot_delete", args=[slot.pk]), {"post": "yes"}).status_code == 403
    desk.post(reverse("admin:calendars_blockedslot_delete", args=[own.pk]), {"post": "yes"})
    assert list(BlockedSlot.objects.all()) == [slot]


def test_a_blocked_slot_is_made_and_changed(desk: Client, ada: User) -> None:
    posted = {"user": ada.pk, "title": "Inventory", "start_0": "2026-12-01", "start_1": "09:00",
              "end_0": "2026-12-01", "end_1": "10:00"}  # fmt: skip
    desk.post(reverse("admin:calendars_blockedslot_add"), posted)
    slot = BlockedSlot.objects.get()
    assert (slot.busy_end, slot.source) == (slot.end, "leadmagicx")
    url = reverse("admin:calendars_blockedslot_change", args=[slot.pk])
    assert desk.post(url, posted | {"end_1": "11:00"}).status_code == 302
    assert BlockedSlot.objects.get().busy_end.hour == 11
    answer = desk.post(url, posted | {"end_1": "08:00"})
    assert answer.status_code == 200
    assert "must be after" in str(answer.context["errors"])


@pytest.mark.parametrize("model", ["calendar", "appointment", "session", "engagement", "contact", "blockedslot"])
def test_every_page_opens_for_staff_alone(
    desk: Client, client: Client, ada: User, now: datetime, monday: datetime, model: str
) -> None:
    make_appointment(make_calendar(members=[ada]), monday, now=now)
    make_blocked_slot(ada, monday, monday + HOUR)
    list_url = reverse(f"admin:calendars_{model}_changelist")
    rows = {"calendar": Calendar, "appointment": Appointment, "session": Session, "contact": Contact}
    rows |= {"blockedslot": BlockedSlot}
    assert desk.get(list_url).status_code == 200
    if model in rows:
        pk = rows[model].objects.get().pk
        assert desk.get(reverse(f"admin:calendars_{model}_change", args=[pk])).status_code == 200
    client.force_login(ada)
    assert client.get(list_url).status_code == 302
