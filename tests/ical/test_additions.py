"""What the user added is taken over by the event in its place; whom it invited and what it was is not (W5, W6)."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import icalendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from icloud_sync.errors import ItemUnreadable
from icloud_sync.ical.additions import MOST, Additions, additions_of
from icloud_sync.ical.document import FOLD
from icloud_sync.ical.ours import EventFields, build, patch, read
from tests.ical.test_ours import FIELDS, NOW, UTC_ZONE
from tests.ical.test_patch import LATER, USERS_OWN, lines

HERE = replace(FIELDS, location="Room 1")
OLD = build(HERE, uid="OLD-UID", now=NOW)
ALARM = b"BEGIN:VALARM\r\nUID:alarm-1\r\nACTION:DISPLAY\r\nDESCRIPTION:Reminder\r\nTRIGGER:-PT15M\r\nEND:VALARM\r\n"


def with_added(*extra: bytes) -> bytes:
    return OLD.replace(b"END:VEVENT", b"".join(extra) + b"END:VEVENT")


def again(body: bytes, fields: EventFields = HERE) -> bytes:
    """The event in its place; what is taken over is kept as JSON in between."""
    additions: Additions = json.loads(json.dumps(additions_of(body, previous_details=HERE.details)))
    return build(fields, uid="NEW-UID", now=LATER, additions=additions)


def text_of(body: bytes) -> str:
    return body.replace(b"\r\n ", b"").decode()


@pytest.mark.parametrize(
    "line",
    [
        "X-APPLE-TRAVEL-DURATION;VALUE=DURATION:PT30M",
        "X-APPLE-TRAVEL-RETURN-DURATION;VALUE=DURATION:PT10M",
        "X-APPLE-TRAVEL-ADVISORY-BEHAVIOR:AUTOMATIC",
        'X-APPLE-TRAVEL-START;ROUTING=CAR;VALUE=URI;X-TITLE="Home: 1":geo:1.0\\,2.0',
        'X-APPLE-STRUCTURED-LOCATION;VALUE=URI;X-TITLE="Room: 1":geo:1.0\\,2.0',
        "URL;VALUE=URI:https://example.org/a?b=c:d;e",
        "ATTACH;VALUE=URI:https://example.org/a.pdf",
        "CLASS:PRIVATE",
        "TRANSP:TRANSPARENT",
        "X-LONG:" + "ä" * 200,
        "X-NOBODY-KNOWS;Param=1:value  with   blanks ",
    ],
)
def test_what_is_the_users_is_taken_over_once(line: str) -> None:
    made = again(with_added(line.encode() + b"\r\n"))
    name = re.split("[;:]", line)[0]
    assert [found for found in text_of(made).split("\r\n") if re.match(f"{name}[;:]", found)] == [line]
    assert all(len(part) <= FOLD for part in made.split(b"\r\n"))
    icalendar.Calendar.from_ical(made)


@pytest.mark.parametrize(
    "line",
    [
        "ORGANIZER;CN=Me:mailto:me@example.org",
        'ATTENDEE;CN="Dr; Who";PARTSTAT=ACCEPTED:mailto:who@example.org',
        "attendee:MAILTO:who@example.org",
        "ATTENDEE:/1/principal/",
        "ORGANIZER:urn:uuid:1",
        "X-ATTENDEE-LIST:Who",
        "X-SOMEBODY;PARTSTAT=NEEDS-ACTION:/1/principal/",
        "X-SOMEBODY;RSVP=TRUE:urn:uuid:1",
        "X-SOMEBODY:mailto:who@example.org",
        'X-SOMEBODY;EMAIL="mailto:who@example.org":who',
        "REQUEST-STATUS:2.0;Success",
        "METHOD:REQUEST",
        "X-APPLE-HOSTED-STATUS:NONE",
        "X-APPLE-NEEDS-REPLY:TRUE",
        "X-CALENDARSERVER-PRIVATE-COMMENT:no",
        "X-MS-OLK-AUTOSTARTCHECK:FALSE",
        "UID:OLD-UID",
        "SEQUENCE:7",
        "RECURRENCE-ID:20261102T090000Z",
        "RRULE:FREQ=DAILY",
        "RDATE:20261103T090000Z",
        "EXDATE:20261103T090000Z",
        "RELATED-TO:OLD-UID",
        "DURATION:PT5H",
        "STATUS:CANCELLED",
        "TRANSP:OPAQUE",
        "X-ALT-DESC;FMTTYPE=text/html:<b>old notes</b>",
        "ATTACH;MANAGED-ID=7;FMTTYPE=application/pdf:https://example.org/7",
        "X-WHEN;TZID=Nowhere/City:20261102T090000",
        "X-APPLE-CREATOR-IDENTITY:com.apple.mobilecal",
        "URL;VALUE=URI:",
        "X-BELL:a\x07b",
        "not a line",
    ],
)
def test_what_is_not_the_users_alone_stays_behind(line: str) -> None:
    assert again(with_added(line.encode() + b"\r\n")) == build(HERE, uid="NEW-UID", now=LATER)


def test_the_new_event_is_ours_in_everything_else() -> None:
    edited = with_added(USERS_OWN).replace(b"SUMMARY:", b"SUMMARY:Other ").replace(b"SEQUENCE:0", b"SEQUENCE:12")
    made = again(edited)
    plain = build(HERE, uid="NEW-UID", now=LATER)
    assert [line for line in lines(made) if line in set(lines(plain))] == lines(plain)
    assert b"OLD-UID" not in made
    assert read(made, zone=UTC_ZONE, details=HERE.details) == read(plain, zone=UTC_ZONE, details=HERE.details)
    assert (text_of(made).count("BEGIN:VALARM"), "ACTION:AUDIO" in text_of(made)) == (1, True), "no default alarm"


def test_nothing_added_is_nothing_taken_over() -> None:
    assert additions_of(OLD, previous_details=HERE.details) == {}


@pytest.mark.parametrize("place", ["Room 2", ""])
def test_a_pin_does_not_go_to_another_place(place: str) -> None:
    body = with_added(b"X-APPLE-STRUCTURED-LOCATION;VALUE=URI:geo:1.0,2.0\r\nGEO:1.0;2.0\r\n", ALARM)
    assert b"geo:" in again(body)
    assert b"GEO" in again(body)
    made = again(body, replace(HERE, location=place))
    assert b"geo:" not in made
    assert b"GEO" not in made
    assert ALARM in made


# -- alarms --------------------------------------------------------------------------------------------------------


def test_alarms_come_whole_each_once_and_in_order() -> None:
    second = ALARM.replace(b"alarm-1", b"alarm-2").replace(b"-PT15M", b"-P1D")
    made = again(with_added(ALARM, second, ALARM))
    assert ALARM + second in made
    assert made.count(b"BEGIN:VALARM") == 2


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"ACTION:DISPLAY", b"ACTION:EMAIL"),
        (b"ACTION:DISPLAY", b"ACTION:EMAIL\r\nATTENDEE:mailto:me@example.org\r\nSUMMARY:Soon"),
        (b"ACTION:DISPLAY", b"ACTION:DISPLAY\r\nATTENDEE:mailto:me@example.org"),
        (b"ACTION:DISPLAY", b"action:procedure"),
        (b"ACTION:DISPLAY\r\n", b""),
        (b"TRIGGER:-PT15M\r\n", b""),
        (b"TRIGGER:-PT15M", b"TRIGGER:-PT15M\r\nX-APPLE-DEFAULT-ALARM:TRUE"),
        (b"TRIGGER:-PT15M", b"TRIGGER:-PT15M\r\nBEGIN:VLOCATION\r\nNAME:x\r\nEND:VLOCATION"),
        (b"VALARM", b"PARTICIPANT"),
    ],
)
def test_alarms_that_mail_and_parts_that_are_no_alarms_stay_behind(old: bytes, new: bytes) -> None:
    other = ALARM.replace(b"alarm-1", b"other")
    made = again(with_added(ALARM.replace(old, new), other))
    assert made == again(with_added(other))
    assert other in made


def test_an_alarm_without_its_end_takes_nothing_with_it() -> None:
    body = with_added(ALARM.replace(b"END:VALARM\r\n", b""))
    try:
        made = again(body)
    except ItemUnreadable:
        return
    assert b"VALARM" not in made


def test_only_the_alarms_of_the_event_itself() -> None:
    """An occurrence that somebody made of it, with its own alarm, is no part of an appointment."""
    other = b"BEGIN:VEVENT\r\nUID:OLD-UID\r\nRECURRENCE-ID:20261103T090000Z\r\nDTSTART:20261103T100000Z\r\n"
    other += b"URL:https://example.org/other\r\n" + ALARM + b"END:VEVENT\r\n"
    assert again(OLD.replace(b"END:VCALENDAR", other + b"END:VCALENDAR")) == again(OLD)


# -- lines below the marker ----------------------------------------------------------------------------------------


def test_lines_below_the_marker_stay_there_and_survive_the_next_update() -> None:
    said = patch(OLD, replace(HERE, details=(*HERE.details, "Ring twice")), now=NOW, previous_details=HERE.details)
    fields = replace(HERE, details=("Seats: 2 of 3",))
    made = again(said, fields)
    assert read(made, zone=UTC_ZONE, details=fields.details).added == ("Ring twice",)
    assert read(made, zone=UTC_ZONE, details=fields.details).notes == HERE.notes
    full = replace(fields, details=("Seats: 3 of 3",))
    later = patch(made, full, now=LATER, previous_details=fields.details)
    assert read(later, zone=UTC_ZONE, details=full.details).added == ("Ring twice",)
    assert b"2 of 3" not in later


def test_without_what_was_written_last_nobody_can_tell_whose_the_lines_are() -> None:
    assert additions_of(OLD.replace(b"---\\n", b"---\\nRing twice\\n")) == {}


# -- odd texts -----------------------------------------------------------------------------------------------------


def test_an_attachment_as_large_as_the_event_does_not_cost_the_alarms() -> None:
    huge = b"ATTACH;ENCODING=BASE64;VALUE=BINARY:" + b"A" * MOST + b"\r\n"
    made = again(with_added(huge, b"URL:https://example.org\r\n", ALARM))
    assert ALARM in made
    assert b"URL:https://example.org\r\n" in made
    assert b"ATTACH" not in made


@pytest.mark.parametrize(
    "body",
    [b"", b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", b"<html>", with_added(b"COMMENT:" + b"A" * 1_100_000 + b"\r\n")],
)
def test_what_is_no_event_is_unreadable(body: bytes) -> None:
    with pytest.raises(ItemUnreadable):
        additions_of(body)


@given(st.lists(st.binary(max_size=60) | st.sampled_from([ALARM, USERS_OWN, b"BEGIN:VALARM", b"END:VALARM", b"END:X"])))
def test_whatever_stands_there_the_new_event_is_ours_and_invites_nobody(parts: list[bytes]) -> None:
    try:
        made = again(with_added(*(part + b"\r\n" for part in parts)))
    except ItemUnreadable:
        return
    assert read(made, zone=UTC_ZONE, details=HERE.details).title == HERE.title
    event = icalendar.Calendar.from_ical(made).events[0]
    assert event["UID"] == "NEW-UID"
    assert not {"ATTENDEE", "ORGANIZER", "RRULE", "RECURRENCE-ID", "METHOD"} & set(event)
    assert not any("ATTENDEE" in part for part in event.subcomponents)
    assert again(made) == made, "taken over once more it is the same"
