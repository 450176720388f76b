"""Our own events as iCloud gets them, and as they come back (W1, W6, W8, S25, facts 5.3, 5.16, 5.17)."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icloud_sync.errors import ItemUnreadable
from icloud_sync.ical.ours import EventFields, as_written, build, read
from icloud_sync.ical.scan import scan
from tests.ical.corpus.case import event

NOW = datetime(2026, 11, 1, 12, 30, 15, 999_999, tzinfo=UTC)
FIELDS = EventFields(
    title="Fitting with Ada",
    start=datetime(2026, 12, 1, 9, tzinfo=UTC),
    end=datetime(2026, 12, 1, 10, tzinfo=UTC),
    location="Room 1",
    notes="Bring the plans",
    details=("Ada Lovelace", "ada@example.org", "+44 1234"),
    zone="Europe/London",
)
UTC_ZONE = ZoneInfo("UTC")


def by_the_library(body: bytes) -> Any:
    events = icalendar.Calendar.from_ical(body).events
    assert len(events) == 1
    return events[0]


def obeys_the_form(body: bytes) -> None:
    text = body.decode("utf-8")
    assert body.endswith(b"END:VCALENDAR\r\n")
    assert body.replace(b"\r\n", b"").count(b"\n") == body.replace(b"\r\n", b"").count(b"\r") == 0
    assert max(len(line) for line in body.split(b"\r\n")) <= 75
    assert len(re.findall(r"^BEGIN:VEVENT", text, re.MULTILINE)) == 1
    assert not re.search(r"^(METHOD|ORGANIZER|ATTENDEE)", text, re.MULTILINE)
    for name in ("UID", "DTSTAMP", "DTSTART", "DTEND", "SUMMARY", "SEQUENCE", "TRANSP", "STATUS"):
        assert len(re.findall(rf"^{name}[;:]", text.partition("BEGIN:VEVENT")[2], re.MULTILINE)) == 1, name
    for name in ("DTSTAMP", "CREATED", "LAST-MODIFIED"):
        assert re.search(rf"^{name}:\d{{8}}T\d{{6}}Z\r$", text, re.MULTILINE)
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029]", text)


def test_an_event_says_what_the_contract_says() -> None:
    body = build(FIELDS, uid="A-1", now=NOW)
    obeys_the_form(body)
    found = by_the_library(body)
    assert found["SUMMARY"] == "Fitting with Ada"
    assert found["LOCATION"] == "Room 1"
    assert found["DESCRIPTION"] == ("Bring the plans\n--- LeadMagicX ---\nAda Lovelace\nada@example.org\n+44 1234")
    assert (found["UID"], found["TRANSP"], found["STATUS"], found["SEQUENCE"]) == ("A-1", "OPAQUE", "CONFIRMED", 0)
    assert found.start == FIELDS.start
    assert found.end == FIELDS.end
    assert str(found["DTSTART"].dt.tzinfo) == "Europe/London"
    assert found["DTSTAMP"].dt == datetime(2026, 11, 1, 12, 30, 15, tzinfo=UTC)


def test_without_notes_the_marker_comes_first_and_without_a_place_there_is_none() -> None:
    found = by_the_library(build(replace(FIELDS, notes="", location=""), uid="A", now=NOW))
    assert found["DESCRIPTION"].startswith("--- LeadMagicX ---\nAda")
    assert "LOCATION" not in found


@pytest.mark.parametrize(
    ("zone", "hour", "utc"),
    [
        ("UTC", 9, True),
        ("Etc/UTC", 9, True),
        ("Nowhere/Land", 9, True),
        ("Europe/Berlin", 9, False),
        ("Asia/Tokyo", 9, False),
        ("Europe/Berlin", 0, True),  # 02:30 for the first time
        ("Europe/Berlin", 1, True),  # and for the second
    ],
)
def test_times_are_in_the_zone_of_the_host_or_in_utc(zone: str, hour: int, utc: bool) -> None:
    start = datetime(2026, 10, 25, hour, 30, tzinfo=UTC)
    body = build(replace(FIELDS, start=start, end=start + timedelta(hours=2), zone=zone), uid="A", now=NOW)
    assert (b"DTSTART:" in body.partition(b"BEGIN:VEVENT")[2]) == utc
    assert (b"BEGIN:VTIMEZONE" not in body) == utc
    assert by_the_library(body).start == start
    assert read(body, zone=UTC_ZONE).start == start


def test_fractions_and_other_offsets_are_brought_into_form() -> None:
    start = datetime(2026, 12, 1, 9, 0, 0, 123_456, tzinfo=timezone(timedelta(hours=-3)))
    fields = replace(FIELDS, start=start, end=start + timedelta(minutes=30))
    assert as_written(fields).start == datetime(2026, 12, 1, 12, tzinfo=UTC)
    assert read(build(fields, uid="A", now=NOW), zone=UTC_ZONE).start == as_written(fields).start


@pytest.mark.parametrize(
    "wrong",
    [
        {"end": FIELDS.start - timedelta(seconds=1)},
        {"start": datetime(1899, 1, 1, tzinfo=UTC)},
        {"end": datetime(2201, 1, 1, tzinfo=UTC)},
    ],
)
def test_impossible_times_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="appointment"):
        build(replace(FIELDS, **wrong), uid="A", now=NOW)


@pytest.mark.parametrize("uid", ["", "a\r\nATTENDEE:mailto:x", "x" * 300])
def test_a_uid_cannot_inject(uid: str) -> None:
    with pytest.raises(ValueError, match="UID"):
        build(FIELDS, uid=uid, now=NOW)


NASTY = [
    "a\r\nATTENDEE:mailto:victim@example.org",
    "a\nEND:VEVENT\nBEGIN:VEVENT",
    "a\rb",
    "a\x85ATTENDEE:mailto:x@example.org",
    "a\u2028END:VCALENDAR\u2029",
    "a\x00b\x1b[31m\x07\x0b\x0c",
    "lone \ud800 surrogate \udfff",
    "\ufeffbom\ufffe\uffff",
    'comma, semicolon; colon: backslash \\ quote " \\n \\N \\\\',
    "--- LeadMagicX ---",
    "emoji 👩‍👩‍👧‍👦 and é and 日本語 " * 12,
    "x" * 5000,
    "   ",
    "",
    "=cmd|'/C calc'!A0",
    "{{ x }} %s {0}",
]


@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
def test_nasty_text_stays_text(text: str) -> None:
    fields = replace(FIELDS, title=text, location=text, notes=f"first\n{text}\nlast", details=(text, text))
    body = build(fields, uid="A", now=NOW)
    obeys_the_form(body)
    found, shown = by_the_library(body), read(body, zone=UTC_ZONE, details=fields.details)
    written = as_written(fields)
    assert (shown.title, shown.location, shown.notes) == (written.title, written.location, written.notes)
    assert str(found["SUMMARY"]) == written.title
    assert shown.added == ()


any_text = st.text(st.characters(), max_size=120)


@settings(max_examples=150, deadline=None)
@given(title=any_text, location=any_text, notes=any_text, details=st.lists(any_text, max_size=3).map(tuple))
def test_what_is_written_comes_back(title: str, location: str, notes: str, details: tuple[str, ...]) -> None:
    fields = replace(FIELDS, title=title, location=location, notes=notes, details=details)
    body = build(fields, uid="A", now=NOW)
    obeys_the_form(body)
    shown, written = read(body, zone=UTC_ZONE, details=details), as_written(fields)
    assert (shown.title, shown.location, shown.notes, shown.added) == (
        written.title,
        written.location,
        written.notes,
        (),
    )
    assert (shown.start, shown.end, shown.uid) == (written.start, written.end, "A")
    assert as_written(written) == written
    assert scan(body).title == written.title[:500]


@settings(max_examples=60, deadline=None)
@given(
    moment=st.datetimes(datetime(2001, 1, 1), datetime(2090, 1, 1)),
    minutes=st.integers(0, 3000),
    zone=st.sampled_from(
        ["Europe/Berlin", "America/New_York", "Africa/Casablanca", "Australia/Lord_Howe", "Asia/Tokyo"]
    ),
)
def test_any_time_in_any_zone_comes_back(moment: datetime, minutes: int, zone: str) -> None:
    start = moment.replace(tzinfo=UTC)
    fields = as_written(replace(FIELDS, start=start, end=start + timedelta(minutes=minutes), zone=zone))
    body = build(fields, uid="A", now=NOW)
    shown, found = read(body, zone=UTC_ZONE), by_the_library(body)
    assert (shown.start, shown.end) == (fields.start, fields.end)
    assert found["DTSTART"].dt.astimezone(UTC) == fields.start


class TestNotes:
    """Above the marker line is the host's; below is ours."""

    DETAILS = ("Ada", "ada@example.org")

    def notes(self, description: str) -> tuple[str, tuple[str, ...]]:
        text = description.replace("\n", "\\n")
        shown = read(
            event(f"DTSTART:20261109T090000Z\nDTEND:20261109T100000Z\nDESCRIPTION:{text}"),
            zone=UTC_ZONE,
            details=self.DETAILS,
        )
        return shown.notes, shown.added

    @pytest.mark.parametrize(
        ("description", "notes", "added"),
        [
            ("Plans\n--- LeadMagicX ---\nAda\nada@example.org", "Plans", ()),
            ("Plans\nand more\n\n--- LeadMagicX ---\nAda", "Plans\nand more", ()),
            ("--- LeadMagicX ---\nAda\nada@example.org", "", ()),
            ("Plans\n  --- LeadMagicX ---  \nAda", "Plans", ()),
            ("Plans\n--- LeadMagicX ---\nAda\nada@example.org\nparking at the back", "Plans", ("parking at the back",)),
            ("Plans\n--- LeadMagicX ---", "Plans", ()),
            ("Plans\nAda\nada@example.org", "Plans", ()),
            ("Ada likes tea\nAda\nada@example.org", "Ada likes tea", ()),
            ("Ada\nmore\nAda\nada@example.org", "Ada\nmore", ()),
            ("everything new", "everything new", ()),
            ("", "", ()),
            ("I wrote\n--- LeadMagicX ---\nmyself\n--- LeadMagicX ---\nAda", "I wrote\n--- LeadMagicX ---\nmyself", ()),
        ],
    )
    def test_what_the_host_wrote(self, description: str, notes: str, added: tuple[str, ...]) -> None:
        assert self.notes(description) == (notes, added)


def test_what_a_phone_can_make_of_it() -> None:
    body = event(
        "DTSTART;VALUE=DATE:20261109\nRRULE:FREQ=DAILY\nSTATUS:CANCELLED\nSUMMARY:a\\, b\nLOCATION:Here\\nUpstairs"
    )
    shown = read(body, zone=ZoneInfo("Europe/Berlin"))
    assert (shown.all_day, shown.recurring, shown.cancelled) == (True, True, True)
    assert (shown.title, shown.location) == ("a, b", "Here Upstairs")
    assert shown.start == datetime(2026, 11, 8, 23, tzinfo=UTC)


def test_what_cannot_be_read_is_said_so() -> None:
    with pytest.raises(ItemUnreadable, match="no_start"):
        read(event("SUMMARY:x"), zone=UTC_ZONE)
