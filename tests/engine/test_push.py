"""From LeadMagicX to iCloud (rules W1-W9), and back again (P4, P7, P8)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from icloud_sync.models import EventState
from icloud_sync.services import flags
from tests.stage import Stage, day

pytestmark = pytest.mark.icloud_all_profiles


def test_an_appointment_appears_on_the_iphone_and_does_not_block_itself(stage: Stage) -> None:
    ada = stage.person()
    calendar = stage.calendar(ada)
    ada.connect()
    stage.book(calendar, day(2, 9), location="Room 1", notes="bring cake")
    ada.push()
    (event,) = ada.phone.events("Home")
    assert (event.summary, event.start, event.end) == ("Grace Hopper", day(2, 9), day(2, 9, 30))
    assert event.location == "Room 1"
    assert event.description.startswith("bring cake\n--- LeadMagicX ---\nGrace Hopper\ngrace@example.org")
    ada.sync(3)
    assert ada.slots == []
    assert [c.state for c in ada.copies()] == [EventState.WRITTEN]


def test_nothing_echoes(stage: Stage) -> None:
    ada = stage.person()
    calendar = stage.calendar(ada)
    ada.connect()
    appointment = stage.book(calendar, day(2, 9))
    ada.sync(4)
    revision = appointment.session.revision
    with stage.icloud.counting() as seen:
        ada.sync(4)
    assert [r.method for r in seen.requests if r.method in ("PUT", "DELETE")] == []
    appointment.session.refresh_from_db()
    assert appointment.session.revision == revision


def test_moving_and_cancelling_follow(stage: Stage) -> None:
    ada = stage.person()
    calendar = stage.calendar(ada)
    ada.connect()
    appointment = stage.book(calendar, day(2, 9))
    ada.sync(2)
    stage.edit(appointment, start=day(3, 11), title="Fitting")
    ada.sync(3)
    (event,) = ada.phone.events("Home")
    assert (event.summary, event.start) == ("Fitting", day(3, 11))
    stage.cancel(appointment)
    ada.sync(3)
    assert ada.phone.events("Home") == []


def test_what_the_user_added_survives_an_update(stage: Stage) -> None:
    ada = stage.person()
    calendar = stage.calendar(ada)
    ada.connect()
    appointment = stage.book(calendar, day(2, 9))
    ada.sync(2)
    (event,) = ada.phone.events("Home")
    event.add_alarm(timedelta(minutes=-30))
    ada.sync(2)
    stage.edit(appointment, start=day(3, 9))
    ada.sync(3)
    (event,) = ada.phone.events("Home")
    assert event.start == day(3, 9)
    assert event.alarms


def test_an_edit_on_the_phone_updates_the_appointment(stage: Stage) -> None:
    ada = stage.person()
    calendar = stage.calendar(ada)
    ada.connect()
    appointment = stage.book(calendar, day(2, 9))
    ada.sync(3)
    (event,) = ada.phone.events("Home")
    event.edit(title="Fitting", start=day(2, 15), end=day(2, 16), location="Room 2")
    ada.sync(3)
    appointment.refresh_from_db()
    appointment.session.refresh_from_db()
    assert (appointment.title, appointment.location) == ("Fitting", "Room 2")
    assert (appointment.session.start, appointment.session.end) == (day(2, 15), day(2, 16))
    assert "moved_in_icloud" in ada.flags
    puts = len(stage.icloud.puts_for(event.uid))
    ada.sync(2)
    assert len(stage.icloud.puts_for(event.uid)) == puts


def test_both_sides_edited_merge_field_by_field(stage: Stage) -> None:
    ada = stage.person()
    calendar = stage.calendar(ada)
    ada.connect()
    appointment = stage.book(calendar, day(2, 9))
    ada.sync(3)
    (event,) = ada.phone.events("Home")
    event.edit(title="From the phone", location="Phone place")
    stage.edit(appointment, title="From LeadMagicX")
    ada.sync(4)
    appointment.refresh_from_db()
    assert (appointment.title, appointment.location) == ("From LeadMagicX", "Phone place")
    (event,) = ada.phone.events("Home")
    assert (event.summary, event.location) == ("From LeadMagicX", "Phone place")
    assert "edit_lost" in ada.journal()


def test_deleted_on_the_phone_stays_in_leadmagicx_and_does_not_come_back(stage: Stage) -> None:
    ada = stage.person()
    calendar = stage.calendar(ada)
    ada.connect()
    appointment = stage.book(calendar, day(2, 9))
    ada.sync(3)
    (event,) = ada.phone.events("Home")
    uid = event.uid
    event.delete()
    ada.sync(3)
    assert ada.flags == {"removed_in_icloud"}
    stage.edit(appointment, title="Another title")
    ada.sync(3)
    assert ada.phone.events("Home") == []
    appointment.refresh_from_db()
    assert appointment.status == "confirmed"
    stage.edit(appointment, start=day(4, 9))
    ada.sync(3)
    (again,) = ada.phone.events("Home")
    assert again.uid != uid
    assert ada.flags == set()


def test_put_back_writes_a_new_event_and_leave_off_leaves_it(stage: Stage) -> None:
    ada = stage.person()
    calendar = stage.calendar(ada)
    ada.connect()
    appointment = stage.book(calendar, day(2, 9))
    ada.sync(3)
    ada.phone.events("Home")[0].delete()
    ada.sync(3)
    flags.put_back(appointment_id=appointment.pk, now=timezone.now())
    ada.sync(3)
    (again,) = ada.phone.events("Home")
    again.delete()
    ada.sync(3)
    flags.leave_off(appointment_id=appointment.pk, now=timezone.now())
    stage.edit(appointment, start=day(4, 9))
    ada.sync(3)
    assert ada.phone.events("Home") == []
    assert ada.flags == set()


def test_our_event_moved_to_another_synced_calendar_stays_ours(stage: Stage) -> None:
    ada = stage.person()
    calendar = stage.calendar(ada)
    ada.connect(conflicts=("Home", "Work"))
    appointment = stage.book(calendar, day(2, 9))
    ada.sync(3)
    ada.phone.events("Home")[0].move("Work")
    ada.sync(4)
    assert ada.flags == set()
    assert ada.slots == []
    stage.edit(appointment, start=day(3, 9))
    ada.sync(3)
    (event,) = ada.phone.events()
    assert (event.calendar, event.start) == ("Work", day(3, 9)) or event.start == day(3, 9)


def test_the_primary_calendar_changes_and_coming_appointments_move(stage: Stage) -> None:
    ada = stage.person()
    calendar = stage.calendar(ada)
    ada.connect()
    stage.book(calendar, day(2, 9))
    ada.sync(3)
    ada.choose(primary="Work")
    ada.sync(4)
    assert ada.phone.events("Home") == []
    assert len(ada.phone.events("Work")) == 1
    assert ada.slots == []
