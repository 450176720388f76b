"""What goes wrong with an account, a calendar or an event of its owner: F1-F3, F6, F33, F37, F50-F52, F54-F56."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone
from rest_framework.test import APIClient

from calendars.models import Calendar
from icloud_sync.errors import PasswordRejected
from icloud_sync.models import EventState, ICloudConnection, ICloudCredential, SyncedEvent
from icloud_sync.services import connecting, syncing
from tests.fake_icloud import faults
from tests.faults.ground import ground
from tests.killing import Moment, dying, let_leases_expire, meanwhile, watching
from tests.stage import Person, Stage, day

URL = "/api/v1/icloud/connections/"


def form(person: Person, password: str) -> Any:
    cache.clear()
    client = APIClient()
    client.force_authenticate(person.user)
    return client.post(URL, {"apple_id": person.account.apple_id, "app_specific_password": password})


def test_f1_a_rejected_password_is_told_by_one_request_and_nothing_stays(stage: Stage) -> None:
    answer = form(stage.person(), "aaaa-bbbb-cccc-dddd")
    assert (answer.status_code, answer.json()["code"]) == (400, "password_rejected")
    assert "aaaa" not in answer.content.decode()
    assert [record.status for record in stage.icloud.requests].count(401) == 1
    assert not ICloudConnection.objects.exists()
    assert not ICloudCredential.objects.exists()


def test_f2_what_cannot_be_an_app_specific_password_is_never_sent(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    answer = form(stage.person(), "My-Real-Apple-Passw0rd!")
    assert answer.json()["code"] == "not_an_app_specific_password"
    assert (stage.icloud.requests, ICloudConnection.objects.count()) == ([], 0)
    assert "Passw0rd" not in caplog.text + answer.content.decode()


def test_f3_two_refusals_stop_every_door_and_are_told_once(stage: Stage) -> None:
    place = ground(stage)
    place.ada.account.revoke_all()
    place.move()
    place.ada.sync(3)
    assert [record.status for record in stage.icloud.requests].count(401) == 2
    assert (place.ada.flags, place.blocked) == ({"needs_password"}, ["Dentist"])
    pk = place.ada.connection.pk  # type: ignore[union-attr]
    with stage.icloud.counting() as seen:
        for door in (syncing.pull, syncing.push):
            door(pk)
    assert seen.requests == []
    assert (syncing.due_for_pull(now=timezone.now()), syncing.due_for_push(now=timezone.now())) == ([], [])
    assert place.row.due_at is not None
    assert place.ada.journal().count("needs_password") == 1


@pytest.mark.icloud(destructive="the user deletes a calendar")
@pytest.mark.parametrize("status", [404, 410])
def test_f6_a_calendar_is_gone_only_when_the_home_says_so_too(stage: Stage, status: int) -> None:
    place = ground(stage)
    place.ada.phone.create("Home", title="Late", start=day(4, 9), end=day(4, 10))
    place.icloud.faults.add(faults.status(status), report="sync-collection")
    place.ada.sync()
    assert (place.ada.calendar("Home").gone_at, place.ada.flags) == (None, set())
    place.icloud.faults.add(faults.status(status), method="PROPFIND")
    place.ada.sync()
    assert (place.ada.calendar("Home").gone_at, place.blocked) == (None, ["Dentist", "Late"])
    place.ada.account.delete_calendar("Home")
    place.ada.sync(2)
    assert (place.ada.flags, place.blocked) == ({"primary_lost"}, ["Dentist", "Late"])
    assert place.row.state == EventState.WRITTEN


def test_f33_addresses_that_come_twice_are_one_row(stage: Stage) -> None:
    stage.icloud.flags.duplicate_hrefs = True
    place = ground(stage)
    dentist = place.ada.phone.find("Dentist")
    dentist.edit(start=day(3, 14), end=day(3, 15))
    place.ada.sync(2)
    assert [(slot.title, slot.start) for slot in place.ada.slots] == [("Dentist", day(3, 14))]


def test_f37_a_rule_that_never_ends_costs_no_time_and_stops_nobody(stage: Stage) -> None:
    place = ground(stage)
    bombs = ("FREQ=SECONDLY", "FREQ=MINUTELY;BYSECOND=1,2,3", "FREQ=DAILY;BYHOUR=0,1,2,3;BYMINUTE=1,2,3;BYSECOND=1,2",
             "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=DAILY;INTERVAL=0")  # fmt: skip
    for number, rule in enumerate(bombs):
        place.ada.phone.create("Home", title=f"Bomb {number}", start=day(4, 9), end=day(4, 10), rrule=rule)
    place.ada.phone.create("Home", title="Late", start=day(4, 9), end=day(4, 10))
    began = time.process_time()
    place.ada.sync()
    assert time.process_time() - began < 2
    assert {"Dentist", "Late"} <= set(place.blocked)
    assert place.ada.flags == {"unreadable_event"}


@pytest.mark.late_turns(3)
@pytest.mark.parametrize("number", [1, 2, 3])
def test_f50_who_disconnects_in_the_middle_is_left_alone_at_once(stage: Stage, number: int) -> None:
    place = ground(stage)
    place.move()
    place.ada.phone.create("Home", title="Late", start=day(4, 9), end=day(4, 10))
    pk = place.ada.connection.pk  # type: ignore[union-attr]

    def leave() -> None:
        connecting.disconnect(connection_id=pk, written_events="keep", now=timezone.now())

    with stage.icloud.counting() as seen, meanwhile(Moment("answer", number), leave):
        syncing.pull(pk)
    assert len(seen.requests) == number, "not one request more"
    assert place.ada.slots == []
    assert not ICloudCredential.objects.exists()


def test_f50_another_apple_account_gets_nothing_of_the_first(stage: Stage) -> None:
    place = ground(stage)
    first, event = place.ada.account, place.event
    connecting.disconnect(connection_id=place.ada.connection.pk, written_events="keep", now=timezone.now())  # type: ignore[union-attr]
    place.ada.account = stage.icloud.account("other@icloud.example", name="Other")
    place.ada.connect()
    place.ada.sync(3)
    assert [found.summary for found in place.ada.account.phone.events("Home")] == ["Grace Hopper"]
    assert place.row.uid != event.uid
    assert event.exists, "what was to be kept is kept"
    assert [found.summary for found in first.phone.events("Home")] == ["Grace Hopper", "Dentist"]


@pytest.mark.late
def test_f51_all_appointments_change_their_calendar_although_workers_die(stage: Stage) -> None:
    place = ground(stage)
    for number in range(11):
        stage.book(place.calendar, day(10 + number, 9), name=f"Guest{number} Smith")
    place.ada.sync()
    place.ada.choose(primary="Work")
    pk = place.ada.connection.pk  # type: ignore[union-attr]
    for moment in (Moment("answer", 1), Moment("answer", 9), Moment("request", 4), Moment("commit", 6)):
        with dying(moment):
            syncing.push(pk)
        let_leases_expire()
    with watching():
        place.ada.sync(2)
    assert (place.events, len(place.ada.phone.events("Work"))) == (["Dentist"], 12)
    assert len({event.summary for event in place.ada.phone.events("Work")}) == 12


def test_f52_one_apple_account_of_two_users_is_no_ping_pong(stage: Stage) -> None:
    place = ground(stage)
    ben = stage.person("ben")
    ben.account = place.ada.account
    ben.connect()
    for person in (ben, place.ada, ben):
        person.sync(2)
    assert [slot.title for slot in ben.blocks] == ["Grace Hopper", "Dentist"]
    with stage.icloud.counting() as seen:
        for person in (place.ada, ben):
            person.sync(2)
    assert {record.method for record in seen.requests} == {"PROPFIND"}
    place.move()
    place.ada.sync()
    ben.sync()
    assert [slot.start for slot in ben.blocks] == [day(2, 15), day(3, 12)]
    assert place.puts() == 2


def test_f54_a_calendar_without_icloud_is_asked_again_when_it_is_written(stage: Stage) -> None:
    """Turned off behind every door's back, in the rows themselves."""
    place = ground(stage, written=False)
    Calendar.objects.filter(pk=place.calendar.pk).update(icloud_enabled=False)
    place.ada.sync(2)
    assert (place.puts(), place.events) == (0, ["Dentist"])


