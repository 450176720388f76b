"""How changes are found, under every profile (rules P1, P6, P14; emulator section 9, Pull)."""

from __future__ import annotations

from typing import Any

import pytest

from calendars.models import Session
from icloud_sync.models import ICloudEvent
from tests.engine.test_many import many
from tests.fake_icloud import faults
from tests.fake_icloud.faults import Action
from tests.faults.ground import ground
from tests.stage import Person, Stage, day

pytestmark = pytest.mark.icloud_all_profiles
TOKEN_ERRORS = ("rfc", "bare403", "410", "412", "relist")


def events(person: Person, *titles: str, calendar: str = "Home") -> dict[str, Any]:
    """Make an event an hour long for each title, on the second day, one after the other."""
    return {
        title: person.phone.create(calendar, title=title, start=day(2, 9 + number), end=day(2, 10 + number))
        for number, title in enumerate(titles)
    }


def titles(person: Person) -> list[str]:
    return sorted(slot.title for slot in person.blocks if slot.removed_at is None)


def test_the_first_look_at_700_events_comes_in_batches(stage: Stage) -> None:
    """Fewer where a page holds three and Apple counts sixty requests."""
    ada = stage.person()
    number = 700 if stage.icloud.world.profile != "hostile" else 100
    ada.account.calendar("Home").load(many(number))
    ada.connect()
    ada.sync(3)
    asked = [r.body.count(b"href>") // 2 for r in stage.icloud.requests if r.report == "calendar-multiget"]
    assert ICloudEvent.objects.count() == number
    assert max(asked) <= 50


def test_an_idle_look_costs_one_request_and_a_passing_event_leaves_nothing(stage: Stage) -> None:
    """Created and deleted between two looks; the calendar itself is among the changes (fact 4.3)."""
    ada = stage.person()
    events(ada, "Stays")
    ada.connect()
    ada.sync(3)
    with stage.icloud.counting() as seen:
        ada.sync()
    assert len(seen.requests) == 1
    events(ada, "Passing")["Passing"].delete()
    ada.sync(2)
    assert (titles(ada), ICloudEvent.objects.count(), ada.flags) == (["Stays"], 1, set())


@pytest.mark.late_turns(3)
@pytest.mark.parametrize("mode", TOKEN_ERRORS)
def test_a_lost_token_loses_nothing(stage: Stage, mode: str) -> None:
    """F5, F30: listed in full in the same round, deletions that nobody mentions included."""
    ada = stage.person()
    made = events(ada, "Stays", "Goes", "Changes")
    ada.connect()
    ada.sync(3)
    stage.icloud.flags.token_error = mode  # type: ignore[assignment]
    ada.account.calendar("Home").forget_tokens()
    made["Goes"].delete()
    made["Changes"].edit(title="Changed")
    events(ada, "New")
    ada.sync()
    assert {"Changed", "New", "Stays"} <= {slot.title for slot in ada.blocks}
    assert ada.connection is not None
    assert ada.connection.error_code == "", "it is no refusal of the password"
    ada.sync(2)
    assert titles(ada) == ["Changed", "New", "Stays"]
    assert [slot.title for slot in ada.blocks if slot.removed_at] == ["Goes"]


def test_everything_instead_of_what_changed_is_noticed_in_an_empty_calendar(stage: Stage) -> None:
    """Fact 4.6: all that is left of a calendar whose events were deleted is the calendar itself."""
    ada = stage.person()
    made = events(ada, "Goes")
    ada.connect()
    ada.sync(2)
    stage.icloud.flags.token_error = "relist"
    ada.account.calendar("Home").forget_tokens()
    made["Goes"].delete()
    ada.sync(2)
    assert titles(ada) == []


def test_everything_instead_of_what_changed_is_noticed_among_our_own_events(stage: Stage) -> None:
    """Fact 4.6: what was written before the last look is named once more, so more may have gone than is told."""
    ada = stage.person()
    consultation = stage.calendar(ada)
    ada.connect()
    for number in (1, 2):
        stage.book(consultation, day(number, 10))
    ada.push()
    ada.sync(2)
    stage.icloud.flags.token_error = "relist"
    ada.account.calendar("Home").forget_tokens()
    ada.phone.events("Home")[0].delete()
    ada.sync(2)
    assert ada.flags == {"removed_in_icloud"}


def test_what_we_wrote_ourselves_is_named_once_and_lists_nothing(stage: Stage) -> None:
    """P10: a booking costs its PUT, and at the next look one delta."""
    ada = stage.person()
    consultation = stage.calendar(ada)
    events(ada, "Private")
    ada.connect()
    ada.sync(2)
    for number in (1, 2):
        stage.book(consultation, day(number, 10))
        ada.push()
        stage.icloud.requests.clear()
        ada.sync()
        assert [record.report for record in stage.icloud.requests].count("sync-collection") == 1


@pytest.mark.parametrize("mode", ["continue", "stuck", "http507"])
def test_an_answer_in_pages_is_read_to_its_end(stage: Stage, mode: str) -> None:
    ada = stage.person()
    stage.icloud.flags.truncate_at = 3
    stage.icloud.flags.truncate_mode = mode  # type: ignore[assignment]
    events(ada, *"abcdefgh")
    ada.connect()
    ada.sync(2)
    assert titles(ada) == (list("abcdefgh") if mode != "stuck" else titles(ada))
    if mode == "stuck":
        stage.icloud.flags.truncate_at = None
        ada.sync()
    events(ada, "i")
    ada.sync()
    assert titles(ada) == list("abcdefghi")


def test_what_is_listed_and_not_delivered_comes_later(stage: Stage, settings: Any) -> None:
    """F29, facts 4.9, 9.10: left out or 404 for a while, or one member fails; the token moves on, nothing goes."""
    settings.ICLOUD_POLL_SECONDS = 0.001
    ada = stage.person()
    made = events(ada, "Old")
    ada.connect()
    ada.sync(2)
    for number, omit in enumerate((True, False)):
        stage.icloud.flags.multiget_lag, stage.icloud.flags.multiget_omit = 90, omit
        events(ada, f"New {number}")
        ada.sync()
        assert "Old" in titles(ada)
        stage.icloud.flags.multiget_lag = 0
        stage.icloud.clock.advance(60)
    ada.sync(3)
    assert titles(ada) == ["New 0", "New 1", "Old"]
    for number, status in enumerate((503, 403)):
        stage.icloud.flags.multiget_member_status = status
        made["Old"].edit(title=f"Edited {number}")
        ada.sync()
        stage.icloud.flags.multiget_member_status = None
        ada.sync(2)
        assert f"Edited {number}" in titles(ada)
    assert ada.flags == set()


def test_a_dangling_address_is_named_after_some_tries(stage: Stage, settings: Any) -> None:
    """Listed for ever, never there: the others go on, the token moves, in the end somebody is told."""
    settings.ICLOUD_POLL_SECONDS = 0.001
    ada = stage.person()
    ada.connect()
    ada.sync()
    events(ada, "Good", "Bad")
    path = ada.account.calendar("Home").path + ada.phone.find("Bad").name
    gone = Action("not there", change=lambda _w, _r, response: _without(response, path))
    stage.icloud.faults.add(gone, report="calendar-multiget", times=None)
    stage.icloud.faults.add(faults.status(404), method="GET", path=path, times=None)
    ada.sync()
    assert (titles(ada), ada.flags) == (["Good"], set())
    ada.sync(7)
    assert (titles(ada), ada.flags) == (["Good"], {"unreadable_event"})
    stage.icloud.faults.clear()
    ada.phone.find("Bad").edit(title="Better")
    ada.sync()
    assert (titles(ada), ada.flags) == (["Better", "Good"], set())


def _without(response: Any, path: str) -> Any:
    members = response.body.split(b"<response")
    response.body = b"<response".join(part for part in members if path.encode() not in part)
    if b"</multistatus>" not in response.body:
        response.body += b"</multistatus>"
    return response


def test_malformed_bodies_among_good_ones(stage: Stage) -> None:
    ada = stage.person()
    events(ada, "Good", "Bad", "Better")
    bad = ada.phone.find("Bad")
    ada.phone.add_raw("Home", bad.name, b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:" + bad.uid.encode() + b"\r\nDTSTART")
    ada.connect()
    ada.sync(2)
    assert (titles(ada), ada.flags) == (["Better", "Good"], {"unreadable_event"})
    assert ada.calendar("Home").token == ada.account.calendar("Home").token


def test_apples_own_rewriting_changes_nothing_here(stage: Stage) -> None:
    """F32: another ETag, the same event (rule W8, facts 5.10, 7.13)."""
    place = ground(stage)
    dentist = place.ada.phone.find("Dentist")
    place.ada.sync(2)
    revision = Session.objects.get().revision
    before = list(ICloudEvent.objects.values("fingerprint", "essence", "uid"))
    journal = len(place.ada.journal())
    for event in (dentist, place.event):
        event.rewrite()
        event.open()
    with stage.icloud.counting() as seen:
        place.ada.sync(3)
    assert not {"PUT", "DELETE"} & {record.method for record in seen.requests}
    assert Session.objects.get().revision == revision
    assert list(ICloudEvent.objects.values("fingerprint", "essence", "uid")) == before
    assert (len(place.ada.journal()), place.ada.flags) == (journal, set())


@pytest.mark.parametrize("places", [("Home", "Work"), ("Work", "Home")], ids=" to ".join)
def test_an_event_moved_between_calendars_that_are_read_never_opens_its_time(
    stage: Stage, places: tuple[str, str]
) -> None:
    """F34, in both orders in which the calendars are looked at."""
    ada = stage.person()
    ada.connect(conflicts=("Home", "Work"))
    event = events(ada, "Dentist", calendar=places[0])["Dentist"]
    ada.sync(2)
    event.move(places[1])
    for _ in range(3):
        ada.sync()
        assert {(slot.title, slot.blocks) for slot in ada.slots} == {("Dentist", True)}
    assert [(slot.place, slot.removed_at) for slot in ada.slots] == [(places[1], None)]


def test_an_event_deleted_beside_a_twin_that_cannot_be_read_keeps_its_time(stage: Stage) -> None:
    """The twin may be the event that was moved, and may be none: nothing opens before it is read (P14)."""
    ada = stage.person()
    ada.connect(conflicts=("Home", "Work"))
    event = events(ada, "Dentist")["Dentist"]
    ada.sync(2)
    ada.phone.add_raw("Work", "twin.ics", event.body.replace(b"DTSTART", b"X-START"))
    event.delete()
    ada.sync(3)
    assert [slot.title for slot in ada.blocks] == ["Dentist"]
    assert ada.flags == {"unreadable_event"}


def test_an_event_moved_to_a_calendar_that_is_not_read_counts_as_deleted(stage: Stage) -> None:
    ada = stage.person()
    ada.connect()
    event = events(ada, "Dentist")["Dentist"]
    ada.sync(2)
    event.move("Work")
    ada.sync(3)
    assert [(slot.place, slot.blocks, bool(slot.removed_at)) for slot in ada.slots] == [("Home", True, True)]


def test_a_share_whose_events_answer_under_their_owners_name(stage: Stage) -> None:
    ada = stage.person()
    team = stage.icloud.account("ben@icloud.example", name="Ben", calendars=("Team",))
    team.share("Team", to=ada.account, access="ro")
    stage.icloud.flags.multiget_other_href = True
    team.phone.create("Team", title="Meeting", start=day(2, 9), end=day(2, 10))
    ada.connect(conflicts=("Home", "Team"))
    ada.sync(3)
    assert titles(ada) == ["Meeting"]
