"""Reading and expanding calendar objects in memory: ours against icalendar with recurring-ical-events.

CPU milliseconds for each 1,000 objects, the best of several laps, the tools taking turns so that other work on
the machine hits them alike. The ratios are what counts: P15 and P16 ask for at least 20 and 5 times the libraries.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events

from bench.seed import event
from bench.tables import table
from icloud_sync.ical.event import ScannedEvent
from icloud_sync.ical.expand import expand
from icloud_sync.ical.fingerprint import fingerprint
from icloud_sync.ical.scan import scan

OBJECTS = 1000
LAPS = 5
TODAY = date(2026, 11, 2)
START = datetime(2026, 11, 2, tzinfo=UTC)
WINDOWS = {"expand a year": timedelta(days=365), "expand 14 days": timedelta(days=14)}
ZONE = ZoneInfo("Europe/Berlin")
Work = Callable[[], object]


def main() -> None:
    """Print the table."""
    bodies = [event(number, today=TODAY) for number in range(OBJECTS)]
    scanned = [scan(body) for body in bodies]
    parsed = [icalendar.Calendar.from_ical(body) for body in bodies]
    pairs: dict[str, tuple[Work, Work | None]] = {
        "read": (
            lambda: [scan(body) for body in bodies],
            lambda: [icalendar.Calendar.from_ical(body) for body in bodies],
        )
    }
    for name, length in WINDOWS.items():
        pairs[name] = (_ours(scanned, START + length), _libraries(parsed, START + length))
    pairs["fingerprint"] = (lambda: [fingerprint(one) for one in scanned], None)
    pairs["essence and back"] = (lambda: [ScannedEvent.from_json(one.to_json()) for one in scanned], None)
    gc.collect()
    gc.freeze()
    best = {(name, side): _lap(work) for name, sides in pairs.items() for side, work in enumerate(sides) if work}
    for _ in range(LAPS - 1):
        for name, side in best:
            work = pairs[name][side]
            if work is not None:
                best[name, side] = min(best[name, side], _lap(work))
    gc.unfreeze()
    rows = []
    for name in pairs:
        ours, theirs = best[name, 0], best.get((name, 1))
        rows.append(
            (name, f"{ours:.1f}", f"{theirs:.1f}" if theirs else "-", f"{theirs / ours:.0f} x" if theirs else "-")
        )
    octets = sum(map(len, bodies)) // OBJECTS
    title = f"Reading and expanding, CPU ms for 1,000 objects of {octets} octets"
    table(title, ("what", "ours", "icalendar + recurring-ical-events", "ratio"), rows)


def _ours(events: list[ScannedEvent], end: datetime) -> Work:
    return lambda: [expand(one, zone=ZONE, window=(START, end), own_addresses=frozenset()) for one in events]


def _libraries(calendars: list[icalendar.Calendar], end: datetime) -> Work:
    return lambda: [recurring_ical_events.of(one).between(START, end) for one in calendars]


def _lap(work: Work) -> float:
    started = time.process_time()
    work()
    return (time.process_time() - started) * 1e6 / OBJECTS
