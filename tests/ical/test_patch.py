"""An update changes what is ours in the text iCloud has, and nothing else (W5, facts 5.18, 6.4, 7.14)."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import icalendar
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icloud_sync.errors import ItemUnreadable
from icloud_sync.ical.document import FOLD, content_line
from icloud_sync.ical.ours import EventFields, build, patch, read
from tests.ical.test_ours import FIELDS, NOW, UTC_ZONE

LATER = datetime(2026, 11, 5, tzinfo=UTC)
MOVED = replace(FIELDS, start=FIELDS.start + timedelta(hours=3), end=FIELDS.end + timedelta(hours=3))
BODY = build(FIELDS, uid="A", now=NOW)
USERS_OWN = (
    b"X-APPLE-TRAVEL-DURATION;VALUE=DURATION:PT30M\r\n"
    b"X-APPLE-TRAVEL-ADVISORY-BEHAVIOR:AUTOMATIC\r\n"
    b'X-APPLE-STRUCTURED-LOCATION;VALUE=URI;X-APPLE-RADIUS=70;X-TITLE="Room: 1":geo:1.0\\,2.0\r\n'
    b"ORGANIZER;CN=Me:mailto:me@example.org\r\n"
    b'ATTENDEE;CN="Dr; Who";PARTSTAT=ACCEPTED:mailto:who@example.org\r\n'
    b"ATTACH;VALUE=URI:https://example.org/a.pdf\r\n"
    b"x-lower-case;Param=1:value  with   blanks \r\n"
    b"X-LONG:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n"
    b"X-FOLDED:fol\r\n ded \r\n\todd\r\n ly\r\n"
    b"X-BAD-UTF8:\xff\xfe\r\n"
    b"BEGIN:VALARM\r\nUID:alarm\r\nSUMMARY:not ours\r\nDESCRIPTION:Reminder\r\nLOCATION:no\r\n"
    b"DTSTAMP:19760401T005545Z\r\n"
    b"SEQUENCE:99\r\nACTION:DISPLAY\r\nTRIGGER:-PT15M\r\nX-APPLE-DEFAULT-ALARM:TRUE\r\nEND:VALARM\r\n"
    b"BEGIN:VALARM\r\nACTION:AUDIO\r\nTRIGGER;VALUE=DATE-TIME:19760401T005545Z\r\nEND:VALARM\r\n"
)


def touched(body: bytes, extra: bytes = USERS_OWN) -> bytes:
    return body.replace(b"END:VEVENT", extra + b"END:VEVENT")


def lines(body: bytes) -> list[bytes]:
    """Content lines with their folding as it is."""
    return re.split(rb"\r\n(?![ \t])", body)


def own(line: bytes) -> bool:
    return (
        re.match(rb"(DTSTART|DTEND|DURATION|SUMMARY|LOCATION|DESCRIPTION|SEQUENCE|DTSTAMP|LAST-MODIFIED)[;:]", line)
        is not None
    )


def event_of(body: bytes) -> icalendar.Event:
    return icalendar.Calendar.from_ical(body.replace(b"\xff\xfe", b"")).events[0]


class TestUnchanged:
    def test_equal_fields_give_the_very_body_back(self) -> None:
        for body in (BODY, touched(BODY), BODY.replace(b"\r\n", b"\n")):
            assert patch(body, FIELDS, now=LATER) is body

    def test_what_a_server_makes_of_our_text_is_no_difference(self) -> None:
        body = BODY.replace(b"SUMMARY:Fitting with Ada", b"SUMMARY:Fitting\r\n  with Ada ")
        body = body.replace(b"DTSTAMP:", b"DTSTAMP:20261102T000000Z\r\nDTSTAMP:").replace(b"Room 1", b"Room\xc2\xa01")
        assert patch(body, FIELDS, now=LATER) is body

    def test_letters_that_were_taken_apart_are_no_difference(self) -> None:
        fields = replace(FIELDS, title="Zoë", notes="Zoë")
        body = build(fields, uid="A", now=NOW).replace("ë".encode(), "e\u0308".encode())
        assert patch(body, fields, now=LATER) is body
        assert read(body, zone=UTC_ZONE).title == "Zoë"

    def test_the_marks_of_a_phone_are_no_difference(self) -> None:
        body = touched(BODY, b"X-APPLE-CREATOR-IDENTITY:com.apple.mobilecal\r\n")
        assert patch(body, FIELDS, now=LATER) is body

    def test_the_same_time_in_another_zone_is_no_difference(self) -> None:
        body = re.sub(rb"DTSTART;[^\r]*", b"DTSTART:20261201T090000Z", BODY)
        assert patch(body, FIELDS, now=LATER) is body

    def test_an_all_day_event_stays_when_its_own_times_are_given(self) -> None:
        body = re.sub(rb"DTSTART;[^\r]*", b"DTSTART;VALUE=DATE:20261201", BODY)
        body = re.sub(rb"DTEND;[^\r]*", b"DTEND;VALUE=DATE:20261202", body)
        shown = read(body, zone=ZoneInfo(FIELDS.zone))
        patched = patch(body, replace(FIELDS, title="New", start=shown.start, end=shown.end), now=LATER)
        assert b"\r\nDTSTART;VALUE=DATE:20261201\r\n" in patched
        assert b"\r\nSEQUENCE:0\r\n" in patched


class TestMoved:
    def test_only_our_lines_change(self) -> None:
        before, after = touched(BODY), patch(touched(BODY), MOVED, now=LATER)
        changed = [one for one in lines(before) if one not in lines(after)]
        assert sorted(one.partition(b";")[0].partition(b":")[0] for one in changed) == [
            b"DTEND",
            b"DTSTAMP",
            b"DTSTART",
            b"LAST-MODIFIED",
            b"SEQUENCE",
        ]
        assert len(lines(before)) == len(lines(after))

    def test_the_new_time_is_there_and_sequence_grows(self) -> None:
        once = patch(touched(BODY), MOVED, now=LATER)
        found = event_of(once)
        assert (found.start, found.end, found["SEQUENCE"]) == (MOVED.start, MOVED.end, 1)
        assert event_of(patch(once, FIELDS, now=LATER))["SEQUENCE"] == 2
        assert found["LAST-MODIFIED"].dt == LATER

    def test_a_text_alone_does_not_raise_sequence(self) -> None:
        found = event_of(patch(BODY, replace(FIELDS, title="New"), now=LATER))
        assert (found["SUMMARY"], found["SEQUENCE"]) == ("New", 0)

    @pytest.mark.parametrize("sequence", [b"", b"SEQUENCE:\r\n", b"SEQUENCE:many\r\n", b"SEQUENCE:-4\r\n"])
    def test_a_missing_or_broken_sequence_starts_again(self, sequence: bytes) -> None:
        body = BODY.replace(b"SEQUENCE:0\r\n", sequence)
        assert event_of(patch(body, MOVED, now=LATER))["SEQUENCE"] == 1

    def test_lf_and_cr_become_crlf_and_the_content_stays(self) -> None:
        expected = patch(touched(BODY), MOVED, now=LATER)
        assert patch(touched(BODY).replace(b"\r\n", b"\n"), MOVED, now=LATER) == expected
        assert patch(touched(BODY).replace(b"\r\n", b"\r"), MOVED, now=LATER) == expected

    def test_duplicate_stamps_become_one(self) -> None:
        body = BODY.replace(b"DTSTAMP:", b"DTSTAMP:20261102T000000Z\r\nDTSTAMP:")
        assert patch(body, MOVED, now=LATER).count(b"\r\nDTSTAMP:") == 1

    def test_a_duration_becomes_an_end(self) -> None:
        body = re.sub(rb"DTEND;[^\r]*", b"DURATION:PT1H", BODY)
        patched = patch(body, MOVED, now=LATER)
        assert b"DURATION" not in patched
        assert event_of(patched).end == MOVED.end
        renamed = patch(body, replace(FIELDS, title="New"), now=LATER)
        assert event_of(renamed).end == FIELDS.end
        assert event_of(renamed)["SEQUENCE"] == 0
        assert patch(body, FIELDS, now=LATER) is body

    def test_the_zone_the_user_chose_stays(self) -> None:
        tokyo = build(replace(FIELDS, zone="Asia/Tokyo"), uid="A", now=NOW)
        patched = patch(tokyo, MOVED, now=LATER)
        assert b"\r\nDTSTART;TZID=Asia/Tokyo:20261201T210000\r\n" in patched
        assert event_of(patched).start == MOVED.start

    def test_a_zone_without_its_vtimezone_becomes_utc(self) -> None:
        body = re.sub(rb"BEGIN:VTIMEZONE.*END:VTIMEZONE\r\n", b"", BODY, flags=re.DOTALL)
        assert b"\r\nDTSTART:20261201T120000Z\r\n" in patch(body, MOVED, now=LATER)

    def test_a_vtimezone_that_is_wrong_about_the_new_time_becomes_utc(self) -> None:
        body = re.sub(rb"RRULE:[^\r]*\r\n", b"", BODY)
        summer = replace(FIELDS, start=datetime(2027, 7, 1, 9, tzinfo=UTC), end=datetime(2027, 7, 1, 10, tzinfo=UTC))
        assert b"\r\nDTSTART:20270701T090000Z\r\n" in patch(body, summer, now=LATER)

    def test_a_repeated_hour_becomes_utc(self) -> None:
        twice = replace(
            FIELDS, start=datetime(2026, 10, 25, 1, 30, tzinfo=UTC), end=datetime(2026, 10, 25, 2, tzinfo=UTC)
        )
        patched = patch(BODY, twice, now=LATER)
        assert b"\r\nDTSTART:20261025T013000Z\r\n" in patched
        assert read(patched, zone=UTC_ZONE).start == twice.start

    def test_a_zone_of_its_own_that_needs_quotes(self) -> None:
        body = BODY.replace(b"TZID:Europe/London", b"TZID:My: zone").replace(b"TZID=Europe/London", b'TZID="My: zone"')
        patched = patch(body, MOVED, now=LATER)
        assert b'\r\nDTSTART;TZID="My: zone":20261201T120000\r\n' in patched
        assert read(patched, zone=UTC_ZONE).start == MOVED.start


class TestTexts:
    def test_a_new_place_takes_the_old_pin_along_and_a_new_title_does_not(self) -> None:
        assert b"STRUCTURED-LOCATION" in patch(touched(BODY), replace(FIELDS, title="New"), now=LATER)
        patched = patch(touched(BODY), replace(FIELDS, location="Room 2"), now=LATER)
        assert b"\r\nLOCATION:Room 2\r\n" in patched
        assert b"STRUCTURED-LOCATION" not in patched

    def test_no_place_takes_the_property_out_and_back(self) -> None:
        without = patch(BODY, replace(FIELDS, location=""), now=LATER)
        assert b"\r\nLOCATION" not in without
        assert b"\r\nLOCATION:Room 1\r\n" in patch(without, FIELDS, now=LATER)

    def test_lines_below_the_marker_that_are_not_ours_stay(self) -> None:
        body = BODY.replace(b"\\n+44 1234", b"\\n+44 1234\\nparking behind")
        assert patch(body, FIELDS, now=LATER) is body
        moved = patch(body, MOVED, now=LATER)
        assert "parking behind" in event_of(moved)["DESCRIPTION"]
        other = replace(FIELDS, details=("Grace", "grace@example.org"))
        patched = event_of(patch(body, other, now=LATER, previous_details=FIELDS.details))["DESCRIPTION"]
        assert patched == "Bring the plans\n--- LeadMagicX ---\nGrace\ngrace@example.org\nparking behind"

    def test_a_roster_is_replaced(self) -> None:
        one, two = replace(FIELDS, details=("Ada",)), replace(FIELDS, details=("Ada", "Grace"))
        body = build(one, uid="A", now=NOW)
        full = patch(body, two, now=LATER, previous_details=one.details)
        assert event_of(full)["DESCRIPTION"] == "Bring the plans\n--- LeadMagicX ---\nAda\nGrace"
        back = patch(full, one, now=LATER, previous_details=two.details)
        assert event_of(back)["DESCRIPTION"] == "Bring the plans\n--- LeadMagicX ---\nAda"

    def test_a_marker_that_was_taken_out_comes_back(self) -> None:
        body = re.sub(rb"DESCRIPTION:.*?\r\n(?! )", b"DESCRIPTION:mine now\r\n", BODY, flags=re.DOTALL)
        notes = read(body, zone=UTC_ZONE, details=FIELDS.details).notes
        patched = patch(body, replace(FIELDS, notes=notes), now=LATER, previous_details=FIELDS.details)
        assert event_of(patched)["DESCRIPTION"].startswith("mine now\n--- LeadMagicX ---\nAda")


class TestSeries:
    def test_overrides_and_the_rule_of_the_user_stay(self) -> None:
        rule = b"RRULE:FREQ=WEEKLY;COUNT=3\r\n"
        override = (
            b"BEGIN:VEVENT\r\nUID:A\r\nRECURRENCE-ID:20261208T090000Z\r\nDTSTART:20261208T100000Z\r\n"
            b"DTEND:20261208T110000Z\r\nSUMMARY:other\r\nEND:VEVENT\r\n"
        )
        first = BODY.replace(b"BEGIN:VEVENT\r\n", override + b"BEGIN:VEVENT\r\n" + rule, 1)
        patched = patch(first, replace(FIELDS, title="New"), now=LATER)
        assert override in patched
        assert rule in patched
        assert b"SUMMARY:New" in patched.partition(rule)[2]

    @pytest.mark.parametrize(("body", "reason"), [(b"", "not_a_calendar"), (BODY[:-40], "truncated")])
    def test_what_cannot_be_read_is_not_patched(self, body: bytes, reason: str) -> None:
        with pytest.raises(ItemUnreadable, match=reason):
            patch(body, MOVED, now=LATER)


names = st.from_regex(r"X-[A-Z0-9-]{1,20}", fullmatch=True)
values = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=200)
parameters = st.sampled_from(["", ";VALUE=TEXT", ';CN="a:b;c"', ";X=1;Y=2"])


@settings(max_examples=120, deadline=None)
@given(
    extra=st.lists(st.tuples(names, parameters, values), max_size=8),
    position=st.integers(0, 14),
    title=st.text(st.characters(), max_size=60),
    notes=st.text(st.characters(), max_size=60),
    hours=st.integers(-5000, 5000),
)
def test_whatever_the_user_added_survives_octet_for_octet(
    extra: list[tuple[str, str, str]], position: int, title: str, notes: str, hours: int
) -> None:
    added = [content_line(name + params, value).replace(b"\n", b"\r\n") for name, params, value in extra]
    first = lines(BODY)
    at = first.index(b"BEGIN:VEVENT") + 1 + min(position, 12)
    body = b"\r\n".join([*first[:at], *added, *first[at:]])
    shift = timedelta(hours=hours)
    fields: EventFields = replace(FIELDS, title=title, notes=notes, start=FIELDS.start + shift, end=FIELDS.end + shift)
    patched = patch(body, fields, now=LATER)
    assert [one for one in lines(patched) if not own(one)] == [one for one in lines(body) if not own(one)]
    shown = read(patched, zone=UTC_ZONE)
    assert (shown.start, shown.end) == (fields.start, fields.end)
    assert patch(patched, fields, now=LATER) is patched, "a second time there is nothing to do (W8)"


@given(text=st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=400))
def test_folding_never_cuts_a_character(text: str) -> None:
    parts = content_line("SUMMARY", text).split(b"\n ")
    assert all(len(part) <= (FOLD if index == 0 else FOLD - 1) for index, part in enumerate(parts))
    assert all(part.decode("utf-8") is not None for part in parts)
    assert b"".join(parts).decode() == f"SUMMARY:{text}"
