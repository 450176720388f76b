"""What a free-slots answer costs, at the service and over HTTP, beside asking the CalDAV server live (goals P12-P14).

Rows: one host with three calendars of 2,000 events (37,000 occurrences), among others' rows up to a million.
"""

from __future__ import annotations

import http.client
import json
import logging
import multiprocessing
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from bench import seed
from bench.peer import PASSWORD, USER, Radicale
from bench.tables import table

OCCURRENCES = 37_000
OTHERS = 500
SIZES = (100_000, 1_000_000)
LAPS = 300
HTTP_LAPS = 120


def main(sizes: tuple[int, ...] = SIZES) -> None:
    """Print the tables; everything runs in a process of its own, with a throw-away database."""
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_measured, args=(sizes,))
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(process.exitcode)


def _measured(sizes: tuple[int, ...]) -> None:
    from tests import servers

    servers.provide()
    try:
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        made = _calendars()
        figures = {size: _at_the_service(made, size) for size in sizes}
        _print_service(figures)
        _over_http(made)
        _live(made["now"])
    finally:
        servers.release()


def _calendars() -> dict[str, Any]:
    """Make a calendar of one host and one of ten, with a few appointments."""
    from leadmagicx.accounts.services import issue_token
    from tests.factories import OFFICE_HOURS, StaffFactory, UserFactory, client, make_calendar

    now = datetime.now(UTC)
    staff, hosts = StaffFactory(), [UserFactory(timezone="Europe/Berlin") for _ in range(10)]
    zone = {"timezone": "Europe/Berlin", "hours": OFFICE_HOURS, "booking_window_days": 90}
    one = make_calendar("service", members=hosts[:1], **zone)
    ten = make_calendar("round_robin", members=hosts, buffer_before=15, max_per_day=40, **zone)
    return {
        "now": now, "one": one.pk, "ten": ten.pk, "hosts": [host.pk for host in hosts], "token": issue_token(staff),
        "staff": staff, "client": client(), "rows": 0,
    }  # fmt: skip


def _fill(made: dict[str, Any], size: int) -> None:
    """Bring the blocked slots up to a number of rows: the first host's 37,000, nine with 2,000, then strangers'."""
    from django.db import connection

    from tests.factories import UserFactory

    owed = [(made["hosts"][0], OCCURRENCES), *((host, 2_000) for host in made["hosts"][1:])] if not made["rows"] else []
    while made["rows"] + sum(count for _, count in owed) < size:
        owed.append((UserFactory().pk, OTHERS))
    chance = random.Random(size)
    first = made["now"].replace(minute=0, second=0, microsecond=0) - timedelta(days=200)
    columns = 'user_id, source, title, place, start, "end", busy_start, busy_end, all_day, blocks, code, external_id'
    with connection.cursor() as cursor, cursor.copy(f"copy calendars_blockedslot ({columns}) from stdin") as copy:
        for user, count in owed:
            for number in range(count):
                start = first + timedelta(minutes=15 * chance.randrange(560 * 96))
                end = start + timedelta(minutes=chance.choice((15, 30, 45, 60)))
                free = chance.random() < 0.1
                copy.write_row(
                    (user, "icloud", "Busy", "Home", start, end, start, end, False, not free,
                     "FREE" if free else "BUSY", user * 100_000 + number)
                )  # fmt: skip
            made["rows"] += count
    with connection.cursor() as cursor:
        cursor.execute("vacuum analyze calendars_blockedslot")


def _at_the_service(made: dict[str, Any], size: int) -> dict[int, list[float]]:
    """Return the milliseconds of each call for 14 and 60 days of the host with three calendars."""
    from calendars.selectors import free_slots, offer_of

    _fill(made, size)
    figures = {}
    for days in (14, 60):
        first = made["now"].date() + timedelta(days=1)

        def ask(first: date = first, days: int = days) -> None:
            offer = offer_of(made["one"])
            free_slots(
                offer, first=first, last=first + timedelta(days=days - 1), zone=offer.hours.zone, now=made["now"]
            )

        figures[days] = _timed(ask, LAPS)
    return figures


