"""A re-stamped event is the same event; an edited one is not (fact 7.16, rule W8, F32)."""

from __future__ import annotations

import random
import re

import pytest

from icloud_sync.ical.fingerprint import fingerprint
from icloud_sync.ical.scan import scan
from tests.ical.corpus.case import OWN_ZONE, calendar, event, plain, rule, series, vevent
from tests.ical.generated import Maker


def of(body: bytes) -> str:
    return fingerprint(scan(body))


def shuffled(body: bytes, rng: random.Random) -> bytes:
    """Order the properties of every VEVENT anew."""

    def turn(found: re.Match[str]) -> str:
        lines = found[1].split("\r\n")
        rng.shuffle(lines)
        return "BEGIN:VEVENT\r\n" + "\r\n".join(lines) + "\r\nEND:VEVENT"

    return re.sub(r"BEGIN:VEVENT\r\n(.*?)\r\nEND:VEVENT", turn, body.decode(), flags=re.DOTALL).encode()


@pytest.mark.parametrize("seed", range(40))
def test_noise_does_not_count(seed: int) -> None:
    body = Maker(seed).body()
    expected = of(body)
    noise = (
        b"SEQUENCE:7\r\nLAST-MODIFIED:20261102T000000Z\r\nCREATED:20261102T000000Z\r\nDTSTAMP:20261103T000000Z\r\n"
        b"X-APPLE-CREATOR-IDENTITY:com.apple.mobilecal\r\nX-FOO;BAR=1:2\r\nURL;VALUE=URI:\r\nTZID:Europe/Berlin\r\n"
        b"DESCRIPTION:new notes\r\nBEGIN:VALARM\r\n"
        b"ACTION:NONE\r\nTRIGGER;VALUE=DATE-TIME:19760401T005545Z\r\nEND:VALARM\r\n"
    )
    assert of(body.replace(b"END:VEVENT", noise + b"END:VEVENT")) == expected
    assert of(shuffled(body, random.Random(seed))) == expected
    assert of(body.replace(b"\r\n", b"\n")) == expected
    assert of(body.replace(b"TZNAME:", b"TZNAME:x")) == expected
    assert of(re.sub(rb"BEGIN:VTIMEZONE.*END:VTIMEZONE\r\n", b"", body, flags=re.DOTALL)) == expected
    assert of(body.replace(b"TZID=", b"TZID=/example.org/20260101/")) == expected


SAME = [
    (plain(""), plain("TRANSP:OPAQUE\nSTATUS:CONFIRMED\nCLASS:PUBLIC")),
    (event("DTSTART:20261109T090000Z\nDURATION:PT1H"), plain("")),
    (event("DTSTART;VALUE=DATE:20261109"), event("DTSTART;VALUE=DATE:20261109\nDTEND;VALUE=DATE:20261110")),
    (rule("FREQ=DAILY;COUNT=3"), rule("COUNT=3;INTERVAL=1;WKST=MO;FREQ=DAILY")),
    (plain("ATTENDEE;PARTSTAT=ACCEPTED:mailto:a@example.org"), plain("")),
]
ZONE = OWN_ZONE.replace("Amt", "Heim")
DIFFERENT = [
    ("start", event("DTSTART:20261109T091500Z\nDTEND:20261109T100000Z")),
    ("end", event("DTSTART:20261109T090000Z\nDTEND:20261109T101500Z")),
    ("kind", event("DTSTART:20261109T090000\nDTEND:20261109T100000")),
    ("zone", event("DTSTART;TZID=Europe/Berlin:20261109T090000\nDTEND;TZID=Europe/Berlin:20261109T100000")),
    ("free", plain("TRANSP:TRANSPARENT")),
    ("cancelled", plain("STATUS:CANCELLED")),
    ("title", plain("SUMMARY:other")),
    ("place", plain("LOCATION:there")),
    ("private", plain("CLASS:PRIVATE")),
    ("rule", rule("FREQ=DAILY;COUNT=3")),
    ("rule's count", rule("FREQ=DAILY;COUNT=4")),
    ("exclusion", rule("FREQ=DAILY;COUNT=4", extra="EXDATE:20261110T090000Z")),
    ("extra date", plain("RDATE:20261112T090000Z")),
    ("extra period", plain("RDATE;VALUE=PERIOD:20261112T090000Z/PT2H")),
    ("answer", plain("ATTENDEE;PARTSTAT=DECLINED:mailto:me@example.org")),
    ("travel", plain("X-APPLE-TRAVEL-DURATION:PT15M")),
    ("way back", plain("X-APPLE-TRAVEL-RETURN-DURATION:PT15M")),
    ("override", series("", "RECURRENCE-ID:20261116T090000Z\nDTSTART:20261117T090000Z\nDURATION:PT1H")),
    ("longer override", series("", "RECURRENCE-ID:20261116T090000Z\nDTSTART:20261117T090000Z\nDURATION:PT2H")),
    (
        "onwards",
        series("", "RECURRENCE-ID;RANGE=THISANDFUTURE:20261116T090000Z\nDTSTART:20261117T090000Z\nDURATION:PT1H"),
    ),
    ("other UID", calendar(vevent("DTSTART:20261109T090000Z\nDTEND:20261109T100000Z", uid="other"))),
    ("own zone", calendar(ZONE + vevent("DTSTART;TZID=Heim:20261109T090000\nDURATION:PT1H"))),
    (
        "own zone, other offset",
        calendar(ZONE.replace("+0100", "+0130") + vevent("DTSTART;TZID=Heim:20261109T090000\nDURATION:PT1H")),
    ),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same_in_other_words_is_the_same(one: bytes, other: bytes) -> None:
    assert of(one) == of(other)


def test_every_edit_that_matters_counts() -> None:
    prints = {name: of(body) for name, body in [("plain", plain("")), *DIFFERENT]}
    assert len(set(prints.values())) == len(prints)
