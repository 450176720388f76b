"""The invariants a client must keep towards Apple (rules T1, T2; emulator section 10), noted as they break.

1 headers and hosts, 2 conditions, 3 forbidden requests, 4 scheduling, 5 identities, 6 amounts and places,
7 the password in no log (checked by the pytest plugin), 8 the texts written.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

import icalendar

from tests.fake_icloud import ics
from tests.fake_icloud.wire import Request

if TYPE_CHECKING:
    from tests.fake_icloud.world import Violation, World

_FORBIDDEN_XML = (
    (b"prop-filter", "a property filter"),
    (b"expand", "expand"),
    (b"free-busy-query", "a free-busy query"),
    (b"limit-recurrence-set", "limit-recurrence-set"),
)
_PARTIAL = re.compile(rb"calendar-data[^>/]*>\s*<(?:\w+:)?(?:comp|prop)[\s/>]")
_LIMIT = re.compile(rb"<(?:\w+:)?limit[\s/>]")
_ALLPROP = re.compile(rb"<(?:\w+:)?(?:allprop|propname)[\s/>]")
_DESTRUCTIVE = ("POST", "PROPPATCH", "MKCALENDAR", "MKCOL")
MAX_PARALLEL = 2  # rule T1
MAX_AFTER_401 = 2


def watch_request(world: World, request: Request) -> None:
    """Note what is wrong with a request itself. The lock is held."""
    here = f"{request.method} {request.path}"
    if not request.headers.get("user-agent"):
        world.violate(1, f"no User-Agent: {here}")
    if request.method == "PROPFIND":
        if "depth" not in request.headers:
            world.violate(1, f"no Depth: {here}")
        if not request.body or _ALLPROP.search(request.body):
            world.violate(1, f"allprop, propname or empty body: {here}")
    if request.method in _DESTRUCTIVE:
        world.violate(3, f"forbidden method: {here}")
    if request.method in ("MOVE", "DELETE") and not request.path.endswith(".ics"):
        world.violate(3, f"{request.method} of a collection: {here}")
    if request.method == "REPORT":
        for word, name in _FORBIDDEN_XML:
            if word in request.body:
                world.violate(3, f"{name}: {here}")
        if _PARTIAL.search(request.body):
            world.violate(3, f"partial calendar-data: {here}")
        if _LIMIT.search(request.body):
            world.violate(3, f"DAV:limit: {here}")


def watch_evil(world: World, request: Request) -> None:
    """Note credentials that reached the evil host."""
    if "authorization" in request.headers or "cookie" in request.headers:
        world.violate(1, f"credentials sent to an untrusted host: {request.method} {request.target}")


def watch_refusal(world: World, request: Request) -> None:
    """Count requests with a password that was refused before (rule C5)."""
    key = (request.username or "", request.password or "")
    world.refused_logins[key] += 1
    if request.username and world.refused_logins[key] > 1 + MAX_AFTER_401:
        world.violate(6, f"request {world.refused_logins[key]} with a refused password: {request.path}")


def watch_success(world: World, request: Request) -> None:
    world.refused_logins.pop((request.username or "", request.password or ""), None)


def begin(world: World, username: str | None) -> None:
    """A request of that Apple ID begins. The lock is held."""
    if username is None:
        return
    world.running[username] += 1
    world.max_parallel = max(world.max_parallel, world.running[username])
    if world.running[username] > MAX_PARALLEL:
        world.violate(6, f"{world.running[username]} requests of {username} at a time")


def end(world: World, username: str | None) -> None:
    if username is not None and world.running[username] > 0:
        world.running[username] -= 1


def broken(world: World) -> list[Violation]:
    """Return everything noted, and what is wrong with the texts we wrote (invariant 8)."""
    from tests.fake_icloud.world import Violation

    found = list(world.violations)
    for href, body in world.ours.items():
        found += [Violation(8, f"{fault}: {href}") for fault in faults_of(body)]
    return found


@lru_cache(maxsize=4096)
def faults_of(body: bytes) -> tuple[str, ...]:
    """Return what a strict reader would say about a text that was PUT."""
    found = []
    if b"\n" in body.replace(b"\r\n", b""):
        found.append("a line does not end in CRLF")
    if any(len(line) > 75 for line in body.split(b"\r\n")):
        found.append("a line has more than 75 octets")
    try:
        icalendar.Calendar.from_ical(body)
        root = ics.parse(body)
    except ValueError as error:
        return (*found, f"unreadable: {error}")
    known = {zone.value("TZID") for zone in root.named("VTIMEZONE")}
    for event in root.named("VEVENT"):
        stamp = event.value("DTSTAMP")
        if event.get("DTEND") is None:
            found.append("no DTEND")
        if stamp is None or not stamp.endswith("Z"):
            found.append("DTSTAMP missing or not UTC")
        used = {line.param("TZID") for line in event.lines} - {None}
        if used - known:
            found.append(f"no VTIMEZONE for {sorted(map(str, used - known))}")
    return tuple(found)
