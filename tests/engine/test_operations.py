"""Days on which Apple or we are not well, under every profile (rules T1, T3; emulator section 9, Operations)."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from icloud_sync.models import Attention, EventState, ICloudConnection
from icloud_sync.services import syncing
from tests.fake_icloud import faults
from tests.faults.ground import ground
from tests.killing import Moment, dying, let_leases_expire, meanwhile, watching
from tests.stage import Stage, day

pytestmark = pytest.mark.icloud_all_profiles


def test_too_short_a_wish_to_wait_ends_in_peace(stage: Stage) -> None:
    """Requests inside Apple's window make it longer (fact 8.1): a dozen looks and no storm."""
    place = ground(stage)
    place.icloud.flags.throttle = None
    place.icloud.faults.add(faults.throttle(30.0, 6, "1"), times=None)
    for number in range(6):
        stage.book(place.calendar, day(10 + number, 9), name=f"Guest {number}")
    with stage.icloud.counting() as seen:
        for _ in range(12):
            place.ada.sync()
    assert len(place.events) == 8
    assert len(seen.requests) <= 60
    assert place.ada.connection is not None
    assert place.ada.connection.status == "connected"


def test_an_outage_of_apple_disconnects_nobody_and_opens_nothing(stage: Stage) -> None:
    people = [stage.person(f"user{number}") for number in range(6)]
    for person in people:
        person.phone.create("Home", title="Dentist", start=day(3, 12), end=day(3, 13))
        person.connect()
        person.sync(2)
    stage.icloud.outage = True
    for _ in range(3):
        for person in people:
            person.sync()
    assert [len(person.blocks) for person in people] == [1] * 6
    statuses = list(ICloudConnection.objects.values_list("status", flat=True))
    # Until it shows that all fail, the first few could be anybody's own trouble.
    assert "needs_password" not in statuses
    assert statuses.count("connected") >= 2
    stage.icloud.outage = False
    for person in people:
        person.sync()
    assert set(ICloudConnection.objects.values_list("status", flat=True)) == {"connected"}
    assert not Attention.objects.filter(resolved_at=None).exists()


def test_a_second_worker_finds_the_account_taken(stage: Stage) -> None:
    """F45: the same task, delivered twice at once; one request at a time (rule T1)."""
    place = ground(stage, written=False)
    assert place.ada.connection is not None
    pk = place.ada.connection.pk
    for number in range(1, 4):
        with stage.icloud.counting() as seen, meanwhile(Moment("request", number), lambda: syncing.pull(pk)) as watch:
            syncing.pull(pk)
        assert len(seen.requests) == sum(moment.kind == "request" for moment in watch.moments)
    assert stage.icloud.max_parallel == 1
    assert (place.puts(), place.events) == (1, ["Grace Hopper", "Dentist"])


@pytest.mark.late_turns(3)
@pytest.mark.parametrize("what", ["create", "update", "delete"])
def test_a_worker_killed_between_its_write_and_its_commit(stage: Stage, what: str) -> None:
    """F44 at its worst moment: Apple has it, we have not noted it."""
    place = ground(stage, written=what != "create")
    if what == "update":
        place.move()
    elif what == "delete":
        stage.cancel(place.appointment)
    assert place.ada.connection is not None
    at = 1 if what != "update" else 2
    with dying(Moment("answer", at)):
        syncing.push(place.ada.connection.pk)
    assert place.row.due_at is not None
    let_leases_expire()
    with watching():
        place.ada.sync(3)
    assert place.events == (["Dentist"] if what == "delete" else ["Grace Hopper", "Dentist"])
    assert place.row.state == (EventState.GONE if what == "delete" else EventState.WRITTEN)
    assert sum(record.method == "PUT" for record in stage.icloud.requests) == (2 if what == "update" else 1)


@pytest.mark.parametrize("hours", [1, -1])
def test_a_clock_that_jumps_loses_and_repeats_nothing(stage: Stage, hours: int) -> None:
    """F48: our clock jumps while a dead worker holds the account and a write is due."""
    place = ground(stage)
    place.move()
    assert place.ada.connection is not None
    with dying(Moment("request", 1)):
        syncing.pull(place.ada.connection.pk)
    later = timezone.now() + timedelta(hours=hours, minutes=1)
    with time_machine.travel(later, tick=True):
        assert syncing.due_for_pull(now=timezone.now()) == [place.ada.connection.pk], "it is looked at again"
        syncing.pull(place.ada.connection.pk)
        assert place.event.start == day(2, 15) or place.event.start.hour == 15
        puts = place.puts()
        syncing.pull(place.ada.connection.pk)
        assert place.puts() == puts
    assert (place.blocked, place.ada.flags) == (["Dentist"], set())
