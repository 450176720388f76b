"""Whatever comes in is an event or one unreadable event, for a reason somebody foresaw (P14, F36)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hypothesis import given, note, settings
from hypothesis import strategies as st

from icloud_sync.errors import ItemUnreadable
from icloud_sync.ical.event import ScannedEvent
from icloud_sync.ical.expand import expand
from icloud_sync.ical.fingerprint import fingerprint
from icloud_sync.ical.ours import EventFields, patch, read
from icloud_sync.ical.scan import scan
from tests import night

BERLIN = ZoneInfo("Europe/Berlin")
WINDOW = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
FIELDS = EventFields("t", WINDOW[0], WINDOW[1], "l", "n", ("d",), "Europe/Berlin")

thoroughly = settings(max_examples=2_000 if night.NIGHTLY else 150, deadline=None)

moments = st.sampled_from(
    [
        "20260601T090000Z",
        "20260601T090000",
        "20260601",
        "00010101T000000Z",
        "99991231T235959Z",
        "99991231",
        "20260329T023000",
        "20261025T023000",
        "19000101T000000",
        "22000101T000000Z",
        "20260230",
        "x",
        "",
        "20260601T090000Z/PT1H",
        "20260601/P1D",
    ]
)
zones = st.sampled_from(
    ["", ";TZID=Europe/Berlin", ";TZID=Own", ";TZID=Tokyo Standard Time", ";TZID=???", ";VALUE=DATE", ';TZID="a:b"']
)
dated = st.builds(
    "{}{}{}:{}".format,
    st.sampled_from(["DTSTART", "DTEND", "RECURRENCE-ID", "RDATE", "EXDATE"]),
    st.sampled_from(["", ";RANGE=THISANDFUTURE"]),
    zones,
    st.lists(moments, min_size=1, max_size=3).map(",".join),
)
lengths = st.sampled_from(["P1D", "PT1H", "-PT1H", "P999999W", "P1W2D", "PT", "PT0S", "P100000D", "x"])
parts = st.sampled_from(
    [
        "FREQ=DAILY",
        "FREQ=WEEKLY",
        "FREQ=MONTHLY",
        "FREQ=YEARLY",
        "FREQ=HOURLY",
        "COUNT=3",
        "COUNT=99999",
        "INTERVAL=2",
        "INTERVAL=99999",
        "UNTIL=20270101",
        "UNTIL=00010101T000000Z",
        "UNTIL=99991231T235959",
        "BYDAY=MO,-1FR",
        "BYDAY=TU",
        "BYMONTH=2",
        "BYMONTHDAY=30",
        "BYMONTHDAY=-31",
        "BYYEARDAY=-366",
        "BYWEEKNO=53",
        "BYWEEKNO=-1",
        "BYHOUR=0,23",
        "BYSETPOS=-1,2",
        "WKST=SU",
        "BYMINUTE=59",
        "BYSECOND=60",
    ]
)
rules = st.lists(parts, min_size=1, max_size=5).map(lambda found: "RRULE:" + ";".join(found))
others = st.sampled_from(
    [
        "UID:a",
        "UID:",
        "SUMMARY:x",
        "TRANSP:TRANSPARENT",
        "STATUS:CANCELLED",
        "CLASS:PRIVATE",
        "BEGIN:VALARM",
        "END:VALARM",
        "BEGIN:VEVENT",
        "END:VEVENT",
        "END:VCALENDAR",
        "ATTENDEE;PARTSTAT=DECLINED:mailto:me@x",
        "SEQUENCE:x",
        "DESCRIPTION",
        "X-APPLE-TRAVEL-DURATION:P9W",
        "DESCRIPTION:a\\n--- LeadMagicX ---\\nd",
        " folded",
        "\tfolded",
        "",
        ":",
        ";",
    ]
)
observance = st.builds(
    "BEGIN:STANDARD\nDTSTART:{}\nTZOFFSETFROM:{}\nTZOFFSETTO:{}\n{}\nEND:STANDARD".format,
    st.sampled_from(["19700101T000000", "00010101T000000", "99991231T000000", "20260101T000000", "x"]),
    st.sampled_from(["+0100", "-2359", "+0000", "x"]),
    st.sampled_from(["+0200", "+2359", "-0330"]),
    st.one_of(rules, st.just("RDATE:20200101T000000"), st.just("")),
)
vtimezone = st.lists(observance, max_size=3).map(
    lambda found: "\n".join(["BEGIN:VTIMEZONE", "TZID:Own", *found, "END:VTIMEZONE"])
)
lines = st.lists(st.one_of(dated, lengths.map("DURATION:{}".format), rules, others), max_size=7)
vevents = st.builds("BEGIN:VEVENT\nUID:a\nDTSTART{}:{}\n{}\nEND:VEVENT".format, zones, moments, lines.map("\n".join))
bodies = st.builds(
    lambda zone, events: "\n".join(["BEGIN:VCALENDAR", zone, *events, "END:VCALENDAR", ""]).encode(),
    st.one_of(st.just(""), vtimezone),
    st.lists(vevents, min_size=1, max_size=3),
)


def foreseen(error: ItemUnreadable) -> None:
    assert error.reason != "unexpected"


@thoroughly
@given(body=bodies)
def test_no_combination_surprises_the_reader(body: bytes) -> None:
    try:
        event = scan(body)
        again = ScannedEvent.from_json(json.loads(json.dumps(event.to_json())))
        assert again == event
        assert fingerprint(again) == fingerprint(event)
        found = expand(event, zone=BERLIN, window=WINDOW, own_addresses=frozenset({"me@x"}))
    except ItemUnreadable as error:
        foreseen(error)
    else:
        assert all(one.start <= one.end for one in found)
        assert all(one.busy_start < WINDOW[1] and one.busy_end >= WINDOW[0] for one in found)


@thoroughly
@given(body=bodies)
def test_no_combination_surprises_an_update(body: bytes) -> None:
    try:
        read(body, zone=BERLIN)
        patched = patch(body, FIELDS, now=WINDOW[0])
        shown = read(patched, zone=BERLIN)
    except ItemUnreadable as error:
        foreseen(error)
    else:
        note(body.decode() + "-----" + patched.decode())
        assert (shown.title, shown.location, shown.notes) == ("t", "l", "n")
        assert (shown.start, shown.end) == (FIELDS.start, FIELDS.end)
        assert patch(patched, FIELDS, now=WINDOW[0]) is patched


@thoroughly
@given(body=st.binary(max_size=300))
def test_no_octets_surprise_the_reader(body: bytes) -> None:
    for wrapped in (body, b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:a\r\n" + body + b"\r\nEND:VEVENT\r\nEND:VCALENDAR"):
        try:
            scan(wrapped)
        except ItemUnreadable as error:
            foreseen(error)
