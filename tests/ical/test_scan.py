"""What is kept of an event, and what is not (P15, S24, S37)."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from icloud_sync.errors import ItemUnreadable
from icloud_sync.ical.event import ScannedEvent
from icloud_sync.ical.scan import scan
from tests.ical.corpus.case import NINE, OWN_ZONE, event, plain, series, zoned
from tests.ical.generated import Maker


def test_the_cap_counts_octets_and_is_exact() -> None:
    body = plain("SUMMARY:x")
    assert scan(body, max_bytes=len(body)).title == "x"
    with pytest.raises(ItemUnreadable, match="too_large"):
        scan(body, max_bytes=len(body) - 1)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Lunch", "Lunch"),
        ("Lunch\\, then\\; tea", "Lunch, then; tea"),
        ("two\\nlines\\Nof it", "two lines of it"),
        ("back\\\\slash", "back\\slash"),
        ("  blanks \t around  ", "blanks around"),
        ("esc\x1bape\x07", "escape"),
        ("c1\u009bcontrol", "c1control"),
        ("next\u0085line\u2028sep", "next line sep"),
        ("ends in \\", "ends in \\"),
        ("x" * 5000, "x" * 500),
    ],
)
def test_a_title_is_one_line_of_plain_text(written: str, shown: str) -> None:
    assert scan(plain(f"SUMMARY:{written}")).title == shown


def test_a_folded_title_is_joined_by_octets() -> None:
    body = plain("SUMMARY:Zürich").replace("ü".encode(), b"\xc3\r\n \xbc")
    assert scan(body).title == "Zürich"


@pytest.mark.parametrize("word", ["PRIVATE", "CONFIDENTIAL", "private"])
def test_of_a_private_event_only_the_times_are_kept(word: str) -> None:
    found = scan(plain(f"SUMMARY:Secret\nLOCATION:Clinic\nCLASS:{word}"))
    assert found.components[0].private
    assert "Secret" not in repr(found)
    assert "Clinic" not in json.dumps(found.to_json())


def test_notes_guests_and_other_properties_are_never_kept() -> None:
    found = scan(
        plain("DESCRIPTION:diary\nATTENDEE;PARTSTAT=ACCEPTED:mailto:guest@example.org\nX-SECRET:x\nURL:http://x")
    )
    text = repr(found)
    assert not any(word in text for word in ("diary", "guest", "secret", "http"))


def test_guests_are_kept_when_an_answer_may_open_time() -> None:
    found = scan(
        plain(
            "ATTENDEE;PARTSTAT=DECLINED;EMAIL=Me@Example.org:/12/principal/\nATTENDEE;PARTSTAT=ACCEPTED:mailto:b@example.org"
        )
    )
    assert [tuple(one) for one in found.components[0].attendees] == [
        (("/12/principal", "me@example.org"), "DECLINED"),
        (("b@example.org",), "ACCEPTED"),
    ]


def test_what_an_event_says_about_itself() -> None:
    component = scan(
        event(
            "DTSTART;TZID=Europe/Berlin:20261109T090000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=3\nTRANSP:TRANSPARENT\n"
            "STATUS:TENTATIVE\nSUMMARY:a\nLOCATION:b\nX-APPLE-NEEDS-REPLY:TRUE\n"
            "X-APPLE-TRAVEL-DURATION;VALUE=DURATION:PT20M\nEXDATE;TZID=Europe/Berlin:20261110T090000"
        )
    ).components[0]
    assert (component.tzid, component.all_day, component.floating) == ("Europe/Berlin", False, False)
    assert (component.transp, component.status, component.summary, component.location) == (
        "TRANSPARENT",
        "TENTATIVE",
        "a",
        "b",
    )
    assert component.recurring
    assert component.needs_reply
    assert component.travel_before == timedelta(minutes=20)
    assert [moment.text() for moment in component.exdates] == ["20261110T090000"]


def test_a_zone_is_kept_only_when_the_tz_database_does_not_know_it() -> None:
    assert scan(Maker(3).body()).zones == ()
    own = zoned("Amt", before=OWN_ZONE)
    assert [tzid for tzid, _ in scan(own).zones] == ["Amt"]


@pytest.mark.parametrize("seed", range(0, 600, 7))
def test_an_essence_comes_back_as_it_was_and_is_small(seed: int) -> None:
    body = Maker(seed).body()
    found = scan(body)
    text = json.dumps(found.to_json())
    assert ScannedEvent.from_json(json.loads(text)) == found
    assert len(text) < len(body)


def test_the_master_comes_first_whatever_the_order() -> None:
    override = "RECURRENCE-ID:20261116T090000Z\n" + NINE
    body = series("SUMMARY:master", override).decode()
    head, first, second = body.split("BEGIN:VEVENT")
    end = "END:VCALENDAR\r\n"
    turned = f"{head}BEGIN:VEVENT{second.removesuffix(end)}BEGIN:VEVENT{first}{end}"
    assert scan(turned.encode()) == scan(body.encode())
    assert scan(turned.encode()).title == "master"


def test_midnights_that_are_called_dates_are_dates() -> None:
    found = scan(event("DTSTART;VALUE=DATE:20261109T000000\nDTEND;VALUE=DATE:20261110T000000"))
    assert found.components[0].all_day
    assert not scan(event("DTSTART;VALUE=DATE:20261109T090000\nDURATION:PT1H")).components[0].all_day
