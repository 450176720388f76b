"""What can go wrong with one write: F4, F7 to F13, F17, F20, F21 and F31 of the fault matrix (rules W4, W9)."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from icloud_sync.models import EventState, SyncedEvent
from icloud_sync.services import flags
from tests.fake_icloud import faults
from tests.fake_icloud.faults import Action
from tests.fake_icloud.wire import Response
from tests.faults.ground import Ground, ground
from tests.stage import Stage, day

LOST = [
    pytest.param(faults.status(500), False, id="500"),
    pytest.param(faults.status(503), True, id="503 and done"),
    pytest.param(faults.close_before_response(), False, id="cut off"),
    pytest.param(faults.close_before_response(), True, id="cut off and done"),
]


def sent(place: Ground, rounds: int = 2) -> list[str]:
    """Go on for a while; return the methods of the requests that named our event, in order."""
    before = len(place.icloud.requests)
    place.ada.sync(rounds)
    return [record.method for record in place.icloud.requests[before:] if record.path.endswith(".ics")]


def in_rest(place: Ground) -> dict[str, str]:
    client = Client()
    client.force_login(place.ada.user)
    (found,) = client.get(f"/api/v1/appointments/{place.appointment.pk}/").json()["icloud"]
    return found


def test_f4_a_403_stops_the_write_and_is_shown(stage: Stage) -> None:
    place = ground(stage, written=False)
    rule = place.icloud.faults.add(faults.status(403), method="PUT", times=None)
    place.ada.sync(3)
    assert rule.fired == 1, "no storm"
    assert place.ada.flags == {"write_failed"}
    assert place.row.state == EventState.FAILED
    place.appointment.refresh_from_db()
    assert place.appointment.status == "confirmed"
    place.icloud.faults.clear()
    flags.retry(appointment_id=place.appointment.pk, now=place.appointment.created_at)
    place.ada.sync()
    assert (place.events, place.ada.flags) == (["Grace Hopper", "Dentist"], set())


@pytest.mark.parametrize("moved", [True, False], ids=["moved here", "renamed here"])
def test_f7_an_update_that_finds_nothing_writes_again_only_for_a_new_time(stage: Stage, moved: bool) -> None:
    place = ground(stage)
    event, uid = place.event, place.row.uid

    def delete(*_: object) -> Response:
        event.delete()
        return Response(404)

    place.icloud.faults.add(Action("deleted a moment before", instead=delete), method="PUT")
    stage.edit(place.appointment, **({"start": day(2, 15)} if moved else {"title": "Fitting"}))
    place.ada.sync(4)
    assert place.row.uid != uid if moved else place.ada.flags == {"removed_in_icloud"}
    assert [found.start for found in place.ada.phone.events("Home")] == ([day(2, 15)] if moved else []) + [day(3, 12)]


def test_f8_a_removal_that_finds_nothing_is_done(stage: Stage) -> None:
    place = ground(stage)
    place.event.delete()
    stage.cancel(place.appointment)
    assert sent(place) == ["DELETE"]
    assert (place.row.state, place.ada.flags) == (EventState.GONE, set())


CONFLICT = b"<error xmlns='DAV:'><no-uid-conflict xmlns='urn:ietf:params:xml:ns:caldav'/></error>"


def test_f9_a_uid_that_is_said_to_be_taken_is_given_up_once(stage: Stage) -> None:
    place = ground(stage, written=False)
    first = place.row.uid
    place.icloud.faults.add(faults.status(409, body=CONFLICT), method="PUT")
    place.ada.sync(2)
    assert (place.row.uid != first, place.puts(), place.events) == (True, 2, ["Grace Hopper", "Dentist"])


def test_f9_a_uid_that_is_taken_by_our_own_lost_write_is_adopted(stage: Stage) -> None:
    place = ground(stage, written=False)
    place.icloud.faults.add(faults.status(500), method="PUT", after_apply=True)
    place.ada.sync()
    place.icloud.faults.add(faults.status(404), method="GET")  # a read that is older than the write (fact 4.9)
    place.icloud.faults.add(faults.status(409, body=CONFLICT), method="PUT")
    place.ada.sync(2)
    assert (place.puts(), place.events, place.row.state) == (2, ["Grace Hopper", "Dentist"], EventState.WRITTEN)


@pytest.mark.icloud(ignore={5}, impolite="Apple says so of names it never saw")
def test_f9_a_second_refusal_of_the_uid_is_shown(stage: Stage) -> None:
    place = ground(stage, written=False)
    rule = place.icloud.faults.add(faults.status(403, body=CONFLICT), method="PUT", times=None)
    place.ada.sync(3)
    assert (rule.fired, place.ada.flags) == (2, {"write_failed"})


def test_f10_a_name_taken_by_our_own_lost_write_is_adopted(stage: Stage) -> None:
    place = ground(stage, written=False)
    place.icloud.faults.add(faults.close_before_response(), method="PUT", after_apply=True)
    place.ada.sync()
    place.event.edit(location="Room 2")
    place.ada.sync(2)
    assert place.puts() == 1
    place.appointment.refresh_from_db()
    assert (place.appointment.location, place.row.state) == ("Room 2", EventState.WRITTEN)


def test_f10_an_unexplained_412_gets_one_other_name(stage: Stage) -> None:
    place = ground(stage, written=False)
    uid = place.row.uid
    place.icloud.faults.add(faults.status(412), method="PUT")
    place.ada.sync(2)
    assert (place.puts(), place.row.uid != uid, place.events) == (2, True, ["Grace Hopper", "Dentist"])


def test_f11_an_edit_on_the_phone_is_never_overwritten_unseen(stage: Stage) -> None:
    place = ground(stage)
    event = place.event
    place.icloud.faults.add(
        Action("edited a moment before", tweak=lambda _: event.edit(title="From the phone")), method="PUT"
    )
    place.move()
    place.ada.sync(2)
    place.appointment.refresh_from_db()
    assert (event.summary, event.start, place.appointment.title) == ("From the phone", day(2, 15), "From the phone")


def test_f11_endless_412s_wait_instead_of_storming(stage: Stage) -> None:
    place = ground(stage)
    rule = place.icloud.faults.add(faults.status(412), method="PUT", times=None)
    place.move()
    place.ada.sync()
    assert rule.fired == 3
    assert place.row.due_at is not None
    place.icloud.faults.clear()
    SyncedEvent.objects.update(due_at=place.appointment.created_at)
    place.ada.sync()
    assert place.event.start == day(2, 15)


def test_f12_a_cancelled_appointment_goes_although_it_was_edited(stage: Stage) -> None:
    place = ground(stage)
    place.event.edit(title="From the phone")
    stage.cancel(place.appointment)
    assert sent(place)[:3] == ["DELETE", "GET", "DELETE"]
    assert (place.events, place.row.state) == (["Dentist"], EventState.GONE)


@pytest.mark.parametrize("status", [423, 507])
def test_f13_a_locked_or_full_account_waits_and_a_full_one_is_told(stage: Stage, settings: Any, status: int) -> None:
    settings.ICLOUD_POLL_SECONDS = 60
    place = ground(stage, written=False)
    rule = place.icloud.faults.add(faults.status(status, body=b""), method="PUT")
    place.ada.push()
    place.ada.push()
    assert rule.fired == place.puts() == 1
    shown = in_rest(place)
    assert shown["state"] == "pending"
    assert ("iCloud account is full" in shown["detail"]) is (status == 507)
    assert place.ada.flags == set()
    SyncedEvent.objects.update(due_at=place.appointment.created_at)
    place.ada.push()
    assert (place.events, in_rest(place)["detail"]) == (["Grace Hopper", "Dentist"], "")


@pytest.mark.late_turns(3)
@pytest.mark.parametrize(("fault", "done"), LOST)
def test_f17_f20_after_a_lost_answer_we_look_before_we_write(stage: Stage, fault: Action, done: bool) -> None:
    place = ground(stage)
    place.icloud.faults.add(fault, method="PUT", after_apply=done)
    place.move()
    assert sent(place, 1) == ["GET", "PUT"], "never a second one at once"
    assert sent(place) == (["GET"] if done else ["GET", "PUT"])
    assert (place.event.start, place.row.due_at) == (day(2, 15), None)


def test_f20_a_write_without_an_answer_in_time_is_looked_for(stage: Stage, settings: object) -> None:
    place = ground(stage, written=False)
    settings.ICLOUD_REQUEST_TIMEOUT_SECONDS = 0.2  # type: ignore[attr-defined]
    place.icloud.faults.add(faults.blackhole(), method="PUT", after_apply=True)
    assert sent(place, 1) == ["PUT"]
    assert set(sent(place)) == {"GET"}
    assert (place.events, place.row.state) == (["Grace Hopper", "Dentist"], EventState.WRITTEN)


@pytest.mark.parametrize("done", [True, False])
def test_f21_a_removal_without_an_answer_is_looked_for(stage: Stage, settings: object, done: bool) -> None:
    place = ground(stage)
    settings.ICLOUD_REQUEST_TIMEOUT_SECONDS = 0.2  # type: ignore[attr-defined]
    place.icloud.faults.add(faults.blackhole(), method="DELETE", after_apply=done)
    stage.cancel(place.appointment)
    assert sent(place, 1) == ["DELETE"]
    assert sent(place) == ["DELETE"], "conditional, so it is its own question"
    assert (place.events, place.row.state) == (["Dentist"], EventState.GONE)


@pytest.mark.parametrize("how", ["none", "weak"])
def test_f31_without_a_strong_etag_it_is_read_back_before_the_next_write(stage: Stage, how: str) -> None:
    place = ground(stage, written=False)
    if how == "none":
        place.icloud.flags.put_etag = "never"
    else:
        place.icloud.faults.add(faults.weak_etag(), method="PUT", times=None)
    assert sent(place, 1)[:2] == ["PUT", "GET"]
    place.move()
    place.ada.sync()
    conditions = [record.headers.get("if-match", "") for record in place.icloud.requests if record.method == "PUT"]
    assert conditions[0] == ""
    assert conditions[1].startswith('"')
    assert place.event.start == day(2, 15)
