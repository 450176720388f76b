"""Realistic events for the benchmarks: deterministic, about 1.4 kB each."""

from __future__ import annotations

import json
import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

ZONE = """BEGIN:VTIMEZONE
TZID:Europe/Berlin
X-LIC-LOCATION:Europe/Berlin
BEGIN:DAYLIGHT
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
TZNAME:CEST
DTSTART:19700329T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
END:DAYLIGHT
BEGIN:STANDARD
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
TZNAME:CET
DTSTART:19701025T030000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
END:STANDARD
END:VTIMEZONE"""
ALARM = """BEGIN:VALARM
X-WR-ALARMUID:0B1D2C3E-0000-4000-8000-00000000BEEF
UID:0B1D2C3E-0000-4000-8000-00000000BEEF
TRIGGER:-PT15M
DESCRIPTION:Event reminder
ACTION:DISPLAY
END:VALARM"""
RULES = ("FREQ=WEEKLY;BYDAY=MO,WE", "FREQ=DAILY;COUNT=40", "FREQ=MONTHLY;BYDAY=2TU", "FREQ=WEEKLY;INTERVAL=2")
WORDS = [
    "status",
    "review",
    "planning",
    "lunch",
    "dentist",
    "call",
    "with",
    "the",
    "northern",
    "team",
    "about",
    "quarterly",
    "numbers",
    "and",
    "hiring",
]


def event(number: int, *, edition: int = 0, today: date | None = None) -> bytes:
    """Return one calendar object; the same number gives the same event, another edition an edited one."""
    rng = random.Random(number)
    first = datetime.combine(today or datetime.now(UTC).date(), datetime.min.time())
    start = first + timedelta(days=rng.randrange(-200, 360), minutes=15 * rng.randrange(28, 76))
    length = timedelta(minutes=rng.choice((30, 45, 60, 90)))
    all_day, zoned = rng.random() < 0.14, rng.random() < 0.75
    title = " ".join(rng.sample(WORDS, 4)) + (f" v{edition}" if edition else "")
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Apple Inc.//iPhone OS 18.0//EN", "CALSCALE:GREGORIAN"]
    lines += ZONE.splitlines() if zoned and not all_day else []
    lines += ["BEGIN:VEVENT", f"UID:{uid(number)}", "DTSTAMP:20260901T080000Z", "CREATED:20260801T080000Z"]
    if all_day:
        lines += [f"DTSTART;VALUE=DATE:{start:%Y%m%d}", f"DTEND;VALUE=DATE:{start + timedelta(days=1):%Y%m%d}"]
    elif zoned:
        stamp = "%Y%m%dT%H%M%S"
        lines += [f"DTSTART;TZID=Europe/Berlin:{start:{stamp}}", f"DTEND;TZID=Europe/Berlin:{start + length:{stamp}}"]
    else:
        lines += [f"DTSTART:{start:%Y%m%dT%H%M%SZ}", f"DTEND:{start + length:%Y%m%dT%H%M%SZ}"]
    if rng.random() < 0.12:
        lines += [f"RRULE:{rng.choice(RULES)}"]
    lines += [f"SUMMARY:{title}", f"SEQUENCE:{edition}", "LAST-MODIFIED:20260901T080000Z"]
    lines += ["TRANSP:TRANSPARENT" if rng.random() < 0.1 else "TRANSP:OPAQUE", "STATUS:CONFIRMED"]
    lines += [
        f"DESCRIPTION:{' '.join(rng.choices(WORDS, k=60))[:70]}",
        *ALARM.splitlines(),
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return ("\r\n".join(lines) + "\r\n").encode()


def uid(number: int) -> str:
    return f"{number:08X}-BE7C-4000-8000-{number:012X}"


def fill(folder: Path, name: str, numbers: range) -> Path:
    """Write a Radicale collection of events straight into its storage; return the collection's folder."""
    calendar = folder / name
    calendar.mkdir(parents=True)
    (calendar / ".Radicale.props").write_text(
        json.dumps({"tag": "VCALENDAR", "D:displayname": name, "C:supported-calendar-component-set": "VEVENT"})
    )
    for number in numbers:
        (calendar / f"{uid(number)}.ics").write_bytes(event(number))
    return calendar


def edit(calendar: Path, numbers: range, *, edition: int) -> None:
    """Change events as the phone would."""
    for number in numbers:
        (calendar / f"{uid(number)}.ics").write_bytes(event(number, edition=edition))
