"""What iCloud has of us after accounts, rights and calendars went and came back (rules P4, K7, K8, C5, W2, W4)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from calendars.services import calendars
from icloud_sync.models import Attention, EventState, SyncedEvent
from icloud_sync.secret import Secret
from icloud_sync.services import connecting, flags, rolling
from leadmagicx.webhooks.models import Delivery, Webhook
from tests.fake_icloud import faults
from tests.faults.ground import Ground, ground
from tests.stage import Stage, day


def titles(place: Ground, calendar: str) -> list[Any]:
    return [event.summary for event in place.ada.phone.events(calendar) if event.summary != "Dentist"]


def test_removals_wait_for_writer_s_access_as_writes_do(stage: Stage) -> None:
    place = ground(stage)
    home = place.ada.account.calendar("Home")
    home.access = "shared-ro"
    place.ada.sync(2)
    stage.cancel(place.appointment)
    asked = len([record for record in place.icloud.requests if record.method == "DELETE"])
    place.ada.sync(3)
    assert [copy.state for copy in place.ada.copies()] == [EventState.DELETING]
    assert asked == len([record for record in place.icloud.requests if record.method == "DELETE"])
    home.access = "owner"
    place.ada.sync(2)
    assert (titles(place, "Home"), place.ada.flags) == ([], set())


@pytest.fixture
def refused(stage: Stage) -> Ground:
    """A cancelled appointment whose removal iCloud refused; by now it would take it."""
    place = ground(stage)
    stage.cancel(place.appointment)
    place.icloud.faults.add(faults.status(403), method="DELETE", times=None)
    place.ada.sync(4)
    assert (titles(place, "Home"), place.ada.flags) == (["Grace Hopper"], {"write_failed"})
    place.icloud.faults.clear()
    return place


def test_a_removal_that_is_refused_can_be_tried_again(refused: Ground) -> None:
    flags.retry(appointment_id=refused.appointment.pk, now=timezone.now())
    refused.ada.sync()
    assert (titles(refused, "Home"), refused.ada.flags) == ([], set())


def test_a_removal_that_is_refused_is_tried_again_the_day_after(refused: Ground) -> None:
    refused.ada.sync()
    assert titles(refused, "Home") == ["Grace Hopper"]
    due = refused.row.due_at
    assert due is not None
    assert timedelta(hours=23) < due - timezone.now() < timedelta(hours=25)
    SyncedEvent.objects.update(due_at=timezone.now())
    refused.ada.sync()
    assert (titles(refused, "Home"), refused.ada.flags) == ([], set())


def listening(stage: Stage) -> Ground:
    """Prepare the ground; another service hears of what cannot be written."""
    place = ground(stage)
    Webhook.objects.create(user=stage.staff, url="https://example.com/", events=["write.failed"], secret=Secret("s"))
    return place


def told() -> int:
    return Delivery.objects.filter(event="write.failed").count()


def refuse(place: Ground, status: int, *, days: int = 1) -> None:
    """On each of the next days iCloud answers the removal with this status."""
    place.icloud.faults.clear()
    if status:
        place.icloud.faults.add(faults.status(status), method="DELETE", times=None)
    for _ in range(days):
        SyncedEvent.objects.filter(due_at__isnull=False).update(due_at=timezone.now())
        place.ada.sync()


def test_a_removal_that_is_refused_each_day_is_told_once(stage: Stage) -> None:
    """Rule W9: of one reason one message, until somebody tries again by hand."""
    place = listening(stage)
    stage.cancel(place.appointment)
    refuse(place, 403, days=3)
    (case,) = Attention.objects.all()
    assert (told(), case.values["status"], case.resolved_at) == (1, "403", None)
    assert place.ada.journal().count("write_failed") == 3, "each try is on record"
    refuse(place, 423, days=2)
    refuse(place, 403)
    assert told() == 1, "busy in between is no other reason"
    refuse(place, 405, days=2)
    assert told() == 2
    assert [one.values["status"] for one in Attention.objects.filter(resolved_at=None)] == ["405"]
    flags.retry(appointment_id=place.appointment.pk, now=timezone.now())
    assert place.ada.flags == set()
    refuse(place, 405, days=2)
    assert (told(), place.ada.flags) == (3, {"write_failed"})
    refuse(place, 0)
    assert (titles(place, "Home"), place.ada.flags) == ([], set())


def test_a_removal_that_is_refused_stays_under_attention_when_something_else_is_written(stage: Stage) -> None:
    """The former copy's removal is refused; that the new one is written does not settle it."""
    place = listening(stage)
    place.icloud.faults.add(faults.status(403), method="DELETE", times=None)
    place.ada.choose(primary="Work")
    place.ada.sync(2)
    stage.edit(place.appointment, notes="Bring the drawings")
    place.ada.sync()
    assert (titles(place, "Home"), titles(place, "Work")) == (["Grace Hopper"], ["Grace Hopper"])
    assert (place.ada.flags, told()) == ({"write_failed"}, 1)


