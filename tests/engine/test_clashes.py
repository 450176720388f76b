"""A move on the phone is judged by all that is read around it, whatever comes first (rule P7)."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from calendars.models import Appointment
from icloud_sync.models import Attention
from icloud_sync.services import calendar_pull, flags, syncing
from tests import kept, night
from tests.fake_icloud import faults
from tests.killing import dying, let_leases_expire, watching
from tests.stage import Person, Stage, day

CLASHES = {"moved_in_icloud", "clash"}


@pytest.fixture
def ada(stage: Stage) -> Person:
    """Ada, with an appointment at nine in two days; it stands in Home, which is read before Work."""
    return kept.beginning("clashes", stage, _ada)


def _ada(stage: Stage) -> Person:
    ada = stage.person()
    calendar = stage.calendar(ada)
    ada.connect(conflicts=("Home", "Work"))
    stage.book(calendar, day(2, 9))
    ada.sync(2)
    return ada


def move(ada: Person, *, hour: int = 15) -> None:
    ada.phone.find("Grace Hopper").edit(start=day(2, hour), end=day(2, hour, 30))


def lunch(ada: Person, calendar: str = "Work", *, hour: int = 15) -> Any:
    return ada.phone.create(calendar, title="Lunch", start=day(2, hour), end=day(2, hour + 1))


def test_what_is_new_in_a_calendar_that_is_read_later_clashes(ada: Person) -> None:
    move(ada)
    lunch(ada)
    ada.sync()
    assert ada.flags == CLASHES
    assert Appointment.objects.get().start == day(2, 15)


def test_what_comes_in_a_later_portion_of_the_same_calendar_clashes(
    ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("FETCH", 1), ("PORTION", 1)):
        monkeypatch.setattr(calendar_pull, name, value)
    move(ada)
    lunch(ada, "Home")
    ada.sync()
    assert ada.flags == CLASHES


def test_what_goes_away_in_a_calendar_that_is_read_later_does_not_clash(ada: Person) -> None:
    event = lunch(ada)
    ada.sync()
    move(ada)
    event.edit(start=day(4, 15), end=day(4, 16))
    ada.sync()
    assert ada.flags == {"moved_in_icloud"}
    lunch(ada)
    ada.sync()
    assert ada.flags == CLASHES, "the next look may show what was there all the time"


def test_a_longer_appointment_is_judged_anew(ada: Person) -> None:
    move(ada)
    ada.sync(3)
    ada.phone.find("Grace Hopper").edit(start=day(2, 15), end=day(2, 18))
    lunch(ada, hour=17)
    ada.sync()
    assert ada.flags == CLASHES


def test_what_comes_long_after_the_move_is_no_clash_of_it(ada: Person) -> None:
    move(ada)
    ada.sync(3)
    lunch(ada)
    ada.sync(2)
    assert ada.flags == {"moved_in_icloud"}


def test_a_clash_that_was_seen_does_not_come_again(ada: Person) -> None:
    move(ada)
    lunch(ada)
    ada.sync()
    flags.acknowledge(attention_id=Attention.objects.get(code="clash").pk, now=timezone.now())
    ada.phone.create("Home", title="Another", start=day(2, 15), end=day(2, 16))
    ada.sync()
    assert ada.flags == {"moved_in_icloud"}


def test_free_time_and_its_own_event_are_no_clash(ada: Person) -> None:
    move(ada)
    lunch(ada).edit(free=True)
    ada.sync(2)
    assert ada.flags == {"moved_in_icloud"}


def test_what_the_other_host_of_a_collective_has_new_clashes_too(stage: Stage) -> None:
    ada, ben = stage.person(), stage.person("ben")
    calendar = stage.calendar(ada, ben, type="collective")
    for person in (ada, ben):
        person.connect()
    stage.book(calendar, day(2, 9))
    for person in (ada, ben, ada):
        person.sync()
    move(ada)
    ben.phone.create("Home", title="Lunch", start=day(2, 15), end=day(2, 16))
    ada.sync()
    ben.sync()
    assert ada.flags == {*CLASHES, "affects_others"}


def test_a_look_that_fails_after_the_move_leaves_the_rest_to_the_next(ada: Person) -> None:
    move(ada)
    lunch(ada)
    assert ada.icloud is not None
    path = ada.calendar("Work").path
    ada.icloud.faults.add(faults.status(500), method="REPORT", path=path, times=None)
    ada.sync()
    assert ada.flags == {"moved_in_icloud"}
    ada.icloud.faults.clear()
    ada.sync()
    assert ada.flags == CLASHES


def test_a_worker_may_die_after_every_commit_in_between(ada: Person) -> None:
    move(ada)
    lunch(ada)
    assert ada.connection is not None
    with transaction.atomic(), watching() as whole:
        syncing.pull(ada.connection.pk)
        assert ada.flags == CLASHES
        transaction.set_rollback(True)
    commits = [moment for moment in whole.moments if moment.kind == "commit"]
    assert len(commits) > 8
    for moment in night.share(commits, start=2, of=3):
        before = transaction.savepoint()
        with dying(moment) as watch:
            syncing.pull(ada.connection.pk)
        assert watch.happened
        let_leases_expire()
        ada.sync()
        assert ada.flags == CLASHES, moment
        transaction.savepoint_rollback(before)
