"""Reading answers as iCloud writes them (facts 1.10, 3.1) and as others might (S12)."""

from __future__ import annotations

import pytest

from icloud_sync.errors import BadAnswer
from icloud_sync.remote import multistatus
from icloud_sync.remote.bodies import CALENDAR_DATA, CTAG, DISPLAY_NAME, ETAG, RESOURCE_TYPE
from icloud_sync.remote.multistatus import condition, read, text_of

APPLE_STYLE = b"""<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<multistatus xmlns='DAV:'>

  <response xmlns='DAV:'>
    <href>/1/calendars/inbox/</href>
      <propstat><prop>
        <resourcetype xmlns='DAV:'><collection/><schedule-inbox xmlns='urn:ietf:params:xml:ns:caldav'/></resourcetype>
        <getctag xmlns='http://calendarserver.org/ns/'>HwoQEgw==</getctag>
      </prop><status>HTTP/1.1 200 OK</status></propstat>
      <propstat><prop>
        <displayname xmlns='DAV:'/><getctag xmlns='http://calendarserver.org/ns/'/>
      </prop><status>HTTP/1.1 404 Not Found</status></propstat>
  </response>

</multistatus>
"""


def test_apples_style_is_read_and_a_second_propstat_means_nothing() -> None:
    (row,) = read(APPLE_STYLE).rows
    assert row.href == "/1/calendars/inbox/"
    assert text_of(row.props[CTAG]) == "HwoQEgw=="
    assert DISPLAY_NAME not in row.props
    assert [child.tag for child in row.props[RESOURCE_TYPE]] == [
        "{DAV:}collection",
        "{urn:ietf:params:xml:ns:caldav}schedule-inbox",
    ]
    assert row.refused == {404}


def test_prefixes_and_attributes_make_no_difference() -> None:
    body = (
        b'<x:multistatus xmlns:x="DAV:" xmlns:y="urn:ietf:params:xml:ns:caldav" a="b"><x:response>'
        b"<x:href>/1/a.ics</x:href><x:propstat><x:status>HTTP/2 200</x:status>"
        b'<x:prop><x:getetag>"1"</x:getetag><y:calendar-data version="2.0">'
        b"<![CDATA[BEGIN:VCALENDAR\n<b>&amp;</b>]]>&#13;&#10;END:VCALENDAR</y:calendar-data></x:prop></x:propstat>"
        b"</x:response></x:multistatus>"
    )
    (row,) = read(body).rows
    assert text_of(row.props[ETAG]) == '"1"'
    assert row.props[CALENDAR_DATA].text == "BEGIN:VCALENDAR\n<b>&amp;</b>\r\nEND:VCALENDAR"


def test_names_that_only_look_like_dav_are_not_dav() -> None:
    inner = b'<response xmlns="x"><href>/1/</href></response><sync-token xmlns="y">t</sync-token>'
    assert read(b'<multistatus xmlns="DAV:">' + inner + b"</multistatus>") == multistatus.Multistatus([], None)


def test_one_status_for_several_hrefs() -> None:
    inner = b"<response><href>/a</href><href>/b</href><status>HTTP/1.1 404 X</status></response>"
    body = b'<multistatus xmlns="DAV:">' + inner + b"</multistatus>"
    assert [(row.href, row.status) for row in read(body).rows] == [("/a", 404), ("/b", 404)]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("HTTP/1.1 404 Not Found", 404),
        ("HTTP/1.1 507", 507),
        ("  HTTP/2  410  Gone ", 410),
        ("HTTP/1.1 4040", 0),
        ("HTTP/1.1", 0),
        ("404", 0),
        ("HTTP/1.1 999 X", 0),
        ("HTTP/1.1 ٤٠٤ X", 0),
        ("", 0),
    ],
)
def test_status_lines(line: str, code: int) -> None:
    body = f'<multistatus xmlns="DAV:"><response><href>/a</href><status>{line}</status></response></multistatus>'
    assert read(body.encode()).rows[0].status == code


def test_properties_without_a_clear_200_are_not_taken() -> None:
    body = (
        b'<multistatus xmlns="DAV:"><response><href>/a</href><propstat><prop><getetag>"1"</getetag></prop></propstat>'
        b"<propstat><prop><displayname>x</displayname></prop><status>HTTP/1.1 500 X</status></propstat>"
        b"</response></multistatus>"
    )
    (row,) = read(body).rows
    assert row.props == {}
    assert row.refused == {0, 500}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  ",
        b"<multistatus/>",
        b'<error xmlns="DAV:"/>',
        b'<multistatus xmlns="DAV:">',
        b'<multistatus xmlns="DAV:"/><multistatus xmlns="DAV:"/>',
        b"<html><body/></html>",
        b'<multistatus xmlns="DAV:">&undefined;</multistatus>',
        b'<multistatus xmlns="DAV:">\xff\xfe</multistatus>',
        b'<?xml version="1.0" encoding="nonsense"?><multistatus xmlns="DAV:"/>',
    ],
)
def test_anything_else_is_a_bad_answer(body: bytes) -> None:
    with pytest.raises(BadAnswer):
        read(body)


def test_the_search_for_a_dtd_takes_no_time_on_a_long_prologue() -> None:
    with pytest.raises(BadAnswer):
        read(b"<?x?>" * 200_000 + b"<!-- " + b"-" * 1_000_000)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            b"<?xml version='1.0' encoding='UTF-8'?>\n<error xmlns='DAV:'>\n<valid-sync-token/>\n</error>",
            ("valid-sync-token", None),
        ),
        (
            b'<error xmlns="DAV:"><no-uid-conflict xmlns="urn:ietf:params:xml:ns:caldav">'
            b'<href xmlns="DAV:"> /1/c/b.ics </href></no-uid-conflict></error>',
            ("no-uid-conflict", "/1/c/b.ics"),
        ),
        (b'<error xmlns="DAV:"><need-privileges/></error>', ("need-privileges", None)),
        (b'<error xmlns="DAV:"/>', ("", None)),
        (b'<other><error xmlns="DAV:"/></other>', ("", None)),
        (b"<!DOCTYPE html><p>error", ("", None)),
        (b"", ("", None)),
    ],
)
def test_the_precondition_a_refusal_names(body: bytes, expected: tuple[str, str | None]) -> None:
    assert condition(body) == expected
