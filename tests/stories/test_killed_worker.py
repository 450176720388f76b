"""A real Celery worker with its children is killed -9 in the middle of its requests, again and again; whoever comes
next finishes the work (reliability F44)."""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import Popen
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.conf import settings as configured
from django.db import connection
from django.utils import timezone

from calendars.models import Appointment
from icloud_sync import tasks
from icloud_sync.models import EventState, ICloudConnection, SyncedEvent
from leadmagicx.celery import app
from leadmagicx.embedded import processes
from tests.fake_icloud.faults import Action
from tests.fake_icloud.wire import Response
from tests.killing import let_leases_expire
from tests.stage import Person, Stage, day
from tests.stories.test_load import CHANGES, DEATHS, Load
from tests.stories.town import Town

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes, pytest.mark.nightly]
Worker = Callable[[], Popen[bytes]]
KILLS, HOSTS, EACH = 3, 2, 10


@pytest.fixture
def worker(stage: Stage, tmp_path: Path) -> Iterator[Worker]:
    """Start a worker on the database, the queue and the iCloud of this test; it ends with the test at the latest."""
    database = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}")
    environ = os.environ | {
        "DATABASE_URL": urlunsplit(database),
        "ICLOUD_CALDAV_URL": stage.icloud.url,
        "ICLOUD_TRUSTED_HOSTS": stage.icloud.trusted_hosts,
        "ICLOUD_SETTLE_SECONDS": "0",
        "ICLOUD_REQUESTS_PER_MINUTE": "0",
    }
    command = [sys.executable, "-W", "ignore", "-m", "celery", "--quiet", "-A", "leadmagicx", "worker"]
    started: list[Popen[bytes]] = []

    def start() -> Popen[bytes]:
        with (tmp_path / "worker.log").open("ab") as log:
            root = Path(configured.BASE_DIR)
            process = processes.start([*command, "--concurrency", "2"], cwd=root, output=log, environ=environ)
        started.append(process)
        return process

    app.control.purge()
    try:
        yield start
    finally:
        for process in started:
            processes.stop(process, signals=[(signal.SIGTERM, 0.1)])
        app.control.purge()


def prepared(stage: Stage) -> list[Person]:
    """Hosts with private events and appointments of which nothing was sent so far."""
    people = []
    for number in range(HOSTS):
        person = stage.person(f"user{number}")
        calendar = stage.calendar(person)
        person.phone.create("Home", title="Dentist", start=day(2, 7), end=day(2, 8))
        person.connect()
        person.sync()
        for index in range(EACH):
            stage.book(calendar, day(3 + index, 9), name=f"Guest{number}x{index} Smith")
        people.append(person)
    return people


def the_dead_are_gone() -> bool:
    """Say whether what killed workers had under way in the database is over."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        return bool(cursor.fetchone()[0] == 1)


@pytest.mark.timeout(900)
def test_a_worker_killed_again_and_again_leaves_each_appointment_there_once(stage: Stage, worker: Worker) -> None:
    dice = random.Random(44)
    people = prepared(stage)
    kills: list[str] = []
    running: list[Popen[bytes]] = []

    def kill(*_: Any) -> Response:
        kills.append("killed")
        processes.kill_group(running[-1].pid)
        return Response(0, silence="close")

    rung = 0.0

    def is_done() -> bool:
        nonlocal rung
        if time.monotonic() > rung + 1:  # as beat does
            rung = time.monotonic()
            tasks.push_due()
        return not SyncedEvent.objects.filter(due_at__isnull=False).exists()

    def is_over() -> bool:
        return is_done() or len(kills) == len(running)

    for turn in range(KILLS):
        # In the middle of a write, which Apple carries out or does not.
        stage.icloud.faults.add(
            Action("kill -9", instead=kill), method="PUT", nth=dice.randint(1, 6), after_apply=bool(turn % 2)
        )
        running.append(worker())
        assert processes.wait_until(is_over, seconds=200), "no worker came"
        assert len(kills) == turn + 1
        running[-1].wait(timeout=10)
        assert processes.wait_until(the_dead_are_gone, seconds=60)
        let_leases_expire()
    running.append(worker())
    assert processes.wait_until(is_done, seconds=200), list(SyncedEvent.objects.values_list("state", "due_at"))
    for number, person in enumerate(people):
        titles = sorted(event.summary for event in person.phone.events("Home"))
        assert titles == sorted(["Dentist", *(f"Guest{number}x{index} Smith" for index in range(EACH))])
        assert [slot.title for slot in person.blocks] == ["Dentist"]
    assert set(SyncedEvent.objects.values_list("state", flat=True)) == {EventState.WRITTEN}
    writes = sum(record.method == "PUT" and record.status == 201 for record in stage.icloud.requests)
    assert writes <= HOSTS * EACH, "none was made twice"


class Clocks:
    """Real time, in which Apple's clock alone can be put forward."""

    def __init__(self, stage: Stage) -> None:
        self.clock = stage.icloud.clock

    def shift(self, seconds: float) -> None:
        self.clock.advance(seconds)


def everybody_is_due() -> None:
    """Hand out every account, as beat does."""
    ICloudConnection.objects.update(next_sync_at=timezone.now(), not_before=None)
    tasks.push_due()
    tasks.pull_due()


@pytest.mark.timeout(1800)
@pytest.mark.icloud(impolite="an unacknowledged write is repeated whatever became of the event", ignore={5})
def test_fifty_kills_at_any_moment_of_two_hundred_changes(stage: Stage, worker: Worker) -> None:
    """The same load as in test_load, on real workers: killed some time after the first request, wherever they are."""
    dice = random.Random(int(os.environ.get("LOAD_SEED", "1")))
    load = Load(Town(stage, Clocks(stage)), dice)
    in_the_middle = 0
    for _ in range(DEATHS):
        for _ in range(CHANGES // DEATHS):
            load.change()
        before = len(stage.icloud.requests)
        process = worker()
        everybody_is_due()
        assert processes.wait_until(lambda start=before: len(stage.icloud.requests) > start, seconds=100)
        killer = threading.Timer(dice.uniform(0, 0.4), processes.kill_group, [process.pid])
        killer.start()
        process.wait(timeout=20)
        killer.join()
        assert processes.wait_until(the_dead_are_gone, seconds=60)
        in_the_middle += ICloudConnection.objects.filter(claim__isnull=False).exists()
        let_leases_expire()
        load.town.check()
    assert load.changes == CHANGES
    assert in_the_middle > DEATHS // 4, "most of the workers had finished before they were killed"
    load.town.end()
    assert len(load.town.book.status) == Appointment.objects.count()
