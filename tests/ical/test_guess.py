"""An unreadable event that is seen for the first time can still block its hour (P14)."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from icloud_sync.errors import ItemUnreadable
from icloud_sync.ical.guess import best_guess
from icloud_sync.ical.scan import scan
from tests.ical.corpus.case import NINE, calendar, event, plain, rule, vevent

BERLIN = ZoneInfo("Europe/Berlin")
WINDOW = (datetime(2026, 11, 1, tzinfo=UTC), datetime(2027, 2, 1, tzinfo=UTC))
HOUR = (datetime(2026, 11, 9, 9, tzinfo=UTC), datetime(2026, 11, 9, 10, tzinfo=UTC))


@pytest.mark.parametrize(
    "body",
    [
        plain("UID:second"),
        calendar(f"BEGIN:VEVENT\n{NINE}\nEND:VEVENT"),
        plain("")[:-20],
        plain("BEGIN:A\nBEGIN:B\nBEGIN:C\nDTSTART:20200101T000000Z"),
        plain("DESCRIPTION:" + "x" * 2_000_000),
        vevent(NINE).encode(),
    ],
)
def test_the_hour_is_guessed_where_it_can_be_read(body: bytes) -> None:
    with pytest.raises(ItemUnreadable):
        scan(body)
    assert best_guess(body, zone=BERLIN, window=WINDOW) == HOUR


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>DTSTART:20261109T090000Z</html>",
        rule("FREQ=SECONDLY"),
        plain("RECURRENCE-ID:soon"),
        event("DTSTART:soon"),
        event("DTSTART:20261109T090000Z"),
        event("DTSTART:20261109T090000Z\nDTEND:20261109T080000Z"),
        event(NINE.replace("2026", "2020")),
        calendar(vevent(NINE) + vevent(NINE, uid="b")),
    ],
)
def test_nothing_is_guessed_where_it_cannot(body: bytes) -> None:
    assert best_guess(body, zone=BERLIN, window=WINDOW) is None


def test_a_day_is_guessed_in_the_zone_of_the_user() -> None:
    body = event("DTSTART;VALUE=DATE:20261109").replace(b"UID:", b"X:")
    assert best_guess(body, zone=BERLIN, window=WINDOW) == (
        datetime(2026, 11, 8, 23, tzinfo=UTC),
        datetime(2026, 11, 9, 23, tzinfo=UTC),
    )
