"""The corpus of event texts, and the shape of answers against samples written by hand from the recorded ones."""

from __future__ import annotations

import re
import warnings
from datetime import UTC, datetime

import icalendar
import pytest
from lxml import etree

from tests.emulator.raw import PROPS, Raw, text
from tests.fake_icloud import FakeICloud, corpus, faults, ics
from tests.fake_icloud.account import Account

YEAR = (datetime(2027, 1, 1, tzinfo=UTC), datetime(2027, 12, 31, tzinfo=UTC))


@pytest.mark.parametrize("name", [name for name in corpus.NAMES if name not in corpus.UNUSABLE])
def test_usable_texts_are_read_by_icalendar_and_show_on_the_phone(ada: Account, name: str) -> None:
    body = corpus.body(name)
    assert body.count(b"\n") == body.count(b"\r\n")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # icalendar says that it guesses a vendor's zone
        icalendar.Calendar.from_ical(body)
    ada.calendar("Home").put("x.ics", body)
    event = ada.phone.by_uid(f"corpus-{name}")
    assert event is not None
    assert [one.uid for one in ada.phone.events()] == [event.uid]


@pytest.mark.parametrize("name", sorted(corpus.UNUSABLE))
def test_unusable_texts_are_not_on_the_phone(ada: Account, name: str) -> None:
    ada.calendar("Home").put("x.ics", corpus.body(name))
    assert ada.phone.events() == []


def test_the_moved_and_deleted_series_takes_place_as_noted(ada: Account) -> None:
    event = ada.phone.add_raw("Home", "x.ics", corpus.body("moved-and-deleted"))
    days = [start.strftime("%m-%d %H") for start, _ in event.occurrences(*YEAR)]
    assert days == ["01-04 11", "01-19 15", "01-25 11", "02-01 11", "02-08 11"]


def test_a_character_folded_in_two_is_read() -> None:
    body = corpus.body("structured-location")
    assert any(line.endswith(b"\xc3") for line in body.split(b"\r\n")), "half of an ö"
    event = ics.parse(body).named("VEVENT")[0]
    assert event.get("X-APPLE-STRUCTURED-LOCATION") is not None
    assert (event.get("X-APPLE-STRUCTURED-LOCATION") or event.lines[0]).param("X-TITLE") == "Café: Größenwahn"


def test_texts_take_another_uid_and_unknown_names_are_errors() -> None:
    assert ics.uid_of(corpus.body("floating", uid="mine")) == "mine"
    with pytest.raises(KeyError):
        corpus.body("../profiles")


def test_a_bad_member_from_the_corpus(server: FakeICloud, raw: Raw, ada: Account, home: str) -> None:
    ada.calendar("Home").load([("a.ics", text("a").encode()), ("b.ics", text("b").encode())])
    server.faults.add(faults.bad_member(corpus.body("no-dtstart")), report="calendar-multiget")
    answer = raw.multiget(home, home + "a.ics", home + "b.ics")
    assert "corpus-no-dtstart" in (answer.found(home + "a.ics", "c:calendar-data") or "")


# -- shapes ----------------------------------------------------------------------------------------

INBOX = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<multistatus xmlns='DAV:'>

  <response xmlns='DAV:'>
    <href>/1/calendars/inbox/</href>
    <propstat>
      <prop>
        <resourcetype xmlns='DAV:'><collection/><schedule-inbox xmlns='urn:ietf:params:xml:ns:caldav'/></resourcetype>
        <owner xmlns='DAV:'><href>/1/principal/</href></owner>
        <supported-calendar-component-set xmlns='urn:ietf:params:xml:ns:caldav'>
          <comp name='VEVENT'/>
        </supported-calendar-component-set>
        <current-user-privilege-set xmlns='DAV:'>
          <privilege><read/></privilege>
          <privilege><read-free-busy xmlns='urn:ietf:params:xml:ns:caldav'/></privilege>
          <privilege><read-current-user-privilege-set/></privilege>
          <privilege><write/></privilege>
          <privilege><write-properties/></privilege>
          <privilege><write-content/></privilege>
          <privilege><bind/></privilege>
          <privilege><unbind/></privilege>
          <privilege><schedule-deliver xmlns='urn:ietf:params:xml:ns:caldav'/></privilege>
        </current-user-privilege-set>
        <getctag xmlns='http://calendarserver.org/ns/'>HwoQEgw</getctag>
      </prop>
      <status>HTTP/1.1 200 OK</status>
    </propstat>
    <propstat>
      <prop>
        <displayname xmlns='DAV:'/><sync-token xmlns='DAV:'/>
        <source xmlns='http://calendarserver.org/ns/'/>
        <calendar-color xmlns='http://apple.com/ns/ical/'/><calendar-order xmlns='http://apple.com/ns/ical/'/>
      </prop>
      <status>HTTP/1.1 404 Not Found</status>
    </propstat>
  </response>
</multistatus>"""

DELTA = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<multistatus xmlns='DAV:'>

  <response xmlns='DAV:'>
    <href>/1/calendars/home/</href>
    <propstat><prop><getetag xmlns='DAV:'>"x"</getetag></prop><status>HTTP/1.1 200 OK</status></propstat>
  </response>
  <response xmlns='DAV:'>
    <href>/1/calendars/home/gone.ics</href>
    <status>HTTP/1.1 404 Not Found</status>
  </response>
  <response xmlns='DAV:'>
    <href>/1/calendars/home/new.ics</href>
    <propstat><prop><getetag xmlns='DAV:'>"x"</getetag></prop><status>HTTP/1.1 200 OK</status></propstat>
  </response>
  <sync-token xmlns='DAV:'>HwoQEgw</sync-token>
</multistatus>"""


def shape(node: etree._Element) -> tuple[str, tuple[tuple[str, str], ...], str, tuple[object, ...]]:
    """Return names, attributes and texts of a tree; values that differ from run to run are cut down."""
    said = (node.text or "").strip()
    said = re.sub(r"^HwoQEgw.*", "HwoQEgw", re.sub(r'^".*"$', '"x"', said))
    said = said.replace("/123456789/", "/1/")
    attributes = tuple(sorted((str(name), str(value)) for name, value in node.attrib.items()))
    return (str(node.tag), attributes, said, tuple(shape(child) for child in node))


def test_the_inbox_row_has_the_recorded_shape(raw: Raw, ada: Account) -> None:
    answer = raw.propfind(ada.home_path + "inbox/", PROPS)
    assert shape(answer.xml) == shape(etree.fromstring(INBOX.encode()))


def test_a_delta_has_the_recorded_shape(raw: Raw, ada: Account, home: str) -> None:
    ada.calendar("Home").put("gone.ics", text("gone").encode())
    token = raw.sync(home).token or ""
    ada.phone.find("Fitting").delete()
    ada.calendar("Home").put("new.ics", text("new").encode())
    assert shape(raw.sync(home, token).xml) == shape(etree.fromstring(DELTA.encode()))
