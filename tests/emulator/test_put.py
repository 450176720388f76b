"""PUT: every row of the table of emulator section 6, and what Apple does with a stored event."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.emulator.raw import Raw, text
from tests.fake_icloud import FakeICloud
from tests.fake_icloud.account import Account
from tests.fake_icloud.phone_event import PhoneEvent

START = datetime(2027, 1, 4, 10, tzinfo=UTC)


@pytest.fixture
def event(ada: Account) -> PhoneEvent:
    """An event of the phone, named e.ics, not opened since we wrote it."""
    found = ada.phone.create("Home", title="Dentist", start=START, uid="e", name="e.ics")
    found.obj.touched = False
    return found


# -- rows 1 to 3: place and name -------------------------------------------------------------------


@pytest.mark.parametrize("status", [404, 409])
def test_1_an_unknown_calendar(server: FakeICloud, raw: Raw, ada: Account, status: int) -> None:
    server.flags.unknown_calendar_status = status  # type: ignore[assignment]
    assert raw.create(ada.home_path + "nowhere/a.ics", text()).status == status


@pytest.mark.parametrize("with_body", [True, False])
def test_2_read_only_collections(server: FakeICloud, raw: Raw, ada: Account, ben: Account, with_body: bool) -> None:
    server.flags.readonly_error_body = with_body
    shared = ben.share("Work", to=ada, access="ro")
    subscribed = ada.subscribe("Bank Holidays")
    for path in (shared.path, subscribed.path, ada.home_path + "inbox/", ada.home_path + "outbox/"):
        answer = raw.create(path + "a.ics", text())
        assert answer.status == 403
        assert (b"<need-privileges/>" in answer.body) == with_body
    assert not shared.store.objects


def test_2_a_share_with_writers_access_takes_it(raw: Raw, ada: Account, ben: Account) -> None:
    shared = ben.share("Work", to=ada, access="rw")
    assert raw.create(shared.path + "a.ics", text()).status == 201
    assert ben.calendar("Work").names() == ["a.ics"]


@pytest.mark.parametrize("name", ["a", "a.txt", "a%20b.ics", "a%40b.ics", "%C3%BC.ics"])
def test_3_names_with_special_characters(raw: Raw, home: str, name: str) -> None:
    assert raw.create(home + name, text()).status == 400


# -- rows 4 to 8: conditions and tombstones --------------------------------------------------------


def test_4_if_match_star_is_backwards(raw: Raw, home: str, event: PhoneEvent) -> None:
    answer = raw.put(home + "e.ics", text("e"), if_match="*")
    assert (answer.status, answer.body) == (412, b"")
    assert raw.put(home + "new.ics", text("new"), if_match="*").status == 201


def test_5_if_none_match_star_on_an_existing_name(raw: Raw, home: str, event: PhoneEvent) -> None:
    assert raw.create(home + "e.ics", text("e")).status == 412


@pytest.mark.parametrize("etag", ['"stale"', "W/{}", "unquoted"])
def test_6_another_etag(raw: Raw, home: str, event: PhoneEvent, etag: str) -> None:
    assert raw.put(home + "e.ics", text("e"), if_match=etag.format(event.etag)).status == 412


def test_6_a_missing_object(raw: Raw, home: str) -> None:
    assert raw.put(home + "no.ics", text("no"), if_match='"x"').status == 412


def test_7_an_unconditional_put_over_a_touched_event(
    server: FakeICloud, raw: Raw, home: str, event: PhoneEvent
) -> None:
    assert raw.put(home + "e.ics", text("e", summary="mine")).status == 204
    event.open()
    answer = raw.put(home + "e.ics", text("e"))
    assert (answer.status, answer.body) == (412, b"")
    assert raw.put(home + "e.ics", text("e"), if_match=event.etag).status == 204
    assert raw.put(home + "e.ics", text("e")).status == 204, "a conditional PUT heals it"
    event.edit(title="again")
    server.flags.touched_412 = False
    assert raw.put(home + "e.ics", text("e")).status == 204


@pytest.mark.parametrize("ours", [True, False])
def test_8_tombstones_of_name_and_uid(raw: Raw, home: str, event: PhoneEvent, ours: bool) -> None:
    if ours:
        assert raw.ask("DELETE", home + "e.ics", headers={"If-Match": event.etag}).status == 204
    else:
        event.delete()
    for path, uid in ((home + "e.ics", "other"), (home + "other.ics", "e"), (home + "e.ics", "e")):
        answer = raw.create(path, text(uid))
        assert (answer.status, answer.body) == (412, b"")
    assert raw.create(home + "fresh.ics", text("fresh")).status == 201


def test_8_delete_all_future_of_a_whole_series_and_a_deleted_calendar_bury_uids(
    raw: Raw, ada: Account, home: str
) -> None:
    trips = ada.add_calendar("Trips")
    trips.put("t.ics", text("t").encode())
    ada.delete_calendar("Trips")
    assert raw.create(home + "t.ics", text("t")).status == 412


def test_8_tombstones_can_be_switched_off(server: FakeICloud, raw: Raw, home: str, event: PhoneEvent) -> None:
    event.delete()
    server.flags.tombstones = False
    assert raw.create(home + "e.ics", text("e")).status == 201


# -- rows 9 to 14: the body ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["application/xml", "text/plain", ""])
def test_9_content_type(raw: Raw, home: str, kind: str) -> None:
    answer = raw.ask("PUT", home + "a.ics", text(), headers={"Content-Type": kind, "If-None-Match": "*"})
    assert answer.status == 403
    assert b"<supported-calendar-data xmlns='urn:ietf:params:xml:ns:caldav'/>" in answer.body


@pytest.mark.parametrize(
    ("body", "condition"),
    [
        (b"hello", b"valid-calendar-data"),
        (b"BEGIN:VCALENDAR\r\nEND:VEVENT\r\n", b"valid-calendar-data"),
        (text().encode().replace(b"END:VCALENDAR\r\n", b""), b"valid-calendar-data"),
        (b"\xff\xfe" + text().encode(), b"valid-calendar-data"),
        (text().replace("DTSTART:2", "DTSTART:x").encode(), b"valid-calendar-data"),
        (text().replace("UID:one\r\n", "").encode(), b"valid-calendar-object-resource"),
        (
            text("one").replace("END:VCALENDAR\r\n", "").encode() + text("two").encode().partition(b"EN\r\n")[2],
            b"valid-calendar-object-resource",
        ),
    ],
)
def test_10_bad_bodies(raw: Raw, home: str, body: bytes, condition: bytes) -> None:
    answer = raw.create(home + "a.ics", body)
    assert answer.status == 403
    assert b"<" + condition + b" " in answer.body


def test_10_method_is_taken_unless_switched_off(server: FakeICloud, raw: Raw, home: str) -> None:
    body = text("m").replace("VERSION", "METHOD:PUBLISH\r\nVERSION")
    assert raw.create(home + "m.ics", body).status == 201
    server.flags.refuse_method = True
    answer = raw.create(home + "n.ics", body.replace("UID:m", "UID:n"))
    assert (answer.status, b"valid-calendar-object-resource" in answer.body) == (403, True)


@pytest.mark.parametrize(("place", "kind"), [("home", "VTODO"), ("home", "VJOURNAL"), ("tasks", "VEVENT")])
def test_11_components(raw: Raw, ada: Account, place: str, kind: str) -> None:
    body = text().replace("VEVENT", kind)
    answer = raw.create(f"{ada.home_path}{place}/a.ics", body)
    assert answer.status == 403
    assert b"supported-calendar-component" in answer.body


def test_11_a_task_goes_into_reminders(raw: Raw, ada: Account) -> None:
    assert raw.create(ada.home_path + "tasks/a.ics", text().replace("VEVENT", "VTODO")).status == 201


@pytest.mark.parametrize("status", [404, 403])
def test_12_no_dtend(server: FakeICloud, raw: Raw, home: str, status: int) -> None:
    server.flags.no_dtend_status = status  # type: ignore[assignment]
    assert raw.create(home + "a.ics", text(dtend=None)).status == status
    assert raw.create(home + "b.ics", text("b", dtend="DURATION:PT1H")).status == 201


def test_13_a_tzid_needs_its_vtimezone(server: FakeICloud, raw: Raw, home: str) -> None:
    body = text(dtend="DTEND;TZID=Europe/Berlin:20270104T120000")
    assert raw.create(home + "a.ics", body.replace("UID:one", "UID:two")).status == 201
    server.flags.vtimezone_required = True
    assert raw.create(home + "b.ics", body).status == 400
    zone = "BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT"
    assert raw.create(home + "b.ics", body.replace("BEGIN:VEVENT", zone)).status == 201


@pytest.mark.parametrize("line", ["STATUS:Confirmed", "CREATED:20270101T000000", "LAST-MODIFIED:20270101T000000"])
def test_14_strict_values(server: FakeICloud, raw: Raw, home: str, line: str) -> None:
    assert raw.create(home + "lax.ics", text("lax", line)).status == 201
    server.flags.strict_values = True
    assert raw.create(home + "a.ics", text("one", line)).status == 403
    assert raw.create(home + "a.ics", text("one", "STATUS:CONFIRMED")).status == 201


# -- rows 15 to 17: UID and size -------------------------------------------------------------------


@pytest.mark.parametrize("status", [412, 403])
def test_15_the_uid_is_in_another_calendar(
    server: FakeICloud, raw: Raw, ada: Account, event: PhoneEvent, status: int
) -> None:
    server.flags.uid_elsewhere_status = status  # type: ignore[assignment]
    assert raw.create(ada.calendar("Work").path + "e.ics", text("e")).status == status


def test_16_the_uid_has_another_name_here(server: FakeICloud, raw: Raw, home: str, event: PhoneEvent) -> None:
    answer = raw.create(home + "other.ics", text("e"))
    assert answer.status == 403
    assert answer.header("Location") == home + "e.ics"
    node = answer.xml.find("{urn:ietf:params:xml:ns:caldav}no-uid-conflict/{DAV:}href")
    assert node is not None
    assert node.text == home + "e.ics"
    server.flags.uid_conflict_status = 412
    assert raw.create(home + "other.ics", text("e")).status == 412


@pytest.mark.parametrize("status", [413, 403])
def test_17_too_large(server: FakeICloud, raw: Raw, home: str, status: int) -> None:
    server.flags.max_size, server.flags.max_size_status = 400, status  # type: ignore[assignment]
    answer = raw.create(home + "a.ics", text("one", "DESCRIPTION:" + "x" * 300))
    assert answer.status == status
    assert (b"max-resource-size" in answer.body) == (status == 403)
    assert raw.create(home + "a.ics", text()).status == 201


def test_the_first_row_that_matches_wins(raw: Raw, home: str, event: PhoneEvent) -> None:
    event.delete()
    assert raw.create(home + "e.ics", b"rubbish").status == 412, "a tombstone before the body"
    assert raw.create(home + "a b.ics".replace(" ", "%20"), text("e")).status == 400, "the name before a tombstone"


# -- row 18: stored --------------------------------------------------------------------------------


def test_18_create_and_update(raw: Raw, ada: Account, home: str) -> None:
    created = raw.create(home + "a.ics", text())
    assert (created.status, created.body) == (201, b"")
    assert created.header("ETag") == ada.calendar("Home").etag("a.ics")
    assert created.header("Schedule-Tag") is None
    assert raw.ask("GET", home + "a.ics").body == text().encode(), "kept to the octet"
    updated = raw.put(home + "a.ics", text(summary="x"), if_match=created.header("ETag") or "")
    assert updated.status == 204
    assert (updated.header("ETag") or "") > (created.header("ETag") or "")


def test_18_etags_grow_while_the_clock_stands_still_and_equal_bodies_differ(raw: Raw, home: str) -> None:
    first = raw.create(home + "a.ics", text()).header("ETag") or ""
    second = raw.put(home + "a.ics", text(), if_match=first).header("ETag")
    assert second != first


@pytest.mark.parametrize(
    ("flag", "told"), [("always", [True] * 4), ("never", [False] * 4), ("alternate", [False, True, False, True])]
)
def test_put_etag(server: FakeICloud, raw: Raw, home: str, flag: str, told: list[bool]) -> None:
    server.flags.put_etag = flag  # type: ignore[assignment]
    answers = [raw.create(f"{home}{n}.ics", text(f"u{n}")) for n in range(4)]
    assert [answer.header("ETag") is not None for answer in answers] == told


def test_attendees_without_organizer_are_dropped_silently(server: FakeICloud, raw: Raw, home: str) -> None:
    answer = raw.create(home + "a.ics", text("one", "ATTENDEE:mailto:guest@x.example"))
    assert (answer.status, answer.header("ETag")) == (201, None)
    assert b"ATTENDEE" not in raw.ask("GET", home + "a.ics").body
    assert server.mail_log == []


def test_an_organizer_sends_mail_on_put_and_on_delete(server: FakeICloud, raw: Raw, home: str) -> None:
    people = (
        "ORGANIZER:mailto:ada@icloud.example",
        "ATTENDEE:mailto:ada@icloud.example",
        "ATTENDEE;SCHEDULE-AGENT=CLIENT:mailto:guest@x.example",
    )
    answer = raw.create(home + "a.ics", text("one", *people))
    assert (answer.status, answer.header("ETag")) == (201, None)
    assert server.mail_log == [("REQUEST", "one", "guest@x.example")]
    assert b"X-APPLE-" in raw.ask("GET", home + "a.ics").body
    assert raw.ask("DELETE", home + "a.ics").status == 204
    assert ("CANCEL", "one", "guest@x.example") in server.mail_log


def test_schedule_agent_may_be_honoured(server: FakeICloud, raw: Raw, home: str) -> None:
    server.flags.honour_schedule_agent = True
    people = ("ORGANIZER:mailto:ada@icloud.example", "ATTENDEE;SCHEDULE-AGENT=CLIENT:mailto:guest@x.example")
    raw.create(home + "a.ics", text("one", *people))
    assert server.mail_log == []


def test_rewritten_bodies_come_without_etag_and_change_it_again(
    server: FakeICloud, raw: Raw, ada: Account, home: str
) -> None:
    server.flags.rewrite_body = True
    token = raw.sync(home).token or ""
    answer = raw.create(home + "a.ics", text(summary="Fitting"))
    assert (answer.status, answer.header("ETag")) == (201, None)
    first = raw.sync(home, token)
    etag = first.found(home + "a.ics", "d:getetag")
    body = raw.ask("GET", home + "a.ics").body
    assert body != text().encode()
    assert b"SUMMARY:Fitting" in body
    server.clock.advance(1.5)
    second = raw.sync(home, first.token or "")
    assert second.found(home + "a.ics", "d:getetag") not in (None, etag)
    assert raw.ask("GET", home + "a.ics").body == body


def test_in_a_share_show_as_and_alarms_are_each_viewers_own(raw: Raw, ada: Account, ben: Account) -> None:
    ben.calendar("Work").put("w.ics", text("w", "TRANSP:OPAQUE").encode())
    shared = ben.share("Work", to=ada, access="rw")
    alarm = ("BEGIN:VALARM", "ACTION:DISPLAY", "TRIGGER:-PT5M", "END:VALARM")
    body = text("w", "TRANSP:TRANSPARENT", *alarm, summary="changed")
    answer = raw.put(shared.path + "w.ics", body, if_match=shared.etag("w.ics"))
    assert answer.status == 204
    mine, theirs = shared.body("w.ics"), ben.calendar("Work").body("w.ics")
    assert (b"TRANSPARENT" in mine, b"VALARM" in mine) == (True, True)
    assert (b"TRANSPARENT" in theirs, b"VALARM" in theirs) == (False, False)
    assert b"SUMMARY:changed" in theirs


# -- DELETE ----------------------------------------------------------------------------------------


def test_delete(raw: Raw, ada: Account, home: str, event: PhoneEvent) -> None:
    path = home + "e.ics"
    assert raw.ask("DELETE", path, headers={"Depth": "0"}).status == 400
    assert raw.ask("DELETE", path, headers={"If-Match": '"old"'}).status == 412
    assert event.exists
    assert raw.ask("DELETE", path, headers={"If-Match": event.etag}).status == 204
    assert not event.exists
    assert raw.ask("DELETE", path).status == 404


def test_deleting_in_a_view_only_share_is_refused(raw: Raw, ada: Account, ben: Account) -> None:
    ben.calendar("Work").put("w.ics", text("w").encode())
    shared = ben.share("Work", to=ada, access="ro")
    assert raw.ask("DELETE", shared.path + "w.ics").status == 403
    assert shared.names() == ["w.ics"]


def test_deleting_a_calendar_happens_and_is_noted(server: FakeICloud, raw: Raw, ada: Account, home: str) -> None:
    assert raw.ask("DELETE", home).status == 204
    assert server.destructive_log == [f"DELETE {home}"]
    assert raw.propfind(home).status == 404
    assert "Home" not in [calendar.name for calendar in ada.calendars]


@pytest.mark.parametrize("method", ["MKCALENDAR", "PROPPATCH", "POST"])
def test_other_requests_that_change_collections_are_noted(
    server: FakeICloud, raw: Raw, ada: Account, method: str
) -> None:
    path = ada.home_path + ("new/" if method == "MKCALENDAR" else "home/")
    prop = "<d:prop><d:displayname>X</d:displayname></d:prop>"
    body = f"<d:propertyupdate xmlns:d='DAV:'><d:set>{prop}</d:set></d:propertyupdate>"
    raw.ask(method, path, body if method == "PROPPATCH" else None)
    assert server.destructive_log == [f"{method} {path}"]


# -- MOVE ------------------------------------------------------------------------------------------


def move(raw: Raw, source: str, goal: str) -> int:
    return raw.ask("MOVE", source, headers={"Destination": raw.account.base_url + goal}).status


def test_move_between_own_calendars(raw: Raw, ada: Account, home: str, event: PhoneEvent) -> None:
    work = ada.calendar("Work")
    here, there = raw.sync(home).token or "", raw.sync(work.path).token or ""
    assert move(raw, home + "e.ics", work.path + "e.ics") == 201
    assert raw.sync(home, here).status_of(home + "e.ics") == "HTTP/1.1 404 Not Found"
    assert raw.sync(work.path, there).found(work.path + "e.ics", "d:getetag")
    assert work.store.objects["e.ics"].uid == "e"
    assert "e" not in ada.tombstones, "a UID that lives is no tombstone"


@pytest.mark.parametrize("status", [412, 403, 405])
def test_move_may_be_refused(
    server: FakeICloud, raw: Raw, ada: Account, home: str, event: PhoneEvent, status: int
) -> None:
    server.flags.move = status  # type: ignore[assignment]
    assert move(raw, home + "e.ics", ada.calendar("Work").path + "e.ics") == status
    assert event.exists


def test_move_needs_a_source_and_a_goal(raw: Raw, ada: Account, home: str, event: PhoneEvent) -> None:
    assert move(raw, home + "no.ics", ada.calendar("Work").path + "no.ics") == 404
    assert move(raw, home + "e.ics", ada.home_path + "nowhere/e.ics") == 409


def test_uids_put_are_found_again(server: FakeICloud, raw: Raw, home: str) -> None:
    raw.create(home + "a.ics", text("one"))
    raw.put(home + "a.ics", text("one"), if_match='"x"')
    assert [record.status for record in server.puts_for("one")] == [201, 412]


def test_a_put_of_a_day_ago_can_still_be_updated(server: FakeICloud, raw: Raw, home: str) -> None:
    etag = raw.create(home + "a.ics", text()).header("ETag") or ""
    server.clock.advance(timedelta(days=1).total_seconds())
    assert raw.put(home + "a.ics", text(), if_match=etag).status == 204
