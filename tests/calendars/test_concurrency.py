"""Many at once: one slot is given once, a class gives exactly its seats, nothing overlaps, nothing fails (rule A4,
reliability S38, issue 4)."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from threading import Barrier, Event
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import connection, connections

from calendars import signals
from calendars.choices import AppointmentStatus
from calendars.models import Appointment, Calendar, Contact, Engagement, Session
from calendars.services import booking, sessions
from calendars.services.errors import Refused
from leadmagicx.accounts.models import User
from leadmagicx.accounts.services import issue_token
from leadmagicx.embedded import processes
from leadmagicx.embedded.folder import free_port
from tests.factories import StaffFactory, UserFactory, client, make_appointment, make_calendar

pytestmark = pytest.mark.django_db(transaction=True)

PARALLEL = 200
FEWER = 60
# Threads, each with its own connection to the database; PostgreSQL allows 100.
THREADS = 24
HOUR = timedelta(hours=1)
HALF = timedelta(minutes=30)


def at_once(acts: list[Callable[[], Any]]) -> list[Any]:
    """Run all acts on THREADS connections that begin together; return results and exceptions in order."""
    together = Barrier(THREADS)

    def warmed_up() -> None:
        connection.ensure_connection()
        together.wait(timeout=60)

    def outcome(act: Callable[[], Any]) -> Any:
        try:
            return act()
        except Exception as error:  # noqa: BLE001 - what went wrong is the result
            return error

    def closed() -> None:
        together.wait(timeout=60)
        connections.close_all()

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda _: warmed_up(), range(THREADS)))
        found = list(pool.map(outcome, acts))
        list(pool.map(lambda _: closed(), range(THREADS)))
    return found


def overlaps() -> list[tuple[int, int]]:
    """Return pairs of active, not exempt engagements that share a host and a moment."""
    rows = list(Engagement.objects.filter(active=True, exempt=False).order_by("host_id", "start"))
    return [
        (one.pk, two.pk)
        for one in rows
        for two in rows
        if one.pk < two.pk and one.host_id == two.host_id and one.start < two.end and two.start < one.end
    ]


def unexpected(found: list[Any]) -> list[Any]:
    return [outcome for outcome in found if isinstance(outcome, Exception) and not isinstance(outcome, Refused)]


def book(calendar: Calendar, start: datetime, by: User, now: datetime, **values: Any) -> Callable[[], Appointment]:
    return lambda: booking.book(calendar_id=calendar.pk, start=start, by=by, now=now, contact=client(), **values)


@pytest.fixture
def staff() -> User:
    return StaffFactory()


@pytest.mark.timeout(300)
def test_bookings_of_one_slot_make_one_appointment(staff: User, now: datetime, monday: datetime) -> None:
    calendar = make_calendar("service", members=[UserFactory()])
    found = at_once([book(calendar, monday, staff, now)] * FEWER)
    assert unexpected(found) == []
    assert sum(isinstance(outcome, Appointment) for outcome in found) == 1
    assert (Appointment.objects.count(), Session.objects.count(), Contact.objects.count()) == (1, 1, 1)


@pytest.mark.timeout(300)
def test_bookings_of_a_class_fill_exactly_its_seats(staff: User, now: datetime, monday: datetime) -> None:
    calendar = make_calendar("class_booking", members=[UserFactory()], seats_per_slot=7)
    found = at_once([book(calendar, monday, staff, now)] * FEWER)
    assert unexpected(found) == []
    assert sorted(outcome.seat for outcome in found if isinstance(outcome, Appointment)) == [1, 2, 3, 4, 5, 6, 7]
    assert Session.objects.get().appointments.count() == 7


@pytest.mark.late
@pytest.mark.timeout(300)
def test_calendars_that_share_hosts_never_overlap_nor_deadlock(staff: User, now: datetime, monday: datetime) -> None:
    hosts = [UserFactory() for _ in range(4)]
    chance = random.Random(4)
    made = [
        make_calendar("round_robin", members=hosts, slot_duration=60, slot_interval=30),
        make_calendar("collective", members=[hosts[3], hosts[0]], slot_duration=45, slot_interval=15),
        make_calendar("collective", members=[hosts[0], hosts[3], hosts[2]]),
        make_calendar("class_booking", members=[hosts[1]], seats_per_slot=3, slot_interval=15),
        make_calendar("service", members=hosts[::-1], max_per_day=9),
    ]
    acts = [book(chance.choice(made), monday + chance.randrange(10) * HALF, staff, now) for _ in range(PARALLEL)]
    found = at_once(acts)
    assert unexpected(found) == []
    assert sum(isinstance(outcome, Appointment) for outcome in found) > 20
    assert overlaps() == []
    assert Appointment.objects.filter(calendar=made[4]).count() <= 9


@pytest.mark.late
@pytest.mark.timeout(300)
def test_parallel_moves_end_in_different_places(staff: User, now: datetime, monday: datetime) -> None:
    host = UserFactory()
    calendar = make_calendar("service", members=[host])
    booked = [make_appointment(calendar, monday + number * HALF, now=now, by=staff) for number in range(10)]
    target = monday + 12 * HOUR

    def move(appointment: Appointment, to: datetime) -> Callable[[], Any]:
        return lambda: booking.edit(appointment_id=appointment.pk, by=staff, now=now, start=to)

    found = at_once([move(appointment, target) for appointment in booked])
    assert unexpected(found) == []
    assert sum(isinstance(outcome, Appointment) for outcome in found) == 1
    assert Session.objects.filter(start=target).count() == 1
    # In a ring, two each: whoever finds the place taken stays.
    ring = [move(one, other.start) for one, other in zip(booked, booked[1:] + booked[:1], strict=True)] * 4
    assert unexpected(at_once(ring)) == []
    assert overlaps() == []
    assert Appointment.objects.filter(status=AppointmentStatus.CONFIRMED).count() == 10


@pytest.mark.late
@pytest.mark.timeout(300)
def test_a_phone_move_races_bookings_of_the_same_slot(staff: User, now: datetime, monday: datetime) -> None:
    """P7: the move is applied; either it came first and nothing is booked over it, or it clashes and is exempt."""
    host = UserFactory()
    calendar, other = make_calendar("service", members=[host]), make_calendar("service", members=[host])
    make_appointment(calendar, monday, now=now, by=staff)
    engagement = Engagement.objects.get()
    for target in [monday + hours * HOUR for hours in range(2, 18, 2)]:

        def by_phone(target: datetime = target) -> sessions.PhoneEditResult:
            return sessions.apply_phone_edit(engagement_id=engagement.pk, now=now, start=target, end=target + HOUR)

        found = at_once([by_phone, *[book(other, target, staff, now), book(calendar, target, staff, now)] * 8])
        assert unexpected(found) == []
        booked = [outcome for outcome in found if isinstance(outcome, Appointment)]
        engagement.refresh_from_db()
        assert engagement.start == target
        assert len(booked) == (1 if engagement.exempt else 0)
        assert found[0].clashes is engagement.exempt
        assert overlaps() == []


def test_a_phone_move_waits_for_a_booking_under_way(staff: User, now: datetime, monday: datetime) -> None:
    """The booking has been written and not committed when the move comes: it must see it, and become exempt."""
    host = UserFactory()
    make_appointment(make_calendar(members=[host]), monday, now=now, by=staff)
    engagement, other = Engagement.objects.get(), make_calendar(members=[host])
    target = monday + 5 * HOUR
    written, go = Event(), Event()

    def pause(**kwargs: Any) -> None:
        if not written.is_set():
            written.set()
            assert go.wait(60)

    def closing(act: Callable[[], Any]) -> Any:
        try:
            return act()
        finally:
            connections.close_all()

    signals.sessions_changed.connect(pause)
    with ThreadPoolExecutor(2) as pool:
        booked = pool.submit(closing, book(other, target, staff, now))
        assert written.wait(60)
        move = {"engagement_id": engagement.pk, "now": now, "start": target, "end": target + HALF}
        moved = pool.submit(closing, lambda: sessions.apply_phone_edit(**move))
        while not somebody_waits() and not moved.done():
            pass
        go.set()
        assert booked.result().start == target
        assert moved.result().clashes is True
    signals.sessions_changed.disconnect(pause)
    engagement.refresh_from_db()
    assert engagement.exempt is True


def somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("select exists (select from pg_locks where not granted)")
        return bool(cursor.fetchone()[0])


@pytest.mark.late
@pytest.mark.timeout(300)
def test_cancelling_and_booking_at_once_never_lose_a_seat(staff: User, now: datetime, monday: datetime) -> None:
    calendar = make_calendar("class_booking", members=[UserFactory()], seats_per_slot=5)
    taken = [make_appointment(calendar, monday, now=now, by=staff) for _ in range(5)]
    cancels = [(lambda pk=row.pk: booking.cancel(appointment_id=pk, by=staff, now=now)) for row in taken]
    acts = [*[book(calendar, monday, staff, now)] * 40, *cancels, *[book(calendar, monday, staff, now)] * 40]
    found = at_once(acts)
    assert unexpected(found) == []
    live = Appointment.objects.filter(status=AppointmentStatus.CONFIRMED)
    assert sorted(row.seat for row in live) == [1, 2, 3, 4, 5]
    assert {row.session.active for row in live.select_related("session")} == {True}
    assert overlaps() == []


@pytest.fixture(scope="module")
def web(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of two web workers with eight threads each, on the database of the tests."""
    tmp_path = tmp_path_factory.mktemp("web")
    port = free_port()
    database = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}")
    environ = os.environ | {"DATABASE_URL": urlunsplit(database)}
    command = [sys.executable, "-W", "ignore", "-m", "gunicorn", "-b", f"127.0.0.1:{port}", "--workers", "2"]
    log = (tmp_path / "web.log").open("wb")
    process = processes.start(
        [*command, "--threads", "8", "leadmagicx.wsgi"], cwd=Path(__file__).parents[2], output=log, environ=environ
    )
    address = f"http://127.0.0.1:{port}"
    try:
        assert processes.wait_until(lambda: is_up(address), seconds=60), (tmp_path / "web.log").read_text()
        yield address
    finally:
        processes.stop(process, signals=[(signal.SIGTERM, 20)])
        log.close()