def _print_service(figures: dict[int, dict[int, list[float]]]) -> None:
    rows = []
    smallest = min(figures)
    for size, by_days in figures.items():
        for days, laps in by_days.items():
            ratio = statistics.median(laps) / statistics.median(figures[smallest][days])
            rows.append([f"{days} d, {size:,} rows", *_spread(laps), f"{ratio:.2f}", "5 / 8 ms; 1.5 x"])
    table("Free slots at the service, ms (P12, P13, P14)", ["question", "p50", "p95", "p99", "x", "gate"], rows)


def _over_http(made: dict[str, Any]) -> None:
    """Ask a gunicorn worker, one question after the other."""
    from leadmagicx.embedded.folder import free_port

    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "-b", f"127.0.0.1:{port}", "--workers", "1", "leadmagicx.wsgi"]
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    server = subprocess.Popen([*command, "--log-level", "error"], env=environment)
    try:
        connection = _connected(port)
        first = made["now"].date() + timedelta(days=1)
        rows = []
        for name, calendar, days, gate in (("one host, 14 d", "one", 14, "15"), ("ten hosts, 62 d", "ten", 62, "60")):
            for explain in ("", "&explain=true"):
                last = first + timedelta(days=days - 1)
                path = f"/api/v1/calendars/{made[calendar]}/free-slots/?from={first}&to={last}{explain}"

                def ask(path: str = path) -> None:
                    _get(connection, path, made["token"])

                shown = [f"{name}{', explained' if explain else ''}", *_spread(_timed(ask, HTTP_LAPS))]
                rows.append([*shown, str(_queries(made, path)), "-" if explain else f"{gate} ms, 8 queries"])
        table("Over HTTP, ms", ["question", "p50", "p95", "p99", "queries", "gate (p95)"], rows)
    finally:
        server.terminate()
        server.wait()


def _connected(port: int) -> http.client.HTTPConnection:
    for _ in range(200):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.request("GET", "/healthz")
            connection.getresponse().read()
        except OSError:
            time.sleep(0.1)
        else:
            return connection
    raise SystemExit("The web server did not start.")


def _get(connection: http.client.HTTPConnection, path: str, token: str) -> Any:
    connection.request("GET", path, headers={"Authorization": f"Token {token}"})
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == 200, body[:300]
    return json.loads(body)


def _queries(made: dict[str, Any], path: str) -> int:
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as captured:
        Client().get(path, headers={"Authorization": f"Token {made['token']}"})
    return len(captured)


def _live(now: datetime) -> None:
    """Ask a CalDAV server at each question, as others do: one calendar of 2,000 events, 14 days, expanded."""
    import caldav

    logging.disable(logging.WARNING)
    folder = Path(tempfile.mkdtemp(prefix="leadmagicx-bench-"))
    seed.fill(folder / "collection-root" / USER, "busy", range(2_000))
    server = Radicale(folder)
    try:
        with caldav.DAVClient(url=server.url, username=USER, password=PASSWORD, timeout=600) as client:
            calendar = client.calendar(url=f"{server.url}{USER}/busy/")

            def ask() -> None:
                calendar.search(start=now, end=now + timedelta(days=14), event=True, expand=True)

            ask()
            server.requests()
            laps = _timed(ask, 3)
        table(
            "The same asked live of a CalDAV server (one calendar, 14 d), ms",
            ["who", "p50", "requests a question"],
            [["python-caldav search, Radicale", f"{statistics.median(laps):.0f}", f"{server.requests() / 3:.0f}"],
             ["LeadMagicX", "above", "0"]],
        )  # fmt: skip
    finally:
        server.stop()
        shutil.rmtree(folder)


def _timed(ask: Callable[[], Any], laps: int) -> list[float]:
    for _ in range(max(1, laps // 10)):
        ask()
    found = []
    for _ in range(laps):
        began = time.perf_counter()
        ask()
        found.append((time.perf_counter() - began) * 1000)
    return found


def _spread(laps: list[float]) -> list[str]:
    cuts = statistics.quantiles(laps, n=100)
    return [f"{statistics.median(laps):.2f}", f"{cuts[94]:.2f}", f"{cuts[98]:.2f}"]


if __name__ == "__main__":
    main()
