"""What goes wrong on our own side: F38 to F49 of the fault matrix (rules T1, P16; invariants I4, I5, I8)."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings as configured
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from icloud_sync.ical.event import ScannedEvent
from icloud_sync.local import mirror
from icloud_sync.models import EventState, ICloudCalendar, ICloudConnection, ICloudEvent, JournalEntry
from icloud_sync.services import calendar_pull, syncing
from leadmagicx.celery import app
from tests.engine.test_many import many
from tests.faults.ground import ground
from tests.killing import Killed, Moment, Watch, dying, let_leases_expire, meanwhile, watching
from tests.stage import Stage, day

POISON = re.compile(rb"^SUMMARY:Event 7\r?$", re.MULTILINE)


def test_f39_a_time_limit_in_the_middle_leaves_whole_batches(stage: Stage) -> None:
    ada = stage.person()
    ada.account.calendar("Home").load(many(120))
    ada.connect()
    assert ada.connection is not None

    def stop() -> None:
        raise SoftTimeLimitExceeded

    with pytest.raises(SoftTimeLimitExceeded), meanwhile(Moment("request", 4), stop):
        syncing.pull(ada.connection.pk)
    assert (len(ada.blocks), ada.calendar("Home").token) == (50, "")
    ada.connection.refresh_from_db()
    assert ada.connection.claim is None, "the account is given back"
    with stage.icloud.counting() as seen:
        ada.sync()
    assert len(ada.blocks) == 120
    assert sum(record.body.count(b"href>") // 2 for record in seen.requests if record.report) == 70, "none twice"


def test_f40_a_large_account_lets_its_own_writes_through_and_a_failing_one_waits(
    stage: Stage, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ICLOUD_POLL_SECONDS = 60
    # Its batches take long.
    monkeypatch.setattr(calendar_pull, "PATIENCE", timedelta(0))
    place = ground(stage)
    place.ada.account.calendar("Work").load(many(160))
    place.ada.choose(conflicts=("Home", "Work"))
    pk = place.ada.connection.pk  # type: ignore[union-attr]

    def move() -> None:
        stage.edit(place.appointment, start=day(9, 9))

    with stage.icloud.counting() as seen, meanwhile(Moment("request", 4), move):
        syncing.pull(pk)
    order = [record.method if record.method == "PUT" else record.report for record in seen.requests]
    assert order.index("PUT") < len(order) - 1 - order[::-1].index("calendar-multiget")
    failing = [stage.person(f"user{number}").connect() for number in range(4)]
    for person in failing:
        person.account.lock()
        person.sync(3)
    now = timezone.now() + timedelta(seconds=3)
    ICloudConnection.objects.filter(pk=pk).update(next_sync_at=now)
    assert syncing.due_for_pull(now=now) == [pk], "who fails comes back later than who does not"


@contextmanager
def broker(url: str) -> Iterator[None]:
    """Let the queue be elsewhere for a while."""
    before = app.conf.broker_url, app.conf.broker_transport_options

    def use(where: str, options: dict[str, Any]) -> None:
        app.conf.broker_url, app.conf.broker_transport_options = where, options
        app.amqp._producer_pool = None
        app.pool.force_close_all()
        app._pool = None

    use(url, {"socket_timeout": 0.2, "socket_connect_timeout": 0.2})
    try:
        yield
    finally:
        use(*before)


@pytest.mark.parametrize("kind", ["down", "mute"])
def test_f41_f42_without_its_queue_a_booking_succeeds_and_is_found_by_beat(
    stage: Stage, kind: str, django_capture_on_commit_callbacks: Any
) -> None:
    place = ground(stage)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1] if kind == "mute" else 9
        with broker(f"redis://127.0.0.1:{port}/0"), django_capture_on_commit_callbacks(execute=True):
            booked = stage.book(place.calendar, day(4, 9), name="Mary Somerville")
            began = time.monotonic()
        assert time.monotonic() - began < 3
    assert booked.pk
    pk = place.ada.connection.pk  # type: ignore[union-attr]
    assert syncing.due_for_push(now=timezone.now()) == [pk]
    syncing.push(pk)
    assert place.events == ["Grace Hopper", "Dentist", "Mary Somerville"]


def test_f42_no_setting_lets_a_mute_queue_hold_a_page_up() -> None:
    options = configured.CELERY_BROKER_TRANSPORT_OPTIONS
    assert max(options["socket_timeout"], options["socket_connect_timeout"]) <= 2
    assert configured.CELERY_TASK_PUBLISH_RETRY_POLICY["max_retries"] <= 1


def test_f43_what_the_queue_forgot_is_handed_out_again(stage: Stage) -> None:
    place = ground(stage)
    place.move()
    pk, now = place.ada.connection.pk, timezone.now() + timedelta(seconds=5)  # type: ignore[union-attr]
    for _ in range(3):
        assert syncing.due_for_push(now=now) == [pk]
        assert syncing.due_for_pull(now=now) == [pk]
        assert syncing.due_for_pull(now=now) == [], "each once for a while"
        now += syncing.HAND_OUT_AGAIN


def test_f38_f44_a_worker_may_die_at_every_moment_of_a_look(stage: Stage) -> None:
    """Each next worker dies one moment later than the one before, parsing included; the last one finishes."""
    place = ground(stage, written=False)
    place.ada.phone.create("Home", title="Late", start=day(4, 9), end=day(4, 10))
    pk = place.ada.connection.pk  # type: ignore[union-attr]
    number, alive = 0, False
    while not alive:
        number += 1
        kind = ("commit", "request", "answer")[number % 3]
        with dying(Moment(kind, 1 + number // 3)) as watch:  # type: ignore[arg-type]
            syncing.pull(pk)
        alive = not watch.happened and number % 3 == 0
        let_leases_expire()
        ICloudConnection.objects.update(not_before=None)
        assert number < 60
    with watching():
        place.ada.sync(2)
    assert (place.events, place.blocked) == (["Grace Hopper", "Dentist", "Late"], ["Dentist", "Late"])
    assert (place.puts(), place.row.state) == (1, EventState.WRITTEN)


@pytest.mark.late
def test_f38_an_event_that_kills_its_reader_is_left_unread_the_third_time(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = stage.person()
    home = ada.account.calendar("Home")
    home.load(many(60))
    ada.connect()
    read: list[bytes] = []
    watches: list[Watch] = []
    healthy = mirror.scan

    def scan(body: bytes) -> ScannedEvent:
        read.append(body)
        if POISON.search(body):
            watches[-1].dead = True
            raise Killed
        return healthy(body)

    monkeypatch.setattr(mirror, "scan", scan)
    for blocked in (0, 7, 59):
        let_leases_expire()
        ICloudConnection.objects.update(not_before=None)
        with watching() as watch:
            watches.append(watch)
            syncing.pull(ada.connection.pk)  # type: ignore[union-attr]
        assert len(ada.blocks) == blocked
    assert sum(bool(POISON.search(body)) for body in read) == 2, "not looked into any more"
    assert not watches[-1].dead
    entry = JournalEntry.objects.get(action="event_unreadable")
    assert (entry.path, entry.code, ada.flags) == (f"{home.path}event-7.ics", "reader_died", {"unreadable_event"})
    calendar = ada.calendar("Home")
    assert (calendar.token, calendar.reading, calendar.reading_path) == (home.token, 0, "")
    with stage.icloud.counting() as seen:
        ada.sync()
    assert len(seen.requests) == 1
    home.put("event-7.ics", many(8)[7][1].replace(b"Event 7", b"Smaller"))
    ada.sync()
    assert (len(ada.blocks), ada.flags) == (60, set())


def test_f38_what_was_left_unread_for_another_reason_is_read_the_next_day(stage: Stage) -> None:
    ada = stage.person()
    home = ada.account.calendar("Home")
    home.load(many(3))
    ada.connect()
    path = f"{home.path}event-1.ics"
    ICloudCalendar.objects.filter(pk=ada.calendar("Home").pk).update(reading=1, reading_path=path)
    ada.sync()
    assert (len(ada.blocks), ada.flags) == (2, {"unreadable_event"})
    left = ICloudEvent.objects.get(path=path)
    assert left.fetch_at is not None
    assert timedelta(hours=23) < left.fetch_at - timezone.now() <= timedelta(days=1)
    ICloudEvent.objects.filter(pk=left.pk).update(fetch_at=timezone.now())
    ICloudCalendar.objects.update(recheck_at=timezone.now())
    ada.sync()
    assert (len(ada.blocks), ada.flags) == (3, set())


def test_f38_ours_that_is_left_unread_where_it_was_moved_to_is_not_taken_for_deleted(stage: Stage) -> None:
    """Found by a story: two workers died while the new place was read, and the old one was seen to be empty."""
    ada = stage.person()
    ada.connect(conflicts=("Home", "Work"))
    stage.book(stage.calendar(ada), day(2, 9))
    ada.push()
    ada.sync(2)
    ada.phone.events("Home")[0].move("Work")
    (moved,) = ada.phone.events("Work")
    work = ICloudCalendar.objects.filter(pk=ada.calendar("Work").pk)
    work.update(reading=1, reading_path=moved.calendar.path + moved.name)
    ada.sync(3)
    (copy,) = ada.copies()
    assert (copy.state, ada.flags) == (EventState.WRITTEN, {"unreadable_event"})
    ICloudEvent.objects.update(fetch_at=timezone.now())
    work.update(recheck_at=timezone.now())
    ada.sync(2)
    (copy,) = ada.copies()
    assert (copy.state, copy.path, ada.flags) == (EventState.WRITTEN, moved.calendar.path + moved.name, set())
    assert ada.slots == []


def test_f38_an_end_that_is_no_death_accuses_nobody(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database fails in the middle of reading one by one: the event that was read then is innocent."""
    ada = stage.person()
    ada.account.calendar("Home").load(many(3))
    ada.connect()
    ICloudCalendar.objects.filter(pk=ada.calendar("Home").pk).update(reading=1)
    with monkeypatch.context() as patch:
        patch.setattr(mirror, "scan", mock.Mock(side_effect=OperationalError))
        with pytest.raises(OperationalError):
            syncing.pull(ada.connection.pk)  # type: ignore[union-attr]
    assert (ada.calendar("Home").reading, ada.calendar("Home").reading_path) == (0, "")
    ada.sync()
    assert (len(ada.blocks), ada.flags) == (3, set())


