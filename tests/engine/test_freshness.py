"""What is not known yet is not called fresh (rule A5), and what nobody foresaw is not called well."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.utils import timezone

from calendars.models import Appointment, Calendar
from calendars.services.contacts import ContactInput
from calendars.services.errors import SlotUnavailable
from icloud_sync import selectors
from icloud_sync.models import ICloudConnection, JournalEntry
from icloud_sync.services import booking, choosing, live, syncing
from icloud_sync.services import run as runs
from leadmagicx.accounts.models import User
from tests.fake_icloud import faults
from tests.faults.ground import ground
from tests.stage import Person, Stage, day


def knows(person: Person) -> bool:
    """Say whether the person's time counts as known, to whoever asks for free slots and to whoever books."""
    shown = selectors.freshness(host_ids=[person.user.pk])
    fresh = live.all_fresh([person.user.pk], now=timezone.now())
    assert fresh is not shown.stale
    return fresh


@pytest.fixture(autouse=True)
def _minutes(settings: Any) -> None:
    settings.ICLOUD_BOOKING_FRESHNESS_SECONDS = settings.ICLOUD_POLL_SECONDS = 60


def book(calendar: Calendar, start: datetime, *, by: User) -> Appointment:
    """Book as REST does, with iCloud looked at first."""
    contact = ContactInput(name="Mary Somerville", email="mary@example.org")
    return booking.book(calendar_id=calendar.pk, start=start, contact=contact, by=by, now=timezone.now())


def test_a_calendar_just_chosen_is_not_known_before_it_was_read(stage: Stage) -> None:
    ada = stage.person()
    ada.connect(primary=None)
    ada.sync()
    ada.choose(primary="Home")
    assert not knows(ada)
    ada.sync()
    assert knows(ada)
    ada.choose(conflicts=("Home", "Work"))
    assert not knows(ada)
    ada.sync()
    assert knows(ada)


def test_choosing_what_is_read_already_changes_nothing(stage: Stage) -> None:
    ada = ground(stage).ada
    ada.choose(travel_time_blocks=False)
    assert knows(ada)


@pytest.mark.parametrize("status", [403, 404])
def test_a_calendar_that_cannot_be_read_makes_nothing_fresh(stage: Stage, status: int) -> None:
    place = ground(stage)
    before = ICloudConnection.objects.get().data_as_of
    place.ada.phone.create("Home", title="Dentist too", start=day(4, 12), end=day(4, 13))
    place.icloud.faults.add(faults.status(status), method="REPORT", times=None)
    place.ada.sync(2)
    assert ICloudConnection.objects.get().data_as_of == before
    place.icloud.faults.clear()
    place.ada.sync()
    assert knows(place.ada)
    assert place.blocked == ["Dentist", "Dentist too"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("type", ["round_robin", "collective"])
def test_time_that_was_closed_is_asked_about_too_when_what_is_known_is_old(
    stage: Stage, settings: Any, type: str
) -> None:
    """A5, freshness 0: moved away on the phone a moment ago, the event does not refuse the client."""
    settings.ICLOUD_BOOKING_FRESHNESS_SECONDS = 0
    place = ground(stage)
    people = [place.ada] if type == "round_robin" else [place.ada, stage.person("ben")]
    calendar = stage.calendar(*people, type=type, name="Talk")
    with pytest.raises(SlotUnavailable):
        book(calendar, day(3, 12), by=stage.staff)
    place.ada.phone.find("Dentist").edit(start=day(3, 15), end=day(3, 16))
    place.icloud.clock.advance(60)
    assert book(calendar, day(3, 12), by=stage.staff).verified
    with pytest.raises(SlotUnavailable):
        book(calendar, day(3, 15), by=stage.staff)


@pytest.mark.django_db(transaction=True)
def test_what_only_our_own_rows_close_is_no_reason_to_ask(stage: Stage, settings: Any) -> None:
    settings.ICLOUD_BOOKING_FRESHNESS_SECONDS = 0
    place = ground(stage)
    with place.icloud.counting() as seen, pytest.raises(SlotUnavailable):
        book(place.calendar, day(2, 9), by=stage.staff)
    assert seen.requests == []


def test_a_look_that_began_before_a_choice_does_not_vouch_for_it(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = ground(stage).ada
    finish = runs.finish

    def choose_first(*args: Any, **kwargs: Any) -> None:
        monkeypatch.setattr(syncing, "finish", finish)
        choosing.change_settings(
            user=ada.user, now=timezone.now(), conflict_calendar_ids=[ada.calendar(n).pk for n in ("Home", "Work")]
        )
        finish(*args, **kwargs)

    monkeypatch.setattr(syncing, "finish", choose_first)
    ada.sync()
    assert not knows(ada)


def test_a_defect_of_our_own_is_seen_and_waited_for(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    place = ground(stage)

    def broken(*_: Any, **__: Any) -> None:
        raise ValueError("nobody thought of this")

    monkeypatch.setattr(syncing, "look", broken)
    waited_for = syncing.request_sync(connection_id=place.row.calendar.connection_id, now=timezone.now())
    for _ in range(3):
        with pytest.raises(ValueError, match="nobody"):
            place.ada.sync()
    connection = ICloudConnection.objects.get()
    assert (connection.status, connection.error_code, connection.failures) == ("unreachable", "unforeseen", 3)
    assert place.waits() > 0
    assert connection.claim is None
    waited_for.refresh_from_db()
    assert (waited_for.state, waited_for.error) == ("failed", "unforeseen")
    assert JournalEntry.objects.filter(action="sync_failed", code="unforeseen").count() == 3
    monkeypatch.undo()
    place.ada.sync(2)
    assert (place.ada.flags, knows(place.ada)) == (set(), True)
