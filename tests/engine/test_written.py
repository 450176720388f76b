"""What we write, and what becomes of it, under every profile (rules W1-W9, P4; emulator section 9, Push)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from calendars.services import blocked
from icloud_sync.models import EventState, ICloudCalendar, ICloudConnection, SyncedEvent
from icloud_sync.services import connecting, flags
from tests.fake_icloud import faults
from tests.fake_icloud.faults import Action
from tests.faults.ground import Ground, ground
from tests.stage import Stage, day

pytestmark = pytest.mark.icloud_all_profiles


def test_an_edit_between_our_look_and_our_write_survives(stage: Stage) -> None:
    """If-Match answers 412; the user's alarm and notes stay, our new time is written (W5, P8)."""
    place = ground(stage)
    event = place.event

    def edit(_: object) -> None:
        event.add_alarm()
        event.edit(notes="Bring the papers\n" + (event.description or ""))

    place.icloud.faults.add(Action("edited a moment before", tweak=edit), method="PUT")
    place.move()
    place.ada.sync(3)
    assert (event.start, bool(event.alarms)) == (day(2, 15), True)
    assert event.description.startswith("Bring the papers")
    place.appointment.refresh_from_db()
    assert place.appointment.notes == "Bring the papers"


def test_an_event_that_was_only_opened_is_moved_in_place(stage: Stage) -> None:
    place = ground(stage)
    uid = place.row.uid
    place.event.open()
    place.move()
    place.ada.sync(3)
    assert (place.row.uid, place.event.start, place.ada.flags) == (uid, day(2, 15), set())


@pytest.mark.late_turns(3)
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize("done", [True, False], ids=["done", "not done"])
def test_a_lost_answer_leaves_no_duplicate_and_no_orphan(stage: Stage, method: str, done: bool) -> None:
    place = ground(stage, written=method == "DELETE")
    if method == "DELETE":
        stage.cancel(place.appointment)
    place.icloud.faults.add(faults.close_before_response(), method=method, after_apply=done)
    place.ada.sync(4)
    assert place.events == (["Dentist"] if method == "DELETE" else ["Grace Hopper", "Dentist"])
    assert (place.row.due_at, place.ada.flags) == (None, set())


def test_cancelling_what_was_edited_or_deleted_on_the_phone(stage: Stage) -> None:
    place = ground(stage)
    other = stage.book(place.calendar, day(4, 9), name="Mary Somerville")
    place.ada.sync(2)
    place.event.edit(title="Edited")
    place.ada.phone.find("Mary Somerville").delete()
    stage.cancel(place.appointment)
    stage.cancel(other)
    place.ada.sync(4)
    assert (place.events, place.ada.flags) == (["Dentist"], set())
    assert {copy.state for copy in place.ada.copies()} == {EventState.GONE}


def test_apples_lags_are_neither_deletions_nor_edits(stage: Stage, settings: Any) -> None:
    """A listing without what we just wrote, and the old text after our update (fact 4.9)."""
    settings.ICLOUD_SETTLE_SECONDS = 120
    place = ground(stage, written=False)
    place.icloud.flags.listing_lag = 600
    place.ada.sync(2)
    place.ada.calendar("Home").__class__.objects.update(listed_at=None)
    place.ada.phone.create("Home", title="Lunch", start=day(6, 9), end=day(6, 10))
    place.ada.sync(2)
    assert (place.row.state, place.ada.flags) == (EventState.WRITTEN, set())
    place.icloud.flags.stale_reads = 600
    place.move()
    place.ada.sync(3)
    place.appointment.session.refresh_from_db()
    assert place.appointment.session.start == day(2, 15), "the old text is no edit"
    assert place.ada.flags == set()
    place.icloud.flags.stale_reads = 0
    place.icloud.clock.advance(700)
    place.ada.sync(2)
    assert place.event.start == day(2, 15)