def test_f38_our_own_event_that_kills_its_reader_is_left_as_it_is(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = ground(stage)
    place.event.edit(title="Changed on the phone")
    healthy = calendar_pull.copies.load
    watches: list[Watch] = []

    def load(*args: Any, **kwargs: Any) -> Any:
        watches[-1].dead = True
        raise Killed

    monkeypatch.setattr(calendar_pull.copies, "load", load)
    for _ in range(3):
        let_leases_expire()
        ICloudConnection.objects.update(not_before=None)
        with watching() as watch:
            watches.append(watch)
            syncing.pull(place.ada.connection.pk)  # type: ignore[union-attr]
    assert [watch.dead for watch in watches] == [True, True, False]
    assert JournalEntry.objects.get(action="event_unreadable").code == "reader_died"
    monkeypatch.setattr(calendar_pull.copies, "load", healthy)


def test_f38_a_reader_out_of_memory_counts_as_a_death_and_any_other_end_does_not(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    for error, left in ((MemoryError, 1), (SoftTimeLimitExceeded, 0)):
        person = stage.person(error.__name__.lower())
        person.account.calendar("Home").load(many(3))
        person.connect()
        with monkeypatch.context() as patch:
            patch.setattr(mirror, "scan", mock.Mock(side_effect=error))
            with pytest.raises(error):
                syncing.pull(person.connection.pk)  # type: ignore[union-attr]
        assert person.calendar("Home").reading == left
        person.sync()
        assert (len(person.blocks), person.calendar("Home").reading) == (3, 0)


def test_f44_the_lease_of_the_dead_runs_out_within_a_minute(stage: Stage) -> None:
    place = ground(stage)
    place.move()
    pk, now = place.ada.connection.pk, timezone.now()  # type: ignore[union-attr]
    with dying(Moment("request", 1)):
        syncing.pull(pk)
    assert syncing.due_for_push(now=now + timedelta(seconds=5)) == []
    assert syncing.due_for_push(now=now + timedelta(seconds=60)) == [pk]


def test_f38_f45_the_queue_gives_a_task_again_later_than_it_can_take() -> None:
    assert configured.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"] > configured.CELERY_TASK_TIME_LIMIT
    assert configured.CELERY_TASK_TIME_LIMIT > configured.CELERY_TASK_SOFT_TIME_LIMIT
    assert not configured.CELERY_TASK_REJECT_ON_WORKER_LOST, "a task that kills its worker must not come back by itself"


def test_f46_two_beats_hand_out_once_and_a_beat_that_slept_catches_up_once(stage: Stage) -> None:
    people = [stage.person(f"user{number}").connect() for number in range(3)]
    for person in people:
        person.sync()
    late = timezone.now() + timedelta(hours=1)
    ids = sorted(person.connection.pk for person in people if person.connection)
    assert (sorted(syncing.due_for_pull(now=late)), syncing.due_for_pull(now=late)) == (ids, [])
    assert all(tick["options"]["expires"] for tick in configured.CELERY_BEAT_SCHEDULE.values())


def test_f47_a_database_that_fails_at_any_write_leaves_no_half_page(stage: Stage) -> None:
    place = ground(stage)
    place.ada.phone.create("Home", title="Late", start=day(4, 9), end=day(4, 10))
    pk, home = place.ada.connection.pk, place.ada.account.calendar("Home")  # type: ignore[union-attr]
    nth, failed = 0, True
    while failed:
        nth, failed, writes = nth + 1, False, 0

        def execute(run: Any, sql: str, params: Any, many: bool, context: Any, nth: int = nth) -> Any:
            nonlocal writes, failed
            writes += sql.lstrip().startswith(("INSERT", "UPDATE", "DELETE"))
            if writes == nth and not failed:
                failed = True
                raise OperationalError("could not serialize access")
            return run(sql, params, many, context)

        with suppress(OperationalError), watching(), connection.execute_wrapper(execute):
            syncing.pull(pk)
        transaction.set_rollback(False)  # the statement never reached the database; the test's own transaction is sound
        let_leases_expire()
        late = "Late" in place.blocked
        assert place.blocked == (["Dentist", "Late"] if late else ["Dentist"])
        assert late or place.ada.calendar("Home").token != home.token, "the token passed what was not applied (I12)"
    assert nth > 4, "it failed at too few writes to say anything"
    assert (place.blocked, place.ada.calendar("Home").token) == (["Dentist", "Late"], home.token)


def test_f49_before_the_first_write_nothing_needs_to_be_said(stage: Stage) -> None:
    """Cancelled before it was sent: no request names it. Moved twice: one write says the last time."""
    place = ground(stage, written=False)
    other = stage.book(place.calendar, day(5, 9), name="Mary Somerville")
    stage.cancel(place.appointment)
    for hour in (11, 12):
        stage.edit(other, start=day(5, hour))
    place.ada.sync(2)
    assert [event.start for event in place.ada.phone.events("Home")] == [day(3, 12), day(5, 12)]
    assert place.puts() == 1
    assert not any(place.row.uid in record.path for record in stage.icloud.requests)


@pytest.mark.parametrize("kind", ["request", "answer"])
def test_f49_cancelled_while_its_first_write_is_under_way(stage: Stage, kind: Any) -> None:
    place = ground(stage, written=False)
    with meanwhile(Moment(kind, 1), lambda: stage.cancel(place.appointment)):
        place.ada.push()
    place.ada.sync(2)
    assert (place.events, place.row.state) == (["Dentist"], EventState.GONE)
