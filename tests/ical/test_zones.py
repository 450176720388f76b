"""From TZIDs, which are hostile input, to zones (P11, S43, facts 7.6 and 7.7)."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest

from icloud_sync.ical.occurrence import to_utc
from icloud_sync.ical.vtimezone import CustomZone, Observance, parse_offset, parse_vtimezone
from icloud_sync.ical.windows_zones import WINDOWS_ZONES
from icloud_sync.ical.write_zone import vtimezone_lines
from icloud_sync.ical.zones import known_name, zone_of

USER = ZoneInfo("Asia/Tokyo")


def resolved(tzid: str, embedded: dict[str, tuple[Observance, ...]] | None = None) -> tuple[str, list[str]]:
    warnings: list[str] = []
    zone = zone_of(tzid, embedded=embedded or {}, user_zone=USER, warnings=warnings)
    return (zone.key if isinstance(zone, ZoneInfo) else "VTIMEZONE"), warnings


@pytest.mark.parametrize(
    ("tzid", "name"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        ("europe/BERLIN", "Europe/Berlin"),
        (" Europe/Berlin ", "Europe/Berlin"),
        ("America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        ("/mozilla.org/20050126_1/Europe/Berlin", "Europe/Berlin"),
        ("/freeassociation.sourceforge.net/America/Argentina/Salta", "America/Argentina/Salta"),
        ("/freeassociation.sourceforge.net/Tzfile/Europe/Berlin", "Europe/Berlin"),
        ("/example.org/UTC", "UTC"),
        ("W. Europe Standard Time", "Europe/Berlin"),
        ("w. europe standard time", "Europe/Berlin"),
        ("UTC", "UTC"),
        ("Etc/GMT+5", "Etc/GMT+5"),
        ("", "Asia/Tokyo"),
    ],
)
def test_known_names_in_their_disguises(tzid: str, name: str) -> None:
    assert resolved(tzid) == (name, [])


HOSTILE = [
    "../../../etc/passwd",
    "/etc/passwd",
    "/etc/localtime",
    "localtime",
    "Factory",
    "posixrules",
    "posix/Europe/Berlin/x",
    "Europe/Berlin\x00",
    "Europe\\Berlin",
    "Europe/../Europe/Nowhere",
    "C:\\Windows",
    "Foo/UTC",
    "tzdata.zoneinfo",
    "Ünïcode/Zone",
    "." * 250,
    "A" * 100_000,
]


@pytest.mark.parametrize("tzid", HOSTILE, ids=range(len(HOSTILE)))
def test_anything_else_is_the_zone_of_the_user_with_a_warning(tzid: str) -> None:
    name, warnings = resolved(tzid)
    assert name == "Asia/Tokyo"
    assert len(warnings) == 1
    assert warnings[0].startswith("unknown_timezone: ")
    assert warnings[0].isprintable()
    assert len(warnings[0]) < 90


def test_no_file_is_opened_for_a_name_that_is_not_in_the_database() -> None:
    known_name("Europe/Berlin")
    opened: list[Any] = []
    watching = True

    def watch(name: str, arguments: tuple[Any, ...]) -> None:
        if watching and name in ("open", "os.listdir", "os.scandir"):
            opened.append(arguments)

    sys.addaudithook(watch)
    for tzid in HOSTILE:
        resolved(tzid + "/unseen")
    watching = False
    assert opened == []


def test_every_windows_name_has_a_zone_that_exists() -> None:
    assert len(WINDOWS_ZONES) >= 140
    assert set(WINDOWS_ZONES.values()) <= available_timezones()


def test_a_name_of_the_database_comes_before_an_embedded_zone_and_that_before_a_windows_name() -> None:
    noon = (Observance(datetime(1970, 1, 1), 43_200, 43_200, "", ()),)
    assert resolved("Europe/Berlin", {"Europe/Berlin": noon})[0] == "Europe/Berlin"
    assert resolved("Romance Standard Time", {"Romance Standard Time": noon})[0] == "VTIMEZONE"
    assert resolved("Romance Standard Time", {"Romance Standard Time": ()})[0] == "Europe/Paris"


ZONES = [
    "Europe/Berlin", "Europe/London", "Europe/Dublin", "America/New_York", "America/Los_Angeles", "America/St_Johns",
    "America/Santiago", "America/Havana", "Asia/Tokyo", "Asia/Kolkata", "Asia/Kathmandu", "Asia/Gaza", "Asia/Beirut",
    "Asia/Jerusalem", "Africa/Casablanca", "Africa/Cairo", "Australia/Lord_Howe", "Australia/Sydney",
    "Pacific/Chatham", "Pacific/Apia", "Pacific/Kiritimati", "Antarctica/Troll", "America/Nuuk",
]  # fmt: skip


def read_back(name: str, year: int) -> CustomZone:
    tzid, observances = parse_vtimezone(line.decode() for line in vtimezone_lines(name, year=year))
    assert tzid == name
    return CustomZone(observances)


@pytest.mark.parametrize("name", ZONES)
@pytest.mark.parametrize("year", [2024, 2027])
def test_a_vtimezone_we_write_says_what_the_database_says(name: str, year: int) -> None:
    zone, written = ZoneInfo(name), read_back(name, year)
    moment = datetime(year, 1, 1, tzinfo=UTC) - timedelta(days=60)
    while moment.year <= year + 2:
        assert moment.astimezone(written).replace(tzinfo=None) == moment.astimezone(zone).replace(tzinfo=None)
        local = moment.replace(tzinfo=None)
        assert to_utc(local, written) == to_utc(local, zone), local
        moment += timedelta(hours=31, minutes=30)


@pytest.mark.parametrize("name", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago"])
def test_skipped_and_repeated_hours_are_read_alike(name: str) -> None:
    zone, written = ZoneInfo(name), read_back(name, 2026)
    local = datetime(2026, 1, 1)
    while local.year == 2026:
        assert to_utc(local, written) == to_utc(local, zone), local
        local += timedelta(minutes=30) if local.weekday() in (5, 6) else timedelta(hours=6)


@pytest.mark.parametrize("name", sorted(available_timezones() - {"localtime", "Factory"})[::25])
def test_every_zone_can_be_written(name: str) -> None:
    lines = vtimezone_lines(name, year=2026)
    assert max(map(len, lines)) <= 75
    moment = datetime(2026, 7, 1, 12, tzinfo=UTC)
    assert moment.astimezone(read_back(name, 2026)).utcoffset() == moment.astimezone(ZoneInfo(name)).utcoffset()


def vtimezone(*observances: str) -> CustomZone:
    lines = ["TZID:Own"]
    for observance in observances:
        lines += ["BEGIN:STANDARD", *observance.split("\n"), "END:STANDARD"]
    _, found = parse_vtimezone(lines)
    return CustomZone(found)


def test_a_rule_that_has_ended_leaves_its_last_offset() -> None:
    zone = vtimezone(
        "DTSTART:19700329T020000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU;UNTIL=20100328T010000Z",
        "DTSTART:19701025T030000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU;UNTIL=20091025T010000Z",
    )
    assert datetime(2026, 1, 1, tzinfo=zone).utcoffset() == timedelta(hours=2)
    assert datetime(2009, 7, 1, tzinfo=zone).utcoffset() == timedelta(hours=2)
    assert datetime(2009, 12, 1, tzinfo=zone).utcoffset() == timedelta(hours=1)
    assert datetime(1950, 7, 1, tzinfo=zone).utcoffset() == timedelta(hours=1), (
        "before all of them: where the first came from"
    )


def test_changes_by_date_and_the_year_1601_of_windows() -> None:
    dated = vtimezone(
        "DTSTART:20200101T000000\nTZOFFSETFROM:+0000\nTZOFFSETTO:+0300\nRDATE:20250101T000000,20260101T000000"
    )
    assert datetime(2019, 1, 1, tzinfo=dated).utcoffset() == timedelta(0)
    assert datetime(2026, 6, 1, tzinfo=dated).utcoffset() == timedelta(hours=3)
    windows = vtimezone(
        "DTSTART:16010101T020000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3",
        "DTSTART:16010101T030000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10",
    )
    assert datetime(2026, 7, 1, tzinfo=windows).utcoffset() == timedelta(hours=2)
    assert datetime(2026, 12, 1, tzinfo=windows).utcoffset() == timedelta(hours=1)


@pytest.mark.parametrize(
    "broken",
    [
        "TZOFFSETFROM:+0100\nTZOFFSETTO:+0200",
        "DTSTART:19700101T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:east",
        "DTSTART:soon\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200",
        "DTSTART:19700101T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nRRULE:FREQ=DAILY",
        "DTSTART:19700101T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nRRULE:FREQ=SECONDLY",
        "DTSTART:19700101T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nRRULE:FREQ=YEARLY;BYDAY=SU",
        "DTSTART:19700101T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nRDATE:" + ",".join(["19700101T000000"] * 2000),
    ],
)
def test_a_broken_vtimezone_observes_nothing(broken: str) -> None:
    _, observances = parse_vtimezone(["TZID:Own", "BEGIN:STANDARD", *broken.split("\n"), "END:STANDARD"])
    assert observances == ()


@pytest.mark.parametrize("text", ["", "+", "0100", "+1", "+2400", "+0160", "+01:00", "+010060", "++100", "+١٢٠٠"])
def test_a_bad_offset_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="offset"):
        parse_offset(text)