@pytest.mark.parametrize("status", [413, 403])
def test_a_body_that_is_refused_is_parked_and_the_others_go_on(stage: Stage, status: int) -> None:
    place = ground(stage)
    place.icloud.flags.max_size, place.icloud.flags.max_size_status = 3_000, status  # type: ignore[assignment]
    large = stage.book(place.calendar, day(4, 9), name="Mary Somerville", notes="long " * 1_000)
    stage.book(place.calendar, day(5, 9), name="Emmy Noether")
    place.ada.sync(3)
    assert place.ada.flags == {"write_failed"}
    assert place.events == ["Grace Hopper", "Dentist", "Emmy Noether"]
    tries = place.puts()
    place.ada.sync(2)
    assert place.puts() == tries
    stage.edit(large, notes="short")
    place.ada.sync(2)
    assert (len(place.events), place.ada.flags) == (4, set())


def test_another_primary_calendar_gets_new_events_and_the_old_ones_go(stage: Stage) -> None:
    place = ground(stage)
    uid = place.row.uid
    place.ada.choose(primary="Work")
    place.ada.sync(4)
    assert (place.events, [e.summary for e in place.ada.phone.events("Work")]) == (["Dentist"], ["Grace Hopper"])
    assert place.row.uid != uid


def test_an_old_one_that_was_moved_out_of_sight_goes_when_it_comes_back(stage: Stage) -> None:
    """A story told so: it was to be removed from the calendar that is no primary any more, was not there, and then was
    again, where it had been."""
    place = ground(stage)
    place.ada.account.add_calendar("Away")
    place.ada.sync()
    old = place.event
    place.ada.choose(primary="Work", conflicts=("Home",))
    old.move("Away")
    place.ada.sync(4)
    assert [e.summary for e in place.ada.phone.events("Work")] == ["Grace Hopper"]
    place.ada.phone.by_uid(old.uid).move("Home")
    place.ada.sync(4)
    assert (place.events, [e.summary for e in place.ada.phone.events("Work")]) == (["Dentist"], ["Grace Hopper"])
    assert place.blocked == ["Dentist"]


def test_an_old_one_that_is_back_at_once_is_looked_at_again_when_listings_can_be_believed(
    stage: Stage, settings: Any
) -> None:
    """A story told so: away while it was to be removed, and back while a listing might still be the old one (4.9)."""
    place = ground(stage)
    place.ada.account.add_calendar("Away")
    old = place.event
    old.move("Away")
    stage.cancel(place.appointment)
    place.ada.push()
    place.ada.phone.by_uid(old.uid).move("Home")
    settings.ICLOUD_SETTLE_SECONDS = 120
    place.ada.sync()
    assert "Grace Hopper" in place.events
    settings.ICLOUD_SETTLE_SECONDS = 0
    (again,) = SyncedEvent.objects.exclude(fetch_at=None)
    assert again.fetch_at is not None
    assert again.fetch_at > timezone.now() + timedelta(minutes=3)
    SyncedEvent.objects.update(fetch_at=timezone.now())
    ICloudCalendar.objects.update(recheck_at=timezone.now())
    place.ada.sync(2)
    assert (place.events, place.blocked) == (["Dentist"], ["Dentist"])


def test_a_body_cut_off_on_its_way_is_read_again_and_then_written(stage: Stage) -> None:
    """A story told so: one cut answer stopped the write for good."""
    place = ground(stage)
    place.icloud.faults.add(faults.truncate_xml(300), method="GET", times=1)
    place.move()
    for _ in range(2):
        SyncedEvent.objects.filter(due_at__isnull=False).update(due_at=timezone.now())
        place.ada.sync()
    assert (place.event.start, place.ada.flags) == (day(2, 15), set())


@pytest.mark.parametrize("cut", [True, False], ids=["cut off on its way", "broken"])
def test_a_cancelled_event_is_removed_although_nobody_can_read_it(stage: Stage, cut: bool) -> None:
    """A story told so: it was edited, and then unreadable, and stayed on the iPhone (W2)."""
    place = ground(stage)
    event = place.event
    event.edit(title="Grace at last")
    if cut:
        place.icloud.faults.add(faults.truncate_xml(300), method="GET", times=1)
    else:
        place.ada.phone.add_raw("Home", event.name, event.body.replace(b"DTSTART", b"X-START"))
    stage.cancel(place.appointment)
    # Cut off before its UID it is read once more.
    for _ in range(1 + cut):
        SyncedEvent.objects.filter(due_at__isnull=False).update(due_at=timezone.now())
        place.ada.push()
    assert (place.events, place.ada.flags) == (["Dentist"], set())


