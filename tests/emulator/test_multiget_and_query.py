"""calendar-multiget, calendar-query and the reports iCloud refuses: emulator section 6."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from tests.emulator.raw import NAMESPACES, Raw, text
from tests.fake_icloud import FakeICloud
from tests.fake_icloud.account import Account
from tests.fake_icloud.state import Calendar

EVENTS = '<c:comp-filter name="VCALENDAR"><c:comp-filter name="VEVENT">{}</c:comp-filter></c:comp-filter>'
WINDOW = '<c:time-range start="20270104T000000Z" end="20270105T000000Z"/>'
_DECLARED = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in NAMESPACES.items())


@pytest.fixture
def calendar(ada: Account) -> Calendar:
    place = ada.calendar("Home")
    place.load([(f"{name}.ics", text(name, summary=name).encode()) for name in "abc"])
    return place


def data(raw: Raw, home: str, name: str) -> str:
    return raw.multiget(home, home + name).found(home + name, "c:calendar-data") or ""


# -- multiget --------------------------------------------------------------------------------------


def test_bodies_come_with_etags_in_cdata(raw: Raw, home: str, calendar: Calendar) -> None:
    answer = raw.multiget(home, home + "a.ics", home + "b.ics")
    assert answer.hrefs == [home + "a.ics", home + "b.ics"]
    assert answer.found(home + "a.ics", "d:getetag") == calendar.etag("a.ics")
    assert answer.found(home + "a.ics", "c:calendar-data") == text("a", summary="a").replace("\r\n", "\n")
    assert b"<![CDATA[BEGIN:VCALENDAR\r\n" in answer.body


def test_a_missing_member_is_a_404_of_its_own(raw: Raw, home: str, calendar: Calendar, ada: Account) -> None:
    elsewhere = ada.calendar("Work")
    elsewhere.put("b.ics", text("w").encode())
    answer = raw.multiget(home, home + "no.ics", home + "a.ics", elsewhere.href("b.ics"))
    assert answer.status_of(home + "no.ics") == "HTTP/1.1 404 Not Found"
    assert answer.status_of(elsewhere.href("b.ics")) == "HTTP/1.1 404 Not Found"
    assert answer.found(home + "a.ics", "c:calendar-data")


def test_the_collection_itself_has_no_data(raw: Raw, home: str, calendar: Calendar) -> None:
    answer = raw.multiget(home, home)
    assert answer.found(home, "d:getetag")
    assert answer.missing(home, "c:calendar-data")


def test_absolute_and_percent_encoded_hrefs_are_understood(raw: Raw, home: str, ada: Account) -> None:
    calendar = ada.calendar("Home")
    calendar.put("x@y.ics", text("x@y").encode())
    for href in (home + "x%40y.ics", home + "x@y.ics", calendar.account.base_url + home + "x%40y.ics"):
        assert raw.multiget(home, href).found(href, "c:calendar-data")


@pytest.mark.parametrize("omit", [True, False])
def test_multiget_lag(server: FakeICloud, raw: Raw, home: str, ada: Account, omit: bool) -> None:
    server.flags.multiget_lag, server.flags.multiget_omit = 10, omit
    event = ada.phone.create("Home", title="new", start=datetime(2027, 1, 4, tzinfo=UTC), name="new.ics")
    assert event.href in raw.sync(home).hrefs
    answer = raw.multiget(home, event.href)
    assert answer.hrefs == ([] if omit else [event.href])
    assert raw.ask("GET", event.href).status == 200
    server.clock.advance(11)
    assert raw.multiget(home, event.href).found(event.href, "c:calendar-data")


@pytest.mark.parametrize("status", [503, 403])
def test_one_member_may_fail_alone(server: FakeICloud, raw: Raw, home: str, calendar: Calendar, status: int) -> None:
    server.flags.multiget_member_status = status
    answer = raw.multiget(home, home + "a.ics", home + "b.ics")
    assert str(status) in (answer.status_of(home + "a.ics") or "")
    assert answer.found(home + "b.ics", "c:calendar-data")


def test_shares_may_answer_under_the_owners_href(server: FakeICloud, raw: Raw, ada: Account, ben: Account) -> None:
    server.flags.multiget_other_href = True
    ben.calendar("Work").put("w.ics", text("w").encode())
    shared = ben.share("Work", to=ada, access="ro")
    answer = raw.multiget(shared.path, shared.href("w.ics"))
    assert answer.hrefs == [ben.calendar("Work").href("w.ics")]
    assert answer.found(answer.hrefs[0], "c:calendar-data")


def test_too_many_at_once_may_be_refused(server: FakeICloud, raw: Raw, home: str, calendar: Calendar) -> None:
    server.flags.multiget_max = 1
    assert raw.multiget(home, home + "a.ics").status == 207
    assert raw.multiget(home, home + "a.ics", home + "b.ics").status == 507


def test_partial_data_is_empty_events(raw: Raw, home: str, calendar: Calendar) -> None:
    part = '<c:calendar-data><c:comp name="VCALENDAR"><c:comp name="VEVENT"/></c:comp></c:calendar-data>'
    body = raw.multiget(home, home + "a.ics", data=part).found(home + "a.ics", "c:calendar-data") or ""
    assert body.split() == ["BEGIN:VCALENDAR", "VERSION:2.0", "BEGIN:VEVENT", "END:VEVENT", "END:VCALENDAR"]


def test_stale_reads_after_our_update(server: FakeICloud, raw: Raw, home: str, calendar: Calendar) -> None:
    server.flags.stale_reads = 5
    old, token = calendar.etag("a.ics"), raw.sync(home).token or ""
    answer = raw.put(home + "a.ics", text("a", summary="new"), if_match=old)
    assert answer.status == 204
    assert answer.header("ETag") != old
    got = raw.ask("GET", home + "a.ics")
    assert (got.header("ETag"), b"SUMMARY:a\r\n" in got.body) == (old, True)
    assert raw.multiget(home, home + "a.ics").found(home + "a.ics", "d:getetag") == old
    assert raw.sync(home, token).found(home + "a.ics", "d:getetag") == old
    server.clock.advance(6)
    assert raw.ask("GET", home + "a.ics").header("ETag") == answer.header("ETag")
    assert raw.sync(home, token).found(home + "a.ics", "d:getetag") == answer.header("ETag")


# -- noise in bodies -------------------------------------------------------------------------------


def test_noise_changes_the_text_and_never_the_etag(server: FakeICloud, raw: Raw, home: str, ada: Account) -> None:
    from zoneinfo import ZoneInfo

    start = datetime(2027, 1, 4, 10, tzinfo=ZoneInfo("Europe/Berlin"))
    event = ada.phone.create("Home", title="zoned", start=start, name="z.ics")
    etag, plain = event.etag, data(raw, home, "z.ics")
    assert "BEGIN:VTIMEZONE" in plain
    server.flags.dup_dtstamp = True
    assert data(raw, home, "z.ics").count("DTSTAMP:") == 2
    server.flags.tzid_property = True
    assert "\nTZID:Europe/Berlin\n" in data(raw, home, "z.ics")
    server.flags.empty_url = True
    assert "\nURL;VALUE=URI:\n" in data(raw, home, "z.ics")
    server.flags.default_alarms = True
    noisy = data(raw, home, "z.ics")
    assert noisy.count("BEGIN:VALARM") == 2
    assert "TRIGGER;VALUE=DATE-TIME:19760401T005545Z" in noisy
    assert "ACTION:NONE" in noisy
    server.flags.strip_vtimezone = True
    assert "BEGIN:VTIMEZONE" not in data(raw, home, "z.ics")
    got = raw.ask("GET", home + "z.ics")
    assert got.header("ETag") == etag
    assert b"19760401T005545Z" in got.body
    assert event.etag == etag


# -- calendar-query --------------------------------------------------------------------------------


def test_a_query_lists_what_is_in_the_window(raw: Raw, home: str, calendar: Calendar) -> None:
    answer = raw.query(home, EVENTS.format(WINDOW))
    assert sorted(answer.hrefs) == [home + "a.ics", home + "b.ics", home + "c.ics"]
    later = '<c:time-range start="20270204T000000Z" end="20270205T000000Z"/>'
    assert raw.query(home, EVENTS.format(later)).hrefs == []
    assert len(raw.query(home, EVENTS.format("")).hrefs) == 3


@pytest.mark.parametrize(
    ("filters", "status"),
    [
        ('<c:comp-filter name="VCALENDAR"/>', 500),
        ('<c:comp-filter name="VEVENT"/>', 500),
        ("", 500),
        (EVENTS.format("").replace("VEVENT", "VTODO"), 500),
        (EVENTS.format('<c:time-range start="20270105T000000Z" end="20270104T000000Z"/>'), 500),
        (EVENTS.format('<c:time-range start="20270105T000000Z" end="20270105T000000Z"/>'), 500),
        (EVENTS.format('<c:time-range start="20270105T000000" end="20270106T000000Z"/>'), 400),
        (EVENTS.format('<c:time-range start="20270105" end="20270106"/>'), 400),
        (EVENTS.format('<c:prop-filter name="UID"><c:text-match>a</c:text-match></c:prop-filter>'), 412),
    ],
)
def test_queries_icloud_refuses(raw: Raw, home: str, calendar: Calendar, filters: str, status: int) -> None:
    answer = raw.query(home, filters)
    assert (answer.status, answer.body) == (status, b"")


def test_a_text_search_may_find_nothing_instead(server: FakeICloud, raw: Raw, home: str, calendar: Calendar) -> None:
    server.flags.textsearch = "empty207"
    answer = raw.query(home, EVENTS.format('<c:prop-filter name="UID"/>'))
    assert (answer.status, answer.hrefs) == (207, [])


def test_an_all_day_event_that_ends_at_the_start_is_included(raw: Raw, home: str, ada: Account) -> None:
    for name, day in (("touching", 3), ("before", 2)):
        ada.phone.create("Home", title=name, start=date(2027, 1, day), end=date(2027, 1, day + 1), name=f"{name}.ics")
    assert raw.query(home, EVENTS.format(WINDOW)).hrefs == [home + "touching.ics"]


SERIES = ("RRULE:FREQ=DAILY;COUNT=5",)


@pytest.mark.parametrize(("flag", "count"), [("works", 2), ("ignored", 1), ("empty", 0)])
def test_expand_is_not_to_be_trusted(
    server: FakeICloud, raw: Raw, home: str, ada: Account, flag: str, count: int
) -> None:
    server.flags.expand = flag  # type: ignore[assignment]
    ada.calendar("Home").put("s.ics", text("s", *SERIES).encode())
    window = '<c:time-range start="20270105T000000Z" end="20270107T000000Z"/>'
    expand = '<c:calendar-data><c:expand start="20270105T000000Z" end="20270107T000000Z"/></c:calendar-data>'
    answer = raw.query(home, EVENTS.format(window), data=expand)
    found = [answer.found(href, "c:calendar-data") or "" for href in answer.hrefs]
    assert sum(one.count("BEGIN:VEVENT") for one in found) == count


def test_bodies_from_a_range_depend_on_the_range(raw: Raw, home: str, ada: Account) -> None:
    ada.calendar("Home").put("s.ics", text("s", *SERIES).encode())
    body = raw.query(home, EVENTS.format(WINDOW)).found(home + "s.ics", "c:calendar-data") or ""
    assert "X-RECURRENCE-EXCEPTION:20270104T000000Z" in body
    assert "X-RECURRENCE-EXCEPTION" not in data(raw, home, "s.ics")


def test_partial_data_in_a_query_is_empty_events(raw: Raw, home: str, calendar: Calendar) -> None:
    part = '<c:calendar-data><c:comp name="VCALENDAR"/></c:calendar-data>'
    answer = raw.query(home, EVENTS.format(WINDOW), data=part)
    assert "SUMMARY" not in (answer.found(home + "a.ics", "c:calendar-data") or "")


def test_free_busy_and_principal_search_fail(raw: Raw, home: str) -> None:
    assert raw.ask("REPORT", home, f"<c:free-busy-query {_DECLARED}>{WINDOW}</c:free-busy-query>").status == 400
    assert raw.ask("REPORT", "/", f"<d:principal-property-search {_DECLARED}/>").status == 500
    assert raw.ask("REPORT", home, f"<d:expand-property {_DECLARED}/>").status == 403


# -- GET -------------------------------------------------------------------------------------------


def test_get(raw: Raw, home: str, calendar: Calendar) -> None:
    answer = raw.ask("GET", home + "a.ics")
    assert answer.status == 200
    assert answer.body == text("a", summary="a").encode()
    assert answer.header("ETag") == calendar.etag("a.ics")
    assert answer.header("Content-Type") == "text/calendar; charset=utf-8"
    assert answer.header("Schedule-Tag") is None
    assert raw.ask("GET", home + "no.ics").status == 404
    head = raw.ask("HEAD", home + "a.ics")
    assert (head.status, head.body, head.header("ETag")) == (200, b"", calendar.etag("a.ics"))
