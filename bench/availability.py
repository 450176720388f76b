"""What a free-slots answer costs, at the service and over HTTP, beside asking the CalDAV server live (goals P12-P14).

Rows: one host with three calendars of 2,000 events (37,000 occurrences), among others' rows up to a million.
"""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from bench import seed
from bench.peer import PASSWORD, USER, Radicale
from bench.server import get, queries, timed, web_server
from bench.tables import table

OCCURRENCES = 37_000
OTHERS = 500
SIZES = (100_000, 1_000_000)
LAPS = 500
HTTP_LAPS = 250
# Others may use the machine too: beside what is gated stands what the quietest of so many rounds took.
ROUNDS = 5
SHOWN = ("p50", "p95", "p99", "quiet p95")
WRITING_LAPS = 3
GATES = {14: 5, 60: 8}
MORE_ROWS = 1.5
COLUMNS = 'user_id, source, title, place, start, "end", busy_start, busy_end, all_day, blocks, code, external_id'


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
        _writing(made)
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
    for user, count in owed:
        _copy(_slots(made, user, count, chance))
        made["rows"] += count
    with connection.cursor() as cursor:
        cursor.execute("vacuum analyze")


def _slots(made: dict[str, Any], user: int, count: int, chance: random.Random) -> list[tuple[Any, ...]]:
    """Return a user's slots, anywhere from 200 days ago to 360 days from now."""
    first = made["now"].replace(minute=0, second=0, microsecond=0) - timedelta(days=200)
    found = []
    for number in range(count):
        start = first + timedelta(minutes=15 * chance.randrange(560 * 96))
        end = start + timedelta(minutes=chance.choice((15, 30, 45, 60)))
        code, blocks = ("FREE", False) if chance.random() < 0.1 else ("BUSY", True)
        found.append(
            (user, "icloud", "Busy", "Home", start, end, start, end, False, blocks, code, user * 100_000 + number)
        )
    return found


def _copy(slots: list[tuple[Any, ...]]) -> None:
    from django.db import connection

    with connection.cursor() as cursor, cursor.copy(f"copy calendars_blockedslot ({COLUMNS}) from stdin") as copy:
        for slot in slots:
            copy.write_row(slot)


def _writing(made: dict[str, Any]) -> None:
    """Print what the busy days (decision 0039) cost those who write slots, as a first pull does: 300 at a time."""
    from django.db import connection

    from calendars.models import BlockedSlot
    from tests.factories import UserFactory

    found: dict[str, list[list[float]]] = {"enable": [], "disable": []}
    for lap in range(2 * WRITING_LAPS):
        kept = ("enable", "disable")[lap % 2]
        slots = _slots(made, UserFactory().pk, OCCURRENCES, random.Random(lap))
        rows = BlockedSlot.objects.filter(user_id=slots[0][0])
        acts: list[Callable[[], Any]] = [
            lambda slots=slots: [_copy(slots[at : at + 300]) for at in range(0, OCCURRENCES, 300)],  # type: ignore[misc]
            lambda rows=rows: rows.update(removed_at=made["now"]),  # type: ignore[misc]
            rows.delete,
        ]
        with connection.cursor() as cursor:
            cursor.execute(f"alter table calendars_blockedslot {kept} trigger user")
            try:
                found[kept].append([_once(act) / OCCURRENCES * 1000 for act in acts])
            finally:
                cursor.execute("alter table calendars_blockedslot enable trigger user")
    shown = {
        kept: [f"{statistics.median(figures):.1f}" for figures in zip(*laps, strict=True)]
        for kept, laps in found.items()
    }
    table(
        "Writing the blocked slots of a busy host, ms for 1,000",
        ["", "COPY, 300 at a time", "flagged as removed", "deleted"],
        [["with busy days", *shown["enable"]], ["without", *shown["disable"]]],
    )


def _once(act: Callable[[], Any]) -> float:
    began = time.perf_counter()
    act()
    return (time.perf_counter() - began) * 1000


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

        figures[days] = timed(ask, LAPS)
    return figures


def _print_service(figures: dict[int, dict[int, list[float]]]) -> None:
    rows = []
    smallest = min(figures)
    for size, by_days in figures.items():
        for days, laps in by_days.items():
            shown = _spread(laps)
            ratio = statistics.median(laps) / statistics.median(figures[smallest][days])
            holds = float(shown[1]) < GATES[days] and ratio < MORE_ROWS
            rows.append([f"{days} d, {size:,} rows", *shown, f"{ratio:.2f}", _gate(f"{GATES[days]} ms, 1.5 x", holds)])
    table(
        "Free slots at the service, ms (P12, P13, P14)",
        ["question", *SHOWN, "x", "gate (p95)"],
        rows,
    )
    _print_load()


def _over_http(made: dict[str, Any]) -> None:
    """Ask a web server, one question after the other."""
    first, headers = made["now"].date() + timedelta(days=1), {"Authorization": f"Token {made['token']}"}
    rows = []
    with web_server() as connection:
        for name, calendar, days, gate in (("one host, 14 d", "one", 14, 15), ("ten hosts, 62 d", "ten", 62, 60)):
            for explain in ("", "&explain=true"):
                last = first + timedelta(days=days - 1)
                path = f"/api/v1/calendars/{made[calendar]}/free-slots/?from={first}&to={last}{explain}"

                def ask(path: str = path) -> None:
                    json.loads(get(connection, path, headers))

                shown, count = _spread(timed(ask, HTTP_LAPS)), queries(path, headers)
                verdict = _gate(f"{gate} ms, 8 queries", float(shown[1]) < gate and count <= 8)
                rows.append(
                    [f"{name}{', explained' if explain else ''}", *shown, str(count), "-" if explain else verdict]
                )
    table("Over HTTP, ms", ["question", *SHOWN, "queries", "gate (p95)"], rows)
    _print_load()


def _gate(gate: str, holds: bool) -> str:  # noqa: FBT001
    return f"{gate}: {'holds' if holds else 'MISSED'}"


def _print_load() -> None:
    print(f"  load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")


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
            laps = timed(ask, 3)
        table(
            "The same asked live of a CalDAV server (one calendar, 14 d), ms",
            ["who", "p50", "requests a question"],
            [["python-caldav search, Radicale", f"{statistics.median(laps):.0f}", f"{server.requests() / 3:.0f}"],
             ["LeadMagicX", "above", "0"]],
        )  # fmt: skip
    finally:
        server.stop()
        shutil.rmtree(folder)


def _spread(laps: list[float]) -> list[str]:
    """Return p50, p95 and p99, and the p95 of the quietest round: what it takes when little else runs."""
    cuts, size = statistics.quantiles(laps, n=100), len(laps) // ROUNDS
    quiet = min(statistics.quantiles(laps[at : at + size], n=100)[94] for at in range(0, size * ROUNDS, size))
    return [f"{figure:.2f}" for figure in (cuts[49], cuts[94], cuts[98], quiet)]


if __name__ == "__main__":
    main()
