"""What the user does on the phone: emulator section 3."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import pytest

from tests.emulator.raw import Raw, text
from tests.fake_icloud import FakeICloud
from tests.fake_icloud.account import Account
from tests.fake_icloud.phone_event import PhoneEvent

BERLIN = ZoneInfo("Europe/Berlin")
START = datetime(2027, 1, 4, 10, tzinfo=BERLIN)  # a Monday
YEAR = (datetime(2027, 1, 1, tzinfo=BERLIN), datetime(2027, 12, 31, tzinfo=BERLIN))


@pytest.fixture
def dentist(ada: Account) -> PhoneEvent:
    return ada.phone.create("Home", title="Dentist", start=START, end=START + timedelta(minutes=45))


@pytest.fixture
def yoga(ada: Account) -> PhoneEvent:
    return ada.phone.create("Home", title="Yoga", start=START, rrule="FREQ=WEEKLY;BYDAY=MO;COUNT=10")


def starts(event: PhoneEvent) -> list[object]:
    return [first for first, _ in event.occurrences(*YEAR)]


def week(number: int) -> datetime:
    return START + timedelta(weeks=number)


# -- creating and reading --------------------------------------------------------------------------


def test_a_new_event_reads_as_it_was_typed(ada: Account, home: str) -> None:
    event = ada.phone.create(
        "Home",
        title="Lunch; with, Zoë\\",
        start=START,
        end=START + timedelta(hours=2),
        location="Café, 2nd floor",
        notes="line one\nline two",
        alarms=[timedelta(minutes=-30)],
    )
    assert (event.summary, event.location) == ("Lunch; with, Zoë\\", "Café, 2nd floor")
    assert event.description == "line one\nline two"
    assert (event.start, event.end, event.all_day, event.free) == (START, START + timedelta(hours=2), False, False)
    assert event.href == f"{home}{event.uid}.ics"
    assert event.alarms == ["-PT30M"]
    assert event.obj.touched


@pytest.mark.parametrize(
    "start",
    [START, datetime(2027, 1, 4, 10, tzinfo=UTC), datetime(2027, 1, 4, 10), date(2027, 1, 4)],
    ids=["zoned", "utc", "floating", "all-day"],
)
def test_every_kind_of_time_survives_and_icalendar_agrees(ada: Account, start: date) -> None:
    event = ada.phone.create("Home", title="x", start=start)
    assert event.start == start
    parsed: Any = icalendar.Calendar.from_ical(event.body).walk("VEVENT")[0]
    assert parsed.start == start
    assert event.all_day == (not isinstance(start, datetime))


def test_the_vtimezone_written_is_right_in_summer_and_winter() -> None:
    from tests.fake_icloud import ics, zones

    for key in ("Europe/Berlin", "America/New_York", "Australia/Sydney", "Europe/Dublin", "Asia/Kolkata"):
        body = b"BEGIN:VCALENDAR\r\n" + ics.serialise(zones.vtimezone(key)) + b"END:VCALENDAR\r\n"
        body = body.replace(
            key.encode(), b"Made/" + key.encode()
        )  # icalendar reads the rules only of a zone it does not know
        found: Any = icalendar.Calendar.from_ical(body).walk("VTIMEZONE")[0]
        zone = found.to_tz()
        for number in range(365):
            moment = datetime(2027, 1, 1, 12) + timedelta(days=number)
            assert moment.replace(tzinfo=zone).utcoffset() == moment.replace(tzinfo=ZoneInfo(key)).utcoffset(), key


def test_long_texts_are_folded_between_characters(ada: Account) -> None:
    event = ada.phone.create("Home", title="ü" * 200, start=START)
    lines = event.body.split(b"\r\n")
    assert max(map(len, lines)) <= 75
    assert "".join(line.decode().removeprefix(" ") for line in lines).count("ü") == 200
    assert event.summary == "ü" * 200


def test_events_and_find(ada: Account, dentist: PhoneEvent, yoga: PhoneEvent) -> None:
    ada.phone.create("Work", title="Standup", start=START - timedelta(days=1))
    assert ada.phone.events()[0].summary == "Standup"
    assert {event.summary for event in ada.phone.events("Home")} == {"Dentist", "Yoga"}
    assert ada.phone.find("Dentist").uid == dentist.uid
    with pytest.raises(LookupError):
        ada.phone.find("Nothing")
    ada.phone.create("Home", title="Dentist", start=START)
    with pytest.raises(LookupError):
        ada.phone.find("Dentist")
    found = ada.phone.by_uid(dentist.uid)
    assert found is not None
    assert found.href == dentist.href
    assert ada.phone.by_uid("no such") is None


def test_what_we_put_shows_on_the_phone_and_rubbish_does_not(raw: Raw, ada: Account, home: str) -> None:
    raw.create(home + "a.ics", text("a", summary="Fitting with Ada"))
    ada.calendar("Home").put("bad.ics", b"\xff\x00 rubbish")
    assert [event.summary for event in ada.phone.events()] == ["Fitting with Ada"]


# -- changing --------------------------------------------------------------------------------------


def test_an_edit_changes_etag_and_only_what_was_edited(ada: Account, dentist: PhoneEvent) -> None:
    etag, before = dentist.etag, dentist.body
    dentist.edit(title="Orthodontist", notes="bring x-rays")
    assert dentist.etag != etag
    assert (dentist.summary, dentist.description, dentist.start) == ("Orthodontist", "bring x-rays", START)
    gone = set(before.splitlines()) - set(dentist.body.splitlines())
    assert {line.split(b":")[0] for line in gone} <= {b"SUMMARY", b"DTSTAMP", b"LAST-MODIFIED"}
    dentist.edit(notes=None)
    assert dentist.description is None


def test_a_new_start_keeps_the_length_and_counts(dentist: PhoneEvent) -> None:
    later = START + timedelta(hours=3)
    dentist.edit(start=later)
    assert (dentist.start, dentist.end, dentist.sequence) == (later, later + timedelta(minutes=45), 1)
    dentist.edit(end=later + timedelta(hours=2))
    assert (dentist.start, dentist.end, dentist.sequence) == (later, later + timedelta(hours=2), 2)


def test_an_unknown_field_is_a_mistake_of_the_test(dentist: PhoneEvent) -> None:
    with pytest.raises(TypeError):
        dentist.edit(colour="red")


def test_open_touches_and_leaves_apples_marks(server: FakeICloud, raw: Raw, home: str, ada: Account) -> None:
    raw.create(home + "a.ics", text("a"))
    event = ada.phone.find("Fitting")
    etag = event.etag
    assert not event.obj.touched
    event.open()
    assert event.obj.touched
    assert event.etag != etag
    assert event.value("X-APPLE-CREATOR-IDENTITY")
    assert event.value("X-APPLE-TRAVEL-ADVISORY-BEHAVIOR") == "AUTOMATIC"


def test_rewrite_changes_only_the_etag_and_stamps(dentist: PhoneEvent) -> None:
    etag = dentist.etag
    dentist.rewrite()
    assert dentist.etag != etag
    assert dentist.sequence == 0


def test_delete_and_reading_what_is_gone(ada: Account, dentist: PhoneEvent) -> None:
    uid = dentist.uid
    dentist.delete()
    assert not dentist.exists
    assert uid in ada.tombstones
    with pytest.raises(LookupError):
        _ = dentist.summary


def test_move_keeps_uid_and_can_come_back(ada: Account, dentist: PhoneEvent) -> None:
    uid, href = dentist.uid, dentist.href
    dentist.move("Work")
    assert (dentist.uid, dentist.calendar.name) == (uid, "Work")
    assert dentist.href != href
    assert uid not in ada.tombstones
    dentist.move("Home")
    assert dentist.href == href


def test_free_and_busy(dentist: PhoneEvent) -> None:
    assert dentist.set_free().free
    assert not dentist.set_busy().free


def test_all_day_and_back(dentist: PhoneEvent) -> None:
    dentist.make_all_day()
    assert (dentist.start, dentist.end, dentist.free) == (date(2027, 1, 4), date(2027, 1, 5), True)
    dentist.make_timed(START, START + timedelta(hours=1))
    assert (dentist.start, dentist.all_day) == (START, False)


def test_travel_time(dentist: PhoneEvent) -> None:
    dentist.make_travel_time(timedelta(minutes=15), timedelta(hours=1))
    assert dentist.value("X-APPLE-TRAVEL-DURATION") == "PT15M"
    assert dentist.value("X-APPLE-TRAVEL-RETURN-DURATION") == "PT1H"
    dentist.make_travel_time()
    assert dentist.value("X-APPLE-TRAVEL-DURATION") is None


def test_invitees_decline_and_cancel(server: FakeICloud, ada: Account, dentist: PhoneEvent) -> None:
    dentist.add_invitee("guest@x.example")
    assert dentist.attendees == ["guest@x.example"]
    assert dentist.value("ORGANIZER") == "mailto:ada@icloud.example"
    invitation = ada.phone.create("Home", title="Pitch", start=START, organizer="boss@x.example")
    assert invitation.partstat == "NEEDS-ACTION"
    assert invitation.decline().partstat == "DECLINED"
    assert invitation.cancel().status == "CANCELLED"
    dentist.delete()
    assert server.mail_log == [("CANCEL", dentist.name.removesuffix(".ics"), "guest@x.example")]


# -- recurring events ------------------------------------------------------------------------------


def test_one_occurrence_moved_and_one_deleted(yoga: PhoneEvent) -> None:
    yoga.edit_occurrence(week(1), start=week(1) + timedelta(hours=2), title="Late yoga")
    yoga.delete_occurrence(week(2))
    found = starts(yoga)
    assert len(found) == 9
    assert week(1) + timedelta(hours=2) in found
    assert week(1) not in found
    assert week(2) not in found
    assert [override.text("SUMMARY") for override in yoga.overrides] == ["Late yoga"]
    assert {line.name for line in yoga.overrides[0].lines}.isdisjoint({"RRULE", "EXDATE", "RDATE"})
    yoga.edit_occurrence(week(1), free=True)
    assert len(yoga.overrides) == 1
    yoga.delete_occurrence(week(1))
    assert yoga.overrides == []
    assert len(starts(yoga)) == 8


def test_an_occurrence_may_be_named_in_utc(yoga: PhoneEvent) -> None:
    yoga.delete_occurrence(week(3).astimezone(UTC))
    assert week(3) not in starts(yoga)


def test_all_day_series(ada: Account) -> None:
    event = ada.phone.create("Home", title="Bins", start=date(2027, 1, 4), rrule="FREQ=WEEKLY;COUNT=4")
    event.delete_occurrence(date(2027, 1, 11))
    event.edit_occurrence(date(2027, 1, 18), start=date(2027, 1, 19))
    assert starts(event) == [date(2027, 1, 4), date(2027, 1, 19), date(2027, 1, 25)]
    event.delete_future(date(2027, 1, 18))
    assert starts(event) == [date(2027, 1, 4)]


def test_delete_future(yoga: PhoneEvent) -> None:
    yoga.edit_occurrence(week(8), title="gone")
    yoga.delete_future(week(4))
    assert starts(yoga) == [week(n) for n in range(4)]
    assert yoga.rrule == "FREQ=WEEKLY;BYDAY=MO;UNTIL=20270201T085959Z", "never COUNT beside UNTIL (RFC 5545 3.3.10)"
    assert yoga.overrides == []


def test_split_series_makes_a_new_resource_and_loses_nothing(ada: Account, yoga: PhoneEvent) -> None:
    yoga.delete_occurrence(week(1))
    yoga.delete_occurrence(week(6))
    yoga.edit_occurrence(week(2), title="Early one")
    yoga.edit_occurrence(week(7), title="Late one")
    later = yoga.split_series(week(4), title="Pilates")
    assert later.uid != yoga.uid
    assert (yoga.summary, later.summary) == ("Yoga", "Pilates")
    assert starts(yoga) == [week(n) for n in (0, 2, 3)]
    assert starts(later) == [week(n) for n in (4, 5, 7, 8, 9)]
    assert [one.text("SUMMARY") for one in yoga.overrides + later.overrides] == ["Early one", "Late one"]
    assert [half.value("EXDATE") for half in (yoga, later)] == ["20270111T100000", "20270215T100000"]
    assert later.rrule == "FREQ=WEEKLY;BYDAY=MO;COUNT=6"
    for half in (yoga, later):
        assert half.master.get("RELATED-TO") is not None
        assert (half.master.get("RELATED-TO") or half.master.lines[0]).param("RELTYPE") == (
            "X-CALENDARSERVER-RECURRENCE-SET"
        )


def test_moving_a_whole_series_moves_its_exceptions(yoga: PhoneEvent) -> None:
    yoga.delete_occurrence(week(1))
    yoga.edit_occurrence(week(2), title="Other")
    yoga.edit(start=START + timedelta(hours=1))
    assert len(starts(yoga)) == 9
    assert week(1) + timedelta(hours=1) not in starts(yoga)
    assert yoga.value("EXDATE") == "20270111T110000"
    assert [one.value("RECURRENCE-ID") for one in yoga.overrides] == ["20270118T110000"]


def test_series_across_the_clock_change(ada: Account) -> None:
    event = ada.phone.create(
        "Home", title="x", start=datetime(2027, 3, 22, 9, tzinfo=BERLIN), rrule="FREQ=WEEKLY;COUNT=2"
    )
    first, second = (moment for moment, _ in event.occurrences(*YEAR))
    assert isinstance(first, datetime)
    assert isinstance(second, datetime)
    assert (first.hour, second.hour) == (9, 9)
    assert second.astimezone(UTC) - first.astimezone(UTC) == timedelta(days=7, hours=-1)


# -- shares ----------------------------------------------------------------------------------------


def test_a_view_only_share_cannot_be_edited_but_shown_as_free_for_oneself(
    raw: Raw, bens: Raw, ada: Account, ben: Account
) -> None:
    theirs = ben.phone.create("Work", title="Offsite", start=START)
    shared = ben.share("Work", to=ada, access="ro")
    mine = ada.phone.find("Offsite")
    assert mine.calendar is shared
    for change in (lambda: mine.edit(title="x"), mine.delete, lambda: mine.move("Home"), mine.cancel):
        with pytest.raises(PermissionError):
            change()
    etag = mine.etag
    mine.set_free()
    assert (mine.free, theirs.free) == (True, False)
    assert mine.etag != etag
    for client, event, shown in ((raw, mine, b"TRANSP:TRANSPARENT"), (bens, theirs, b"TRANSP:OPAQUE")):
        assert shown in client.ask("GET", event.href).body


def test_in_a_shared_calendar_show_as_is_personal_and_the_title_is_not(ada: Account, ben: Account) -> None:
    theirs = ben.phone.create("Work", title="Offsite", start=START)
    ben.share("Work", to=ada, access="rw")
    mine = ada.phone.find("Offsite").edit(free=True, title="Retreat")
    assert (mine.free, theirs.free) == (True, False)
    assert theirs.summary == "Retreat"


def test_nobody_creates_in_a_subscription(ada: Account) -> None:
    ada.subscribe("Bank Holidays")
    with pytest.raises(PermissionError):
        ada.phone.create("Bank Holidays", title="x", start=START)