def is_up(address: str) -> bool:
    with suppress(OSError), urllib.request.urlopen(f"{address}/healthz", timeout=5) as answer:
        return bool(answer.status == 200)
    return False


def poster(address: str, user: User) -> Callable[..., tuple[int, dict[str, Any]]]:
    """Return a function that books over HTTP and returns status and body."""
    token = issue_token(user)

    def post(body: dict[str, Any], key: str = "") -> tuple[int, dict[str, Any]]:
        headers = {"Authorization": f"Token {token}", "Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        request = urllib.request.Request(
            f"{address}/api/v1/appointments/", json.dumps(body).encode(), headers, method="POST"
        )
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return answer.status, json.load(answer)
        except HTTPError as error:
            return error.code, json.load(error)

    return post


@pytest.mark.late
@pytest.mark.processes
@pytest.mark.timeout(300)
@pytest.mark.turns(2)
@pytest.mark.parametrize(("kind", "seats"), [("service", 1), ("class_booking", 6)])
def test_200_bookings_over_http(web: str, staff: User, now: datetime, monday: datetime, kind: str, seats: int) -> None:
    calendar = make_calendar(kind, members=[UserFactory()], seats_per_slot=seats)
    body = {"calendar": calendar.pk, "start": monday.isoformat(), "contact": {"name": "G", "email": "g@example.com"}}
    post = poster(web, staff)
    found = at_once([lambda: post(body)] * PARALLEL)
    assert Counter(status for status, _ in found) == {201: seats, 409: PARALLEL - seats}
    refused = {reason["code"] for status, answer in found if status == 409 for reason in answer["reasons"]}
    assert refused == {"SEATS" if seats > 1 else "BOOKED"}
    assert overlaps() == []


@pytest.mark.late
@pytest.mark.processes
@pytest.mark.timeout(300)
def test_one_key_books_once_however_often_it_is_sent(web: str, staff: User, now: datetime, monday: datetime) -> None:
    calendar = make_calendar("class_booking", members=[UserFactory()], seats_per_slot=50)
    body = {"calendar": calendar.pk, "start": monday.isoformat(), "contact": {"name": "G", "email": "g@example.com"}}
    post = poster(web, staff)
    found = at_once([lambda: post(body, "the-key")] * 60)
    found.append(post(body, "the-key"))
    assert Appointment.objects.count() == 1
    assert {answer["id"] for status, answer in found if status == 201} == {Appointment.objects.get().pk}
    assert {answer["code"] for status, answer in found if status != 201} <= {"idempotency_in_progress"}
    assert found[-1][0] == 201
