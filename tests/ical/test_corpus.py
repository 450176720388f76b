"""Every broken, hostile and huge body has one known outcome, and costs little (reliability §4, claim 9; F36, F37)."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from icloud_sync.errors import ItemUnreadable
from icloud_sync.ical.event import ScannedEvent
from icloud_sync.ical.expand import Occurrence, expand
from icloud_sync.ical.fingerprint import fingerprint
from icloud_sync.ical.scan import scan
from tests.ical.corpus import CASES, Case

BERLIN = ZoneInfo("Europe/Berlin")
WINDOW = (datetime(2026, 11, 1, tzinfo=UTC), datetime(2027, 2, 1, tzinfo=UTC))
OWN = frozenset({"mailto:me@example.org", "/1234/principal/"})
MOST_CPU_SECONDS = 1.0
MOST_MEMORY = 64 * 1024 * 1024


def outcome(body: bytes) -> tuple[str, list[Occurrence], list[str]]:
    warnings: list[str] = []
    try:
        event = scan(body)
        found = expand(event, zone=BERLIN, window=WINDOW, own_addresses=OWN, warnings=warnings)
    except ItemUnreadable as error:
        return error.reason, [], warnings
    return "", found, warnings


def clock(moment: datetime) -> str:
    return f"{moment:%m%dT%H%M}"


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_each_body_has_its_outcome(case: Case) -> None:
    body = case.octets()
    started = time.process_time()
    reason, found, warnings = outcome(body)
    spent = time.process_time() - started
    assert reason == case.refused
    if not case.refused:
        if case.times is not None:
            assert [(clock(one.start), clock(one.end)) for one in found] == list(case.times)
        if case.count is not None:
            assert len(found) == case.count
        assert {one.code for one in found} <= {case.code}
        assert bool(warnings) == case.warned
    assert spent < MOST_CPU_SECONDS


@pytest.mark.late
def test_all_big_bodies_together_take_little_memory() -> None:
    root = Path(__file__).parents[2]
    run = subprocess.run(
        [sys.executable, "-m", "tests.ical.memory_probe"], cwd=root, capture_output=True, text=True, check=True
    )
    assert 0 <= int(run.stdout) < MOST_MEMORY


@pytest.mark.late_turns(2)
@pytest.mark.parametrize("case", [case for case in CASES.values() if not case.refused], ids=lambda case: case.name)
def test_the_essence_expands_like_the_body(case: Case) -> None:
    event = scan(case.octets())
    again = ScannedEvent.from_json(json.loads(json.dumps(event.to_json())))
    assert again == event
    assert fingerprint(again) == fingerprint(event)
    expanded = [expand(one, zone=BERLIN, window=WINDOW, own_addresses=OWN) for one in (event, again)]
    assert expanded[0] == expanded[1]


def test_reasons_are_codes_and_never_quote_the_body() -> None:
    reasons = {case.refused for case in CASES.values()} - {""}
    assert len(reasons) >= 18
    assert all(re.fullmatch(r"[a-z_]{5,25}", reason) for reason in reasons)


def test_a_body_of_any_octets_is_refused_or_read_but_never_crashes() -> None:
    whole = CASES["dates: own VTIMEZONE"].octets() + CASES["recurrence: this and future"].octets()
    for at in range(0, len(whole), 7):
        for octet in (0, 10, 34, 58, 59, 92, 255):
            outcome(whole[:at] + bytes([octet]) + whole[at + 1 :])
