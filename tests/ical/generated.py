"""Seeded, realistic calendar objects: what people's calendars hold, and what shared tools agree about."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from icloud_sync.ical.write_zone import vtimezone_lines

ZONES = ["Europe/Berlin", "America/New_York", "America/Los_Angeles", "Asia/Tokyo", "Australia/Sydney", "Asia/Kolkata"]
DAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
LOW, HIGH = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 3, 1, tzinfo=UTC)


class Maker:
    """One object for one seed."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.kind = self.rng.choices(("zone", "utc", "date"), (75, 12, 13))[0]
        self.tzid = self.rng.choice(ZONES)
        day = datetime(2025, 9, 1) + timedelta(days=self.rng.randrange(500))
        self.start = day.replace(hour=self.rng.randrange(7, 20), minute=self.rng.choice((0, 15, 30)))
        self.length = timedelta(minutes=self.rng.choice((0, 15, 30, 60, 90, 240)))
        if self.kind == "date":
            self.start, self.length = day, timedelta(days=self.rng.choice((1, 1, 2, 7)))

    def when(self, name: str, moment: datetime) -> str:
        if self.kind == "date":
            return f"{name};VALUE=DATE:{moment:%Y%m%d}"
        if self.kind == "utc":
            return f"{name}:{moment:%Y%m%dT%H%M%SZ}"
        return f"{name};TZID={self.tzid}:{moment:%Y%m%dT%H%M%S}"

    def until(self, moment: datetime) -> str:
        if self.kind == "date":
            return f"{moment:%Y%m%d}"
        zone = ZoneInfo(self.tzid) if self.kind == "zone" else UTC
        return f"{moment.replace(tzinfo=zone).astimezone(UTC):%Y%m%dT%H%M%SZ}"

    def rule(self) -> tuple[str, list[datetime]]:
        """Return a rule, and its first occurrences as far as they are easily known."""
        rng, start = self.rng, self.start
        frequency = rng.choice(("DAILY", "WEEKLY", "WEEKLY", "MONTHLY", "YEARLY"))
        interval = rng.choice((1, 1, 1, 2, 3))
        text = f"FREQ={frequency};INTERVAL={interval}"
        known: list[datetime] = []
        if frequency == "DAILY":
            known = [start + timedelta(days=interval * n) for n in range(30)]
        elif frequency == "WEEKLY":
            if rng.random() < 0.7:
                others = rng.sample(DAYS, rng.randrange(3))
                text += ";BYDAY=" + ",".join(sorted({DAYS[start.weekday()], *others}))
            if rng.random() < 0.3:
                text += f";WKST={rng.choice(DAYS)}"
            known = [start + timedelta(weeks=interval * n) for n in range(30)]
        elif frequency == "MONTHLY":
            nth = (start.day - 1) // 7 + 1
            text += rng.choice(
                (
                    "",
                    f";BYMONTHDAY={min(start.day, 28)},-1",
                    f";BYDAY={nth if nth < 5 else -1}{DAYS[start.weekday()]}",
                    ";BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
                )
            )
        elif rng.random() < 0.5:
            text += f";BYMONTH={start.month};BYDAY={rng.choice((1, 2, -1))}{DAYS[start.weekday()]}"
        ending = rng.random()
        if ending < 0.35:
            text += f";COUNT={rng.randrange(2, 60)}"
        elif ending < 0.7:
            text += f";UNTIL={self.until(start + timedelta(days=rng.randrange(10, 500)))}"
        return text, known

    def body(self) -> bytes:
        rng = self.rng
        lines = [self.when("DTSTART", self.start), self.when("DTEND", self.start + self.length)]
        if rng.random() < 0.15 and self.kind != "date":
            lines[1] = f"DURATION:PT{int(self.length.total_seconds() // 60)}M"
        overrides: list[list[str]] = []
        if rng.random() < 0.55:
            text, known = self.rule()
            lines.append(f"RRULE:{text}")
            chosen = rng.sample(known[1:], min(len(known), rng.randrange(6))) if known else []
            for at in chosen[::2]:
                lines.append(self.when("EXDATE", at))
            for at in chosen[1::2]:
                overrides.append(self.override(at))
        if rng.random() < 0.1:
            lines.append(self.when("RDATE", self.start + timedelta(days=rng.randrange(1, 90), hours=0)))
        lines.append(rng.choice(("TRANSP:OPAQUE", "TRANSP:TRANSPARENT", "STATUS:TENTATIVE", "CLASS:PUBLIC")))
        blocks = [lines, *overrides]
        zone = [line.decode() for line in vtimezone_lines(self.tzid, year=2026)] if self.kind == "zone" else []
        text = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Test//EN", *zone]
        for block in blocks:
            text += ["BEGIN:VEVENT", "UID:generated@example.org", "DTSTAMP:20250101T000000Z", *block, "END:VEVENT"]
        return "\r\n".join([*text, "END:VCALENDAR", ""]).encode()

    def override(self, at: datetime) -> list[str]:
        days = timedelta(days=self.rng.choice((0, 1, 1, 40)))
        moved = at + days if self.kind == "date" else at + days + timedelta(minutes=self.rng.choice((-60, 0, 30)))
        extra = ["STATUS:CANCELLED"] if self.rng.random() < 0.2 else []
        return [
            self.when("RECURRENCE-ID", at),
            self.when("DTSTART", moved),
            self.when("DTEND", moved + self.length),
            *extra,
        ]
