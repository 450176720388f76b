"""What iCloud refused or changed, and why a thing is not in iCloud: caused as in life, read where one looks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from calendars.models import Appointment
from calendars.services import calendars
from icloud_sync import errors
from icloud_sync.messages import (
    ATTENTION_TEXTS,
    COPY_TEXTS,
    ERROR_TEXTS,
    FLAG_TEXTS,
    REASON_TEXTS,
    REFUSAL_TEXTS,
    STATUS_TEXTS,
    attention_text,
    connection_detail,
    copy_detail,
    flag_text,
    reason_text,
)
from icloud_sync.models import Attention, ConnectionStatus, ICloudConnection, SyncedEvent
from icloud_sync.services import connecting, flags
from tests.fake_icloud import faults
from tests.fake_icloud.faults import Action
from tests.stage import Stage, day
from tests.web.test_errors import words
from tests.web.test_seen_journal import XML, Story

PRIMARY, SETTINGS = "/settings/profile/primary-calendar/", "/settings/profile/"


@pytest.fixture
def story(stage: Stage, settings: Any) -> Story:
    ada = stage.person()
    return Story(stage, ada, stage.calendar(ada), settings)


@pytest.fixture
def read(story: Story) -> Callable[[str], str]:
    """Open a page as Ada and return what it says."""
    browser = Client()
    browser.force_login(story.ada.user)
    return lambda path: words(browser.get(path).content.decode())


def precondition(name: str) -> Action:
    return faults.answer(403, XML, f'<d:error xmlns:d="DAV:"><d:{name}/></d:error>'.encode())


# What a PUT is answered with until the write is given up; each act's code, and how often it is tried.
ANSWERS: dict[str, Action] = {
    **{code: precondition(code) for code in (
        "max-resource-size", "quota-not-exceeded", "need-privileges", "valid-calendar-data",
        "supported-calendar-component",
    )},
    "403": faults.status(403),
    "404": faults.status(404),
    "413": faults.status(413),
    "name_taken": faults.status(412),
    "405": faults.status(405),
}  # fmt: skip
# 507 waits instead (test_seen_journal, has_no_room); the other one is met below.
ELSEWHERE = {"507", "unreadable"}


def test_no_refusal_is_left_out() -> None:
    assert set(ANSWERS) - {"405"} | ELSEWHERE == set(REFUSAL_TEXTS)


@pytest.mark.late
@pytest.mark.icloud(impolite="writes are refused until they are given up", ignore={6})
@pytest.mark.parametrize("code", ANSWERS)
def test_why_an_event_was_refused_is_told_where_it_can_be_tried_again(
    story: Story, read: Callable[[str], str], code: str
) -> None:
    """Rule W9; a status nobody has foreseen is told as what it is, a refusal."""
    story.connected()
    story.icloud.faults.add(ANSWERS[code], method="PUT", times=None)
    booked = story.stage.book(story.calendar, day(2, 9))
    for _ in range(7):
        # The waits between two tries pass.
        SyncedEvent.objects.filter(due_at__isnull=False).update(due_at=timezone.now())
        story.ada.sync()
    told = str(REFUSAL_TEXTS.get(code, ERROR_TEXTS[errors.ItemRefused]))
    for page in (read("/attention/"), read(f"/appointments/{booked.pk}/")):
        assert told in page
        assert "Try again" in page
    assert str(FLAG_TEXTS["write_failed"]) % {"reason": told} in page


def test_an_event_that_became_unreadable_is_told(story: Story, read: Callable[[str], str]) -> None:
    booked = story.written()
    event = story.event
    story.ada.phone.add_raw("Home", event.name, event.body.replace(b"DTSTART", b"X-START"))
    story.stage.edit(booked, title="Fitting")
    for _ in range(3):
        # The waits between two tries pass: it may have been cut off on its way.
        SyncedEvent.objects.filter(due_at__isnull=False).update(due_at=timezone.now())
        story.ada.sync()
    assert str(REFUSAL_TEXTS["unreadable"]) in read("/attention/")


def moves(story: Story, booked: Appointment) -> None:
    story.event.edit(start=day(3, 11), end=day(3, 11, 30))


def moves_into_the_night(story: Story, booked: Appointment) -> None:
    calendars.update(calendar_id=story.calendar.pk, values={}, hours=[], now=timezone.now())
    moves(story, booked)


def moves_onto_another(story: Story, booked: Appointment) -> None:
    story.stage.book(story.calendar, day(3, 11), name="Mary Somerville")
    moves(story, booked)


def makes_all_day(story: Story, booked: Appointment) -> None:
    story.event.make_all_day()


def deletes(story: Story, booked: Appointment) -> None:
    story.event.delete()


def loses_the_primary(story: Story, booked: Appointment) -> None:
    story.ada.account.delete_calendar("Home")


def writes_nonsense(story: Story, booked: Appointment) -> None:
    story.ada.phone.add_raw("Home", "nonsense.ics", story.event.body.replace(b"DTSTART", b"X-START"))


def revokes(story: Story, booked: Appointment) -> None:
    story.settings.ICLOUD_PASSWORD_CONFIRM_SECONDS = 0
    story.ada.account.revoke_all()


def goes_down(story: Story, booked: Appointment) -> None:
    story.icloud.outage = True


CASES: dict[str, Callable[[Story, Appointment], None]] = {
    "removed_in_icloud": deletes,
    "moved_in_icloud": moves,
    "outside_hours": moves_into_the_night,
    "clash": moves_onto_another,
    "unsupported_edit": makes_all_day,
    "needs_password": revokes,
    "unreachable": goes_down,
    "primary_lost": loses_the_primary,
    "unreadable_event": writes_nonsense,
}
# The refusals above, and the collective below.
OWN_TEST = {"write_failed", "affects_others"}


def test_no_case_is_left_out() -> None:
    assert set(CASES) | OWN_TEST == set(ATTENTION_TEXTS)
    assert set(FLAG_TEXTS) <= set(ATTENTION_TEXTS)


def told(read: Callable[[str], str], code: str, booked: Appointment) -> None:
    """See a case on the page of cases, and beside the appointment when it is about one."""
    case = Attention.objects.filter(code=code, resolved_at=None).first()
    assert case is not None, list(Attention.objects.values_list("code", flat=True))
    assert attention_text(case, zone=case.user.zone) in read("/attention/")
    if code in FLAG_TEXTS:
        assert flag_text(code, case.values) in read(f"/appointments/{booked.pk}/")


@pytest.mark.late
@pytest.mark.icloud(impolite="passwords are revoked and iCloud goes down", ignore={6})
@pytest.mark.parametrize("code", CASES)
def test_each_case_is_told(story: Story, read: Callable[[str], str], code: str) -> None:
    booked = story.written()
    CASES[code](story, booked)
    story.ada.sync(4)
    told(read, code, booked)
    story.icloud.outage = False


def test_a_move_that_concerns_others_is_told(story: Story, read: Callable[[str], str]) -> None:
    story.ada.connect()
    together = story.stage.calendar(story.ada, story.stage.person("ben").connect(), type="collective", name="Panel")
    booked = story.stage.book(together, day(2, 9))
    story.ada.sync(2)
    moves(story, booked)
    story.ada.sync(2)
    told(read, "affects_others", booked)


def test_how_an_account_stands_is_told_on_the_settings_page(story: Story, read: Callable[[str], str]) -> None:
    booked, seen = story.written(), set()
    for act in (goes_down, revokes):
        act(story, booked)
        story.ada.sync(2)
        row = ICloudConnection.objects.get()
        assert connection_detail(row, zone=story.ada.user.zone) in read(SETTINGS)
        seen.add(row.status)
        story.icloud.outage = False
        story.ada.sync()
    connecting.disconnect(connection_id=story.connection(), written_events="keep", now=timezone.now())
    staff = Client()
    staff.force_login(story.stage.staff.__class__.objects.create_superuser("root"))
    address = f"/admin/icloud_sync/icloudconnection/{story.connection()}/change/"
    row = ICloudConnection.objects.get()
    assert connection_detail(row) in words(staff.get(address).content.decode()), (
        "its owner has no such account any more"
    )
    assert seen | {row.status, ConnectionStatus.CONNECTED} == set(STATUS_TEXTS)


def test_why_a_calendar_cannot_be_chosen_is_told_beside_it(story: Story, read: Callable[[str], str]) -> None:
    owner = story.icloud.account("ben@icloud.example", name="Ben", calendars=("Team",))
    owner.share("Team", to=story.ada.account, access="ro")
    story.ada.account.subscribe("Bank Holidays")
    story.connected()
    story.ada.account.delete_calendar("Work")
    story.ada.sync(3)
    page = read(PRIMARY)
    for code in REASON_TEXTS:
        assert reason_text(code) in page, code


def simple(story: Story) -> Appointment:
    story.connected()
    return story.stage.book(story.stage.calendar(story.ada, type="simple", icloud_enabled=False), day(2, 9))


def cancelled(story: Story) -> Appointment:
    booked = story.written()
    story.stage.cancel(booked)
    story.ada.sync(2)
    return booked


def turned_off(story: Story) -> Appointment:
    story.connected()
    return story.stage.book(story.stage.calendar(story.ada, icloud_enabled=False), day(2, 9))


def without_a_primary(story: Story) -> Appointment:
    story.ada.connect(primary=None)
    return story.stage.book(story.calendar, day(2, 9))


def past(story: Story) -> Appointment:
    booked = story.stage.book(story.calendar, day(-1, 9), ignore_availability=True)
    story.connected()
    return booked


def left_off(story: Story) -> Appointment:
    booked = story.written()
    story.event.delete()
    story.ada.sync(3)
    flags.leave_off(appointment_id=booked.pk, now=timezone.now())
    return booked


COPIES: dict[str, Callable[[Story], Appointment]] = {
    "simple": simple,
    "cancelled": cancelled,
    "icloud_off": turned_off,
    "no_primary_calendar": without_a_primary,
    "past": past,
    "left_off": left_off,
}


@pytest.mark.late
@pytest.mark.parametrize("code", COPY_TEXTS)
def test_why_an_appointment_is_not_in_icloud_is_told_beside_it(
    story: Story, read: Callable[[str], str], code: str
) -> None:
    booked = COPIES[code](story)
    assert copy_detail(code) in read(f"/appointments/{booked.pk}/")