def test_of_an_appointment_long_over_nobody_is_told_each_day(stage: Stage) -> None:
    place = ground(stage)
    stage.cancel(place.appointment)
    refuse(place, 403)
    now = timezone.now() + timedelta(days=9)
    rolling.clean_up(now=now)
    assert place.ada.flags == set()
    with time_machine.travel(now):
        refuse(place, 403, days=2)
    assert place.ada.flags == set()


def test_what_an_account_kept_goes_when_it_is_back_and_another_has_it(stage: Stage) -> None:
    place = ground(stage)
    first = place.ada
    assert first.connection is not None
    connecting.disconnect(connection_id=first.connection.pk, written_events="keep", now=timezone.now())
    second = stage.person("second", calendars=("Other",))
    second.user = first.user
    second.connect(primary="Other")
    second.sync(2)
    assert (titles(place, "Home"), [event.summary for event in second.phone.events()]) == (
        ["Grace Hopper"], ["Grace Hopper"],
    )  # fmt: skip
    first.connect(primary=None)
    first.sync(2)
    assert titles(place, "Home") == []
    first.choose(primary="Home")
    for person in (first, second, first):
        person.sync()
    assert (titles(place, "Home"), second.phone.events()) == (["Grace Hopper"], [])


@pytest.mark.parametrize("away", ["deleted", "moved"])
def test_deleted_on_the_phone_just_before_another_primary_calendar_it_stays_off(stage: Stage, away: str) -> None:
    place = ground(stage)
    place.ada.account.add_calendar("Away")
    place.ada.sync()
    if away == "moved":
        place.event.move("Away")
    else:
        place.event.delete()
    place.ada.choose(primary="Work")
    place.ada.sync(3)
    if away == "moved":
        assert (titles(place, "Work"), place.ada.flags) == (["Grace Hopper"], set())
        return
    assert (titles(place, "Home") + titles(place, "Work"), place.ada.flags) == ([], {"removed_in_icloud"})
    stage.edit(place.appointment, notes="bring the form")
    place.ada.sync(2)
    assert titles(place, "Work") == []
    flags.put_back(appointment_id=place.appointment.pk, now=timezone.now())
    place.ada.sync(2)
    assert (titles(place, "Work"), place.ada.flags) == (["Grace Hopper"], set())


def test_a_removal_whose_answer_was_lost_is_no_deletion_by_the_user(stage: Stage) -> None:
    place = ground(stage)
    place.ada.choose(primary="Work")
    place.icloud.faults.add(faults.close_before_response(), method="DELETE", after_apply=True)
    place.ada.sync(3)
    assert (titles(place, "Work"), place.ada.flags) == (["Grace Hopper"], set())


@pytest.mark.parametrize("left", [False, True])
def test_what_was_removed_stays_off_when_icloud_is_turned_off_and_on(stage: Stage, left: bool) -> None:
    place = ground(stage)
    place.event.delete()
    place.ada.sync(3)
    if left:
        flags.leave_off(appointment_id=place.appointment.pk, now=timezone.now())
    for enabled in (False, True):
        calendars.update(calendar_id=place.calendar.pk, values={"icloud_enabled": enabled}, now=timezone.now())
        place.ada.sync()
    assert titles(place, "Home") == []
    assert place.ada.flags == (set() if left else {"removed_in_icloud"})


def test_another_primary_calendar_is_filled_one_by_one(stage: Stage) -> None:
    place = ground(stage)
    for hour in (10, 11):
        stage.book(place.calendar, day(2, hour))
    place.ada.sync(2)
    asked = len(place.icloud.requests)
    place.ada.choose(primary="Work")
    place.ada.sync()
    sent = [record.method for record in place.icloud.requests[asked:] if record.method in ("PUT", "DELETE")]
    assert sent == ["DELETE", "PUT"] * 3
