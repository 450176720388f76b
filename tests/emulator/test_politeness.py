"""The invariants of emulator section 10: each is noticed when broken, and silent when kept."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from tests.emulator.raw import NAMESPACES, Raw, propfind_body, text
from tests.fake_icloud import FakeICloud, faults, politeness
from tests.fake_icloud.account import Account

_DECLARED = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in NAMESPACES.items())
EVENTS = '<c:comp-filter name="VCALENDAR"><c:comp-filter name="VEVENT">{}</c:comp-filter></c:comp-filter>'


def test_a_polite_client_breaks_nothing(server: FakeICloud, raw: Raw, ada: Account, home: str) -> None:
    ada.writes_expected = {"Home"}
    raw.propfind(ada.home_path, depth="1")
    token = raw.sync(home).token or ""
    etag = raw.create(home + "a.ics", text("a")).header("ETag") or ""
    etag = raw.put(home + "a.ics", text("a", summary="b"), if_match=etag).header("ETag") or ""
    raw.sync(home, token)
    raw.multiget(home, home + "a.ics")
    raw.ask("DELETE", home + "a.ics", headers={"If-Match": etag})
    server.assert_polite()
    assert server.max_parallel == 1


def without_agent(raw: Raw, home: str) -> None:
    raw.ask("PROPFIND", home, propfind_body("<d:displayname/>"), headers={"Depth": "0"}, without=("User-Agent",))


BREACHES: dict[str, tuple[int, Callable[[Raw, str], object]]] = {
    "no User-Agent": (1, without_agent),
    "no Depth": (1, lambda raw, home: raw.ask("PROPFIND", home, propfind_body("<d:displayname/>"))),
    "allprop": (
        1,
        lambda raw, home: raw.ask(
            "PROPFIND", home, "<propfind xmlns='DAV:'><allprop/></propfind>", headers={"Depth": "0"}
        ),
    ),
    "empty PROPFIND": (1, lambda raw, home: raw.ask("PROPFIND", home, headers={"Depth": "0"})),
    "If-Match star": (2, lambda raw, home: raw.put(home + "a.ics", text(), if_match="*")),
    "unconditional PUT": (2, lambda raw, home: raw.put(home + "a.ics", text())),
    "both conditions": (2, lambda raw, home: raw.put(home + "a.ics", text(), if_match='"a"', if_none_match="*")),
    "Depth on DELETE": (2, lambda raw, home: raw.ask("DELETE", home + "a.ics", headers={"Depth": "0"})),
    "prop-filter": (3, lambda raw, home: raw.query(home, EVENTS.format('<c:prop-filter name="UID"/>'))),
    "expand": (
        3,
        lambda raw, home: raw.query(home, EVENTS.format(""), data="<c:calendar-data><c:expand/></c:calendar-data>"),
    ),
    "DAV:limit": (3, lambda raw, home: raw.sync(home, extra="<d:limit><d:nresults>5</d:nresults></d:limit>")),
    "free-busy-query": (3, lambda raw, home: raw.ask("REPORT", home, f"<c:free-busy-query {_DECLARED}/>")),
    "partial data in multiget": (
        3,
        lambda raw, home: raw.multiget(home, data='<c:calendar-data><c:comp name="VCALENDAR"/></c:calendar-data>'),
    ),
    "partial data in query": (
        3,
        lambda raw, home: raw.query(
            home, EVENTS.format(""), data='<c:calendar-data><c:comp name="VCALENDAR"/></c:calendar-data>'
        ),
    ),
    "POST": (3, lambda raw, home: raw.ask("POST", home)),
    "PROPPATCH": (3, lambda raw, home: raw.ask("PROPPATCH", home)),
    "MKCALENDAR": (3, lambda raw, home: raw.ask("MKCALENDAR", home + "x/")),
    "DELETE of a calendar": (3, lambda raw, home: raw.ask("DELETE", home)),
    "MOVE of a calendar": (3, lambda raw, home: raw.ask("MOVE", home, headers={"Destination": "/x"})),
    "ORGANIZER": (4, lambda raw, home: raw.create(home + "a.ics", text("a", "ORGANIZER:mailto:a@x.example"))),
    "ATTENDEE": (4, lambda raw, home: raw.create(home + "a.ics", text("a", "ATTENDEE;RSVP=TRUE:mailto:a@x.example"))),
    "METHOD": (4, lambda raw, home: raw.create(home + "a.ics", text().replace("VERSION", "METHOD:PUBLISH\r\nVERSION"))),
    "no DTEND": (8, lambda raw, home: raw.create(home + "a.ics", text("a", dtend="DURATION:PT1H"))),
    "bare newlines": (8, lambda raw, home: raw.create(home + "a.ics", text("a").replace("\r\n", "\n"))),
    "long lines": (8, lambda raw, home: raw.create(home + "a.ics", text("a", "DESCRIPTION:" + "x" * 80))),
    "DTSTAMP not UTC": (8, lambda raw, home: raw.create(home + "a.ics", text("a").replace("000000Z", "000000"))),
    "TZID without VTIMEZONE": (
        8,
        lambda raw, home: raw.create(home + "a.ics", text("a", dtend="DTEND;TZID=Europe/Berlin:20270104T120000")),
    ),
}


@pytest.mark.parametrize("name", BREACHES)
def test_each_breach_is_noticed_under_its_number(server: FakeICloud, raw: Raw, home: str, name: str) -> None:
    rule, breach = BREACHES[name]
    breach(raw, home)
    assert {violation.rule for violation in server.violations} == {rule}
    with pytest.raises(AssertionError, match="Impolite"):
        server.assert_polite()
    server.assert_polite(ignore={rule})


def test_people_the_user_added_on_the_phone_may_be_kept(server: FakeICloud, raw: Raw, ada: Account, home: str) -> None:
    raw.create(home + "a.ics", text("a"))
    event = ada.phone.find("Fitting").add_invitee("guest@x.example")
    raw.put(home + "a.ics", event.body, if_match=event.etag)
    server.assert_polite()


def test_reusing_a_tombstone_and_a_second_name_for_one_uid(
    server: FakeICloud, raw: Raw, ada: Account, home: str
) -> None:
    raw.create(home + "a.ics", text("a"))
    ada.phone.find("Fitting").delete()
    raw.create(home + "a.ics", text("a"))
    raw.create(home + "b.ics", text("a"))
    assert [violation.rule for violation in server.violations] == [5, 5, 5]


def test_writes_outside_the_primary_calendar(server: FakeICloud, raw: Raw, ada: Account) -> None:
    ada.writes_expected = {"Home"}
    work = ada.calendar("Work").path
    raw.create(work + "a.ics", text("a"))
    raw.ask("DELETE", work + "a.ics")
    assert [violation.rule for violation in server.violations] == [6, 6]


def test_going_on_after_a_401(server: FakeICloud, raw: Raw, ada: Account, home: str) -> None:
    raw.password = "nope-nope-nope-nope"
    for _ in range(3):
        raw.propfind(home)
    server.assert_polite()
    raw.propfind(home)
    assert [violation.rule for violation in server.violations] == [6]


def test_a_success_clears_the_count(server: FakeICloud, raw: Raw, ada: Account, home: str) -> None:
    password = raw.password
    ada.revoke(password)
    for _ in range(3):
        raw.propfind(home)
    ada.new_password(text=password)
    raw.propfind(home)
    ada.revoke(password)
    for _ in range(3):
        raw.propfind(home)
    server.assert_polite()


def test_three_at_a_time_are_one_too_many(server: FakeICloud, ada: Account, home: str) -> None:
    entered = threading.Semaphore(0)
    action = faults.slow(5)
    action.tweak = lambda _request: entered.release()
    server.faults.add(action, times=None)
    for count in range(1, 4):
        threading.Thread(target=_hang, args=(server, ada, home), daemon=True).start()
        assert entered.acquire(timeout=5)
        assert server.max_parallel == count
        assert bool(server.violations) == (count > 2)


def _hang(server: FakeICloud, ada: Account, home: str) -> None:
    with Raw(server, ada) as client:
        try:
            client.propfind(home)
        except OSError:
            return


def test_what_a_strict_reader_says_about_a_text() -> None:
    assert politeness.faults_of(text().encode()) == ()
    assert politeness.faults_of(b"rubbish")[0].startswith("unreadable")