def test_f55_a_key_dropped_too_early_sends_nothing_and_destroys_nothing(stage: Stage, settings: Any) -> None:
    place = ground(stage)
    place.move()
    field = ICloudCredential._meta.get_field("sealed")
    sealed = _column()
    for keys, requests in ((["x" * 40], 0), (settings.CREDENTIAL_KEYS, 1)):
        settings.FERNET_KEYS = keys
        for name in ("keys", "fernet_keys", "fernet"):
            field.__dict__.pop(name, None)
        with stage.icloud.counting() as seen:
            place.ada.sync()
        assert bool(seen.requests) is bool(requests)
        if not requests:
            assert (place.ada.flags, place.blocked) == ({"needs_password"}, ["Dentist"])
            ICloudConnection.objects.update(status="connected")
    assert _column() == sealed
    assert place.event.start == day(2, 15)


def _column() -> str:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT sealed FROM icloud_sync_icloudcredential")
        return str(cursor.fetchone()[0])


def test_f56_rows_of_a_newer_release_are_left_alone(stage: Stage) -> None:
    place = ground(stage)
    SyncedEvent.objects.update(state="later", due_at=timezone.now())
    place.ada.calendar("Work").__class__.objects.filter(name="Work").update(kind="later", checks_conflicts=False)
    place.ada.sync(2)
    assert (place.row.state, place.row.due_at is not None) == ("later", True)
    assert "Dentist" in place.blocked
    assert place.event is not None


def test_f1_the_error_repeats_no_password(stage: Stage) -> None:
    ada = stage.person()
    with pytest.raises(PasswordRejected) as caught:
        connecting.connect(
            user=ada.user, apple_id=ada.account.apple_id, password_text="aaaabbbbccccdddd", now=timezone.now()
        )
    assert "aaaa" not in repr(caught.value)
