"""Our scan and expansion agree with icalendar, recurring-ical-events and dateutil wherever those are right."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import pytest
import recurring_ical_events
from dateutil.rrule import rrulestr

from icloud_sync.errors import ItemUnreadable
from icloud_sync.ical.expand import expand
from icloud_sync.ical.recurrence import Budget, instances
from icloud_sync.ical.rrule import parse_rule
from icloud_sync.ical.scan import scan
from tests.ical.generated import DAYS, HIGH, LOW, Maker

PARIS = ZoneInfo("Europe/Paris")


def instant(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    assert isinstance(value, date)
    return datetime.combine(value, time(), PARIS).astimezone(UTC)


def by_the_library(body: bytes) -> list[tuple[datetime, datetime]]:
    found = recurring_ical_events.of(icalendar.Calendar.from_ical(body)).between(
        LOW - timedelta(days=3), HIGH + timedelta(days=3)
    )
    times = [(instant(event["DTSTART"].dt), instant(event.end)) for event in found]
    return sorted(
        (start, end) for start, end in times if start < HIGH and (end > LOW or (start == end and start >= LOW))
    )


def by_us(body: bytes) -> list[tuple[datetime, datetime]]:
    found = expand(scan(body), zone=PARIS, window=(LOW, HIGH), own_addresses=frozenset())
    return sorted((one.start, one.end) for one in found)


@pytest.mark.late_turns(4)
@pytest.mark.parametrize("hundred", range(6))
def test_generated_events_expand_as_in_recurring_ical_events(hundred: int) -> None:
    occurrences = 0
    for seed in range(hundred * 100, hundred * 100 + 100):
        body = Maker(seed).body()
        ours = by_us(body)
        occurrences += len(ours)
        assert ours == by_the_library(body), f"seed {seed}\n{body.decode()}"
    assert occurrences > 500


@pytest.mark.late_turns(4)
@pytest.mark.parametrize("fifty", range(8))
def test_rules_step_as_in_dateutil(fifty: int) -> None:
    rng = random.Random(fifty)
    compared = 0
    while compared < 50:
        text, start = _rule(rng)
        low = start + timedelta(days=rng.choice((-300, 0, 100, 900)))
        high = low + timedelta(days=500)
        try:
            ours = list(instances(parse_rule(text), start, low, high, Budget()))
        except ItemUnreadable:
            continue
        bounded = text if "COUNT" in text else f"{text};UNTIL={high:%Y%m%dT%H%M%S}"
        expected = [at for at in rrulestr(bounded, dtstart=start) if low <= at < high]
        assert ours == expected, f"{text} from {start} in {low}..{high}"
        compared += 1


def _some(rng: random.Random, low: int, high: int, *, signed: bool = False) -> str:
    numbers = {rng.randint(low, high) * (-1 if signed and rng.random() < 0.3 else 1) for _ in range(rng.randint(1, 3))}
    return ",".join(map(str, sorted(numbers)))


def _rule(rng: random.Random) -> tuple[str, datetime]:
    """Return a rule of any kind that dateutil reads as RFC 5545 does, and that gives something."""
    frequency = rng.choice(("YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY"))
    parts = [f"FREQ={frequency}", f"INTERVAL={rng.choice((1, 1, 2, 3, 5))}"]
    if frequency == "HOURLY":
        parts[1] = f"INTERVAL={rng.choice((5, 24, 36))}"
    if rng.random() < 0.3:
        parts.append(f"COUNT={rng.choice((1, 3, 10, 50))}")
    if rng.random() < 0.3 and frequency != "YEARLY":
        parts.append("BYMONTH=" + _some(rng, 1, 12))
    if rng.random() < 0.25 and frequency in ("YEARLY", "MONTHLY", "DAILY"):
        parts.append("BYMONTHDAY=" + _some(rng, 1, 28, signed=True))
    elif rng.random() < 0.15 and frequency == "YEARLY":
        parts.append("BYYEARDAY=" + _some(rng, 1, 365, signed=True))
    elif rng.random() < 0.5:
        # dateutil wants both kinds of weekday to agree, RFC 5545 takes either: so only one kind at a time.
        ordinals = {"MONTHLY": (1, 2, -1, -2), "YEARLY": (1, 2, 20, -1)}.get(frequency)
        ordinal = str(rng.choice(ordinals)) if ordinals and rng.random() < 0.5 else ""
        parts.append("BYDAY=" + ",".join(ordinal + day for day in rng.sample(DAYS, rng.randint(1, 3))))
        if rng.random() < 0.3 and frequency in ("YEARLY", "MONTHLY"):
            parts.append(f"BYSETPOS={rng.choice(('1', '-1', '1,-1'))}")
    elif rng.random() < 0.2 and frequency == "YEARLY":
        parts.append("BYWEEKNO=" + _some(rng, 1, 52, signed=True) + ";BYDAY=" + rng.choice(DAYS))
    if rng.random() < 0.2 and frequency != "HOURLY":
        parts.append("BYHOUR=" + _some(rng, 0, 23))
    if rng.random() < 0.2:
        parts.append("BYMINUTE=" + _some(rng, 0, 59))
    start = datetime(rng.choice((2016, 2024, 2025)), rng.randint(1, 12), rng.randint(1, 28), rng.randint(0, 23), 30)
    return ";".join(parts), start