def test_what_stands_in_the_place_of_one_removed_is_looked_at_once(stage: Stage, settings: Any) -> None:
    """Another client may have put its own event there: that is no reason to fetch it at every poll."""
    place = ground(stage)
    name = place.event.name
    stage.cancel(place.appointment)
    place.ada.push()
    choir = place.ada.phone.create("Home", title="Choir", start=day(2, 19), end=day(2, 21))
    body = choir.body
    choir.delete()
    place.ada.phone.add_raw("Home", name, body)
    settings.ICLOUD_SETTLE_SECONDS = 120
    place.ada.sync()
    settings.ICLOUD_SETTLE_SECONDS = 0
    assert SyncedEvent.objects.exclude(fetch_at=None).update(fetch_at=timezone.now()) == 1
    ICloudCalendar.objects.update(recheck_at=timezone.now())
    place.ada.sync(2)
    assert sorted(place.blocked) == ["Choir", "Dentist"]
    assert not SyncedEvent.objects.exclude(fetch_at=None).exists()
    assert not ICloudCalendar.objects.exclude(recheck_at=None).exists()


@pytest.mark.parametrize("written", ["keep", "remove"])
def test_disconnecting_keeps_or_removes_what_is_to_come(stage: Stage, written: Any) -> None:
    place = ground(stage)
    assert place.ada.connection is not None
    connecting.disconnect(connection_id=place.ada.connection.pk, written_events=written, now=timezone.now())
    assert place.ada.slots == []
    place.ada.push()
    assert place.events == (["Grace Hopper", "Dentist"] if written == "keep" else ["Dentist"])
    assert not hasattr(ICloudConnection.objects.get(), "credential")


def test_nothing_of_ours_comes_back_and_no_block_goes_out(stage: Stage) -> None:
    """W3, W8: blocked slots of either kind are never sent; nobody gets mail (W6)."""
    place = ground(stage)
    blocked.create(user=place.ada.user, start=day(6, 9), end=day(6, 10), title="Focus time")
    place.ada.sync(3)
    puts = [record for record in place.icloud.requests if record.method == "PUT"]
    assert not any(b"Focus" in record.body or b"Dentist" in record.body for record in puts)
    assert (place.puts(), place.blocked, place.icloud.mail_log) == (1, ["Dentist"], [])


def test_deleted_on_the_phone_it_comes_back_only_under_another_name(stage: Stage) -> None:
    """P4, twice over: put back by hand, deleted again, and then given a new time."""
    place = ground(stage)
    seen = {place.row.uid}
    for again in (_put_back, _new_time):
        place.event.delete()
        place.ada.sync(3)
        assert (place.events, place.ada.flags) == (["Dentist"], {"removed_in_icloud"})
        again(place)
        place.ada.sync(3)
        assert (place.events, place.ada.flags) == (["Grace Hopper", "Dentist"], set())
        assert place.row.uid not in seen
        seen.add(place.row.uid)


def _put_back(place: Ground) -> None:
    flags.put_back(appointment_id=place.appointment.pk, now=timezone.now())


def _new_time(place: Ground) -> None:
    place.move()


def test_an_unexplained_refusal_of_the_name_is_met_once(stage: Stage) -> None:
    """Exactly one other identity; a second 412 is another fault, and shown (fact 5.7)."""
    place = ground(stage, written=False)
    rule = place.icloud.faults.add(faults.status(412), method="PUT", times=None)
    place.ada.sync(3)
    assert (rule.fired, place.ada.flags) == (2, {"write_failed"})
    place.icloud.faults.clear()
    flags.retry(appointment_id=place.appointment.pk, now=timezone.now())
    place.ada.sync(2)
    assert (place.events, place.ada.flags) == (["Grace Hopper", "Dentist"], set())


def test_no_etag_in_the_answer_is_no_trouble(stage: Stage) -> None:
    """It is read back; the next write is conditional all the same (fact 5.9)."""
    stage.icloud.flags.put_etag = "never"
    place = ground(stage)
    place.move()
    place.ada.sync(2)
    assert (place.event.start, place.puts(), place.ada.flags) == (day(2, 15), 2, set())
