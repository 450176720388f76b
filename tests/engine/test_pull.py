"""From iCloud to LeadMagicX: blocked slots, and nothing else (rules P1-P6, P9, P14)."""

from __future__ import annotations

import pytest

from calendars.models import Appointment, Contact
from tests.stage import Stage, day

pytestmark = pytest.mark.icloud_all_profiles


def test_a_private_event_closes_its_time_and_makes_no_appointment_or_contact(stage: Stage) -> None:
    ada = stage.person()
    calendar = stage.calendar(ada)
    ada.connect()
    ada.phone.create("Home", title="Dentist", start=day(2, 9), end=day(2, 10))
    ada.sync(3)
    assert [(b.start, b.end, b.code) for b in ada.blocks] == [(day(2, 9), day(2, 10), "BUSY")]
    assert not stage.is_free(calendar, day(2, 9, 30))
    assert stage.is_free(calendar, day(2, 10))
    assert not Appointment.objects.exists()
    assert not Contact.objects.exists()


def test_free_events_are_fetched_and_leave_the_time_open_and_flips_follow(stage: Stage) -> None:
    ada = stage.person()
    calendar = stage.calendar(ada)
    ada.connect()
    event = ada.phone.create("Home", title="Maybe", start=day(2, 9), end=day(2, 10), free=True)
    ada.sync(3)
    assert [s.code for s in ada.slots] == ["FREE"]
    assert stage.is_free(calendar, day(2, 9))
    event.set_busy()
    ada.sync(3)
    assert not stage.is_free(calendar, day(2, 9))
    event.set_free()
    ada.sync(3)
    assert stage.is_free(calendar, day(2, 9))


def test_an_event_deleted_in_icloud_keeps_blocking_flagged(stage: Stage) -> None:
    ada = stage.person()
    calendar = stage.calendar(ada)
    ada.connect()
    event = ada.phone.create("Home", title="Dentist", start=day(2, 9), end=day(2, 10))
    ada.sync(3)
    event.delete()
    ada.sync(3)
    assert [bool(b.removed_at) for b in ada.blocks] == [True]
    assert not stage.is_free(calendar, day(2, 9))


def test_the_setting_release_frees_deleted_events_and_keeps_the_row(stage: Stage) -> None:
    ada = stage.person()
    calendar = stage.calendar(ada)
    ada.connect()
    ada.choose(deleted_in_icloud="release")
    event = ada.phone.create("Home", title="Dentist", start=day(2, 9), end=day(2, 10))
    ada.sync(3)
    event.delete()
    ada.sync(3)
    assert [(s.blocks, s.code) for s in ada.slots] == [(False, "RELEASED")]
    assert stage.is_free(calendar, day(2, 9))


def test_an_event_moved_between_synced_calendars_is_no_deletion(stage: Stage) -> None:
    ada = stage.person()
    ada.connect(conflicts=("Home", "Work"))
    event = ada.phone.create("Home", title="Dentist", start=day(2, 9), end=day(2, 10))
    ada.sync(3)
    event.move("Work")
    ada.sync(4)
    assert [(s.place, s.blocks, s.removed_at) for s in ada.slots] == [("Work", True, None)]


def test_one_unreadable_event_does_not_stop_the_others_and_is_named(stage: Stage) -> None:
    ada = stage.person()
    ada.connect()
    ada.phone.create("Home", title="Good", start=day(2, 9), end=day(2, 10))
    ada.phone.add_raw("Home", "bad.ics", b"BEGIN:VCALENDAR\r\nthis is no calendar\r\n")
    ada.sync(3)
    assert [s.title for s in ada.slots] == ["Good"]
    assert "unreadable_event" in ada.flags


def test_a_primary_calendar_taken_out_of_the_conflict_calendars_does_not_block(stage: Stage) -> None:
    ada = stage.person()
    calendar = stage.calendar(ada)
    ada.connect()
    ada.phone.create("Home", title="Dentist", start=day(2, 9), end=day(2, 10))
    ada.sync(3)
    ada.choose(conflicts=())
    assert [s.code for s in ada.slots] == ["NOT_CONFLICT_CALENDAR"]
    assert stage.is_free(calendar, day(2, 9))
    ada.choose(conflicts=("Home",))
    assert not stage.is_free(calendar, day(2, 9))
