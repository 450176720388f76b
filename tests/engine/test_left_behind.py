"""An edit made on the iPhone a moment before the event there is given up for another one (rules P7, P8, W2)."""

from __future__ import annotations

import pytest
from django.utils import timezone

from icloud_sync.models import JournalEntry
from icloud_sync.services import connecting
from tests.faults.ground import Ground, ground
from tests.stage import Stage, day

pytestmark = pytest.mark.icloud_all_profiles


@pytest.fixture
def place(stage: Stage) -> Ground:
    return ground(stage)


def edit(place: Ground) -> None:
    place.event.edit(title="Grace, in a hurry", notes="Bring the contract", start=day(2, 11), end=day(2, 11, 30))


def appointment_says(place: Ground) -> tuple[object, ...]:
    place.appointment.refresh_from_db()
    found = place.appointment
    return found.title, found.notes, found.session.start


EDITED = "Grace, in a hurry", "Bring the contract", day(2, 11)


def test_it_goes_along_to_another_primary_calendar(place: Ground) -> None:
    edit(place)
    place.ada.choose(primary="Work")
    place.ada.sync(2)
    assert appointment_says(place) == EDITED
    assert place.events == ["Dentist"]
    (event,) = place.ada.phone.events("Work")
    assert (event.summary, event.start) == (EDITED[0], EDITED[2])
    assert place.ada.flags == {"moved_in_icloud"}


def test_it_goes_along_to_another_host(stage: Stage) -> None:
    ada, ben = stage.person("ada"), stage.person("ben")
    for person in (ada, ben):
        person.connect()
    calendar = stage.calendar(ada, ben)
    place = Ground(stage, ada, calendar, stage.book(calendar, day(2, 9), host_id=ada.user.pk))
    ada.sync(2)
    edit(place)
    stage.edit(place.appointment, host_id=ben.user.pk)
    for person in (ben, ada, ben):
        person.sync()
    assert appointment_says(place) == EDITED
    assert ada.phone.events("Home") == []
    assert [(event.summary, event.start) for event in ben.phone.events("Home")] == [(EDITED[0], EDITED[2])]
    assert (ada.flags, ben.flags) == (set(), {"moved_in_icloud"})


def test_what_was_changed_here_too_wins_and_the_other_is_kept_in_the_journal(place: Ground, stage: Stage) -> None:
    edit(place)
    stage.edit(place.appointment, title="Grace, as agreed")
    place.ada.choose(primary="Work")
    place.ada.sync(2)
    assert appointment_says(place) == ("Grace, as agreed", *EDITED[1:])
    (lost,) = JournalEntry.objects.filter(action="edit_lost")
    assert (lost.before, lost.after) == ({"title": EDITED[0]}, {"title": "Grace, as agreed"})


def test_a_cancelled_appointment_stays_cancelled_and_the_journal_has_the_edit(place: Ground, stage: Stage) -> None:
    edit(place)
    stage.cancel(place.appointment)
    place.ada.sync(2)
    assert (place.events, place.ada.flags) == (["Dentist"], set())
    assert appointment_says(place) == ("Grace Hopper", "", day(2, 9))
    (lost,) = JournalEntry.objects.filter(action="edit_lost")
    assert {name: lost.before[name] for name in ("title", "notes")} == {"title": EDITED[0], "notes": EDITED[1]}


def test_it_is_taken_when_the_account_is_disconnected(place: Ground) -> None:
    edit(place)
    assert place.ada.connection is not None
    connecting.disconnect(connection_id=place.ada.connection.pk, written_events="remove", now=timezone.now())
    place.ada.push()
    assert appointment_says(place) == EDITED
    assert place.events == ["Dentist"]


def test_a_title_that_is_generated_stays_and_the_journal_has_what_was_typed(stage: Stage) -> None:
    ada = stage.person()
    ada.connect()
    calendar = stage.calendar(ada, type="class_booking", seats_per_slot=3, name="Yoga")
    place = Ground(stage, ada, calendar, stage.book(calendar, day(2, 9)))
    ada.sync(2)
    place.event.edit(title="My hour", notes="On the roof\n" + (place.event.description or ""))
    ada.sync(3)
    assert place.event.summary == "Yoga (1/3)"
    (lost,) = JournalEntry.objects.filter(action="edit_lost")
    (taken,) = JournalEntry.objects.filter(action="edit_taken")
    assert (lost.before, lost.after) == ({"title": "My hour"}, {"title": "Yoga (1/3)"})
    assert taken.after == {"notes": "On the roof"}
