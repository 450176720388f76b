"""What each page costs on the demo's data, over HTTP: milliseconds, queries, and bytes with everything it links to."""

from __future__ import annotations

import http.client
import logging
import multiprocessing
import os
import re
import statistics
import warnings
from datetime import date

from bench.server import get, queries, timed, web_server
from bench.tables import table

LAPS = 120
MILLISECONDS, BYTES = 100, 100_000
# Django's own, for staff: timed alike, its weight is not ours.
FOREIGN = ("admin",)
LINKED = re.compile(rb'(?:src|href)="(/static/[^"]+)"|url\(["\']?(/static/[^)"\']+)')


def main() -> None:
    """Print the table; everything runs in a process of its own, with a throw-away database."""
    process = multiprocessing.get_context("spawn").Process(target=_measured)
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(process.exitcode)


def _measured() -> None:
    from tests import servers
    from tests.fake_icloud import seed
    from tests.fake_icloud.server import FakeICloud

    logging.disable(logging.WARNING)
    warnings.filterwarnings("ignore", "No directory at")
    servers.provide()
    icloud = FakeICloud()
    try:
        accounts = seed.demo(icloud, zone="Europe/Berlin")
        os.environ |= {"ICLOUD_CALDAV_URL": icloud.url, "ICLOUD_TRUSTED_HOSTS": icloud.trusted_hosts}
        _fill([{"apple_id": one.apple_id, "password": next(iter(one.passwords))} for one in accounts])
        _over_http(_pages(), _cookies())
    finally:
        icloud.stop()
        servers.release()


def _fill(accounts: list[dict[str, str]]) -> None:
    """Make the demo as `make demo` does, and sync it until nothing is left to write."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.utils import timezone

    from icloud_sync.models import ICloudConnection
    from icloud_sync.services import syncing
    from leadmagicx.demo import services

    call_command("migrate", verbosity=0)
    services.fill_in(now=timezone.now())
    problems = services.connect(accounts, now=timezone.now())
    assert problems == [], problems
    for connection in ICloudConnection.objects.all():
        for _ in range(3):
            ICloudConnection.objects.update(not_before=None)
            syncing.pull(connection.pk)


def _pages() -> dict[str, str]:
    """Return the address of each page of Ada's and of staff's, by name."""
    from calendars.models import Appointment, BlockedSlot, Calendar
    from icloud_sync.models import ICloudConnection

    connection = ICloudConnection.objects.get(user__username="ada").pk
    calendar = Calendar.objects.get(name="Consultation").pk
    booked = Appointment.objects.filter(calendar=calendar).earliest("pk")
    slot = BlockedSlot.objects.filter(user__username="ada", source="icloud").earliest("start")
    day: date = booked.start.date()
    settings, appointment = "/settings/profile/", f"/appointments/{booked.pk}/"
    return {
        "log-in": "/accounts/login/",
        "week": f"/?date={day}",
        "attention": "/attention/",
        "settings": settings,
        "connect": f"{settings}icloud/connect/",
        "reconnect": f"{settings}icloud/{connection}/reconnect/",
        "disconnect": f"{settings}icloud/{connection}/disconnect/",
        "primary calendar": f"{settings}primary-calendar/",
        "time zones (fragment)": f"{settings}time-zones/",
        "status (fragment)": f"{settings}icloud/{connection}/status/",
        "appointment": appointment,
        "move": f"{appointment}move/",
        "details": f"{appointment}edit/",
        "cancel": f"{appointment}cancel/",
        "new appointment": f"/appointments/new/?calendar={calendar}&date={day}",
        "why": f"/availability/?calendar={calendar}&date={day}",
        "block time": "/blocked-slots/new/",
        "blocked slot": f"/blocked-slots/{slot.pk}/",
        "not found": "/nowhere/",
        "staff: attention": "/attention/",
        "admin": "/admin/",
        "api docs": "/api/v1/docs/",
    }


def _cookies() -> dict[str, str]:
    """Return the session cookie of each user, as a log-in would have set it."""
    from django.test import Client

    from leadmagicx.accounts.models import User

    cookies = {}
    for name in ("ada", "staff"):
        client = Client()
        client.force_login(User.objects.get(username=name))
        cookies[name] = f"sessionid={client.cookies['sessionid'].value}"
    return cookies


def _headers(name: str, cookies: dict[str, str]) -> dict[str, str]:
    if name == "log-in":
        return {}
    more = {"HX-Request": "true"} if "fragment" in name else {}
    return {"Cookie": cookies["staff" if name in ("staff: attention", "admin") else "ada"], **more}


def _over_http(pages: dict[str, str], cookies: dict[str, str]) -> None:
    """Ask for each page again and again."""
    rows = []
    with web_server() as connection:
        for name, path in pages.items():
            headers = _headers(name, cookies)

            def ask(path: str = path, headers: dict[str, str] = headers) -> None:
                _get(connection, path, headers)

            laps, weight = timed(ask, LAPS), _weight(connection, path, headers)
            cuts = statistics.quantiles(laps, n=100)
            passed = cuts[94] < MILLISECONDS and (weight < BYTES or name in FOREIGN)
            rows.append([
                name, f"{statistics.median(laps):.1f}", f"{cuts[94]:.1f}", str(queries(path, headers)),
                f"{weight:,}", ("yes" if passed else "NO") + (" (time only)" if name in FOREIGN else ""),
            ])  # fmt: skip
    title = f"Pages on the demo's data, over HTTP (gate: p95 {MILLISECONDS} ms, {BYTES:,} bytes with static files)"
    table(title, ["page", "p50 ms", "p95 ms", "queries", "bytes", "holds"], rows)
    print(f"  load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")


def _get(connection: http.client.HTTPConnection, path: str, headers: dict[str, str]) -> bytes:
    return get(connection, path, headers, status=404 if path == "/nowhere/" else 200)


def _weight(connection: http.client.HTTPConnection, path: str, headers: dict[str, str]) -> int:
    """Return the bytes of a page and of all that it, and what it links to, brings along."""
    page = _get(connection, path, headers)
    seen: dict[str, int] = {}
    waiting = _linked(page)
    while waiting:
        one = waiting.pop()
        if one not in seen:
            body = _get(connection, one, {})
            seen[one] = len(body)
            waiting += _linked(body) if one.endswith(".css") else []
    return len(page) + sum(seen.values())


def _linked(body: bytes) -> list[str]:
    return [(first or second).decode() for first, second in LINKED.findall(body)]
