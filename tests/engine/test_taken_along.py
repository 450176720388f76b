"""What the user added to an event goes along when another one takes its place in the same account (W5, W6, K8)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from calendars.services import calendars
from icloud_sync.models import EventState, SyncedEvent
from icloud_sync.services import syncing
from tests.fake_icloud import faults
from tests.faults.ground import Ground, ground
from tests.killing import Moment, dying, let_leases_expire, meanwhile
from tests.stage import Stage, day

pytestmark = pytest.mark.icloud_all_profiles

MINE = timedelta(minutes=-40)
TRIGGER = "-PT40M"


@pytest.fixture
def place(stage: Stage) -> Ground:
    return ground(stage)


@pytest.fixture
def dressed(place: Ground) -> Ground:
    """Ada has made the event hers, and LeadMagicX has seen that."""
    dress(place.event)
    place.ada.sync(2)
    return place


def dress(event: Any) -> None:
    event.add_alarm(MINE)
    event.make_travel_time(timedelta(minutes=25))
    event.set_line("URL", "https://example.org/room", ";VALUE=URI")
    event.set_line("X-MY-OWN", "kept")


def new_one(place: Ground, calendar: str = "Work") -> Any:
    """The one event of the appointment, in the calendar where it belongs now."""
    events = [event for event in place.ada.phone.events() if event.summary == "Grace Hopper"]
    assert [event.calendar.name for event in events] == [calendar]
    return events[0]


def what_she_added(event: Any) -> tuple[bool, ...]:
    names = ("X-APPLE-TRAVEL-DURATION", "X-MY-OWN")
    url = b"URL;VALUE=URI:https://example.org/room" in event.body
    return (TRIGGER in event.alarms, url, *(event.value(name) is not None for name in names))


ALL, NOTHING = (True,) * 4, (False,) * 4


def test_another_primary_calendar_has_the_alarms_travel_time_and_url(dressed: Ground) -> None:
    old = dressed.event
    uid, sequence = old.uid, old.sequence
    dressed.ada.choose(primary="Work")
    dressed.ada.sync()
    event = new_one(dressed)
    assert what_she_added(event) == ALL
    assert (event.uid != uid, uid.encode() in event.body, event.sequence) == (True, False, 0)
    assert sequence >= 0
    assert (event.start, event.alarms.count(TRIGGER)) == (day(2, 9), 1)
    assert SyncedEvent.objects.exclude(additions=None).count() == 0
    dressed.ada.sync(2)
    assert (dressed.ada.flags, dressed.events) == (set(), ["Dentist"])


def test_there_and_back_nothing_is_doubled(dressed: Ground) -> None:
    for name in ("Work", "Home", "Work"):
        dressed.ada.choose(primary=name)
        dressed.ada.sync(2)
    event = new_one(dressed)
    assert (what_she_added(event), event.alarms.count(TRIGGER)) == (ALL, 1)


def test_it_stays_when_the_new_event_is_updated(dressed: Ground) -> None:
    dressed.event.edit(notes=f"{dressed.event.description}\nRing twice")
    dressed.ada.choose(primary="Work")
    dressed.ada.sync(2)
    dressed.move()
    dressed.ada.sync(2)
    event = new_one(dressed)
    assert (event.start, what_she_added(event)) == (day(2, 15), ALL)
    assert event.description.endswith("\nRing twice")
    dressed.appointment.refresh_from_db()
    assert dressed.appointment.notes == ""


def test_many_are_read_with_one_request(dressed: Ground) -> None:
    for hour in (10, 11):
        dressed.stage.book(dressed.calendar, day(2, hour), name=f"Mary {hour}")
    dressed.ada.sync(2)
    for event in dressed.ada.phone.events("Home"):
        if event.summary.startswith("Mary"):
            dress(event)
    dressed.ada.sync(2)
    dressed.ada.choose(primary="Work")
    asked = len(dressed.icloud.requests)
    dressed.ada.push()
    sent = dressed.icloud.requests[asked:]
    assert Counter(record.method for record in sent)["REPORT"] == 1
    assert [record.method for record in sent if record.method in ("PUT", "DELETE")] == ["DELETE", "PUT"] * 3
    assert [what_she_added(event) for event in dressed.ada.phone.events("Work")] == [ALL] * 3


def test_nothing_is_asked_when_nothing_is_replaced(dressed: Ground) -> None:
    dressed.stage.cancel(dressed.appointment)
    asked = len(dressed.icloud.requests)
    dressed.ada.push()
    assert [record.method for record in dressed.icloud.requests[asked:]] == ["DELETE"]


@pytest.mark.icloud(mail=True)
def test_invitees_stay_behind_and_nobody_is_invited_again(dressed: Ground) -> None:
    dressed.event.add_invitee("zoe@example.org")
    dressed.ada.sync(2)
    mails = len(dressed.icloud.mail_log)
    dressed.ada.choose(primary="Work")
    dressed.ada.sync(2)
    event = new_one(dressed)
    assert (what_she_added(event), event.attendees) == (ALL, [])
    assert not any(word in event.body for word in (b"ORGANIZER", b"ATTENDEE", b"zoe@", b"mailto", b"X-APPLE-HOSTED"))
    # Their organizer's event goes: iCloud says so to those whom she had invited, as it always did.
    assert {mail.method for mail in dressed.icloud.mail_log[mails:]} <= {"CANCEL"}


def test_what_was_added_between_the_reading_and_the_removal_goes_along(place: Ground) -> None:
    event = place.event
    place.ada.choose(primary="Work")
    with meanwhile(Moment("request", 2), act=lambda: dress(event)) as watch:
        place.ada.push()
    assert watch.happened
    assert what_she_added(new_one(place)) == ALL


def test_moved_out_of_sight_it_is_read_where_it_is_found(dressed: Ground) -> None:
    dressed.ada.account.add_calendar("Away")
    dressed.ada.sync()
    dressed.event.move("Away")
    dressed.ada.choose(primary="Work")
    dressed.ada.sync(3)
    (event,) = dressed.ada.phone.events("Work")
    assert what_she_added(event) == ALL


def test_it_is_read_also_where_it_may_not_be_removed(dressed: Ground) -> None:
    """Without writer's access the removal waits, the new event does not (K7)."""
    home = dressed.ada.account.calendar("Home")
    home.access = "shared-ro"
    dressed.ada.sync(2)
    dressed.ada.choose(primary="Work")
    dressed.ada.sync()
    (event,) = dressed.ada.phone.events("Work")
    assert what_she_added(event) == ALL
    home.access = "owner"
    dressed.ada.sync(2)
    assert what_she_added(new_one(dressed)) == ALL


def test_turned_off_and_on_before_anything_is_sent(dressed: Ground) -> None:
    uid = dressed.row.uid
    for enabled in (False, True):
        calendars.update(calendar_id=dressed.calendar.pk, values={"icloud_enabled": enabled}, now=timezone.now())
    dressed.ada.sync(2)
    event = new_one(dressed, "Home")
    assert (event.uid != uid, what_she_added(event)) == (True, ALL)


# -- what cannot be read -------------------------------------------------------------------------------------------


def broken(place: Ground) -> None:
    event = place.event
    place.ada.phone.add_raw("Home", event.name, event.body.replace(b"DTSTART", b"X-START"))


def refused(place: Ground) -> None:
    place.icloud.faults.add(faults.status(403), method="REPORT", times=1)


def not_there(place: Ground) -> None:
    place.icloud.faults.add(faults.status(404), method="REPORT", times=1)


@pytest.mark.parametrize("how", [broken, refused, not_there])
def test_what_cannot_be_read_is_written_from_scratch(dressed: Ground, how: Callable[[Ground], None]) -> None:
    how(dressed)
    dressed.ada.choose(primary="Work")
    dressed.ada.push()
    event = new_one(dressed)
    assert (what_she_added(event), event.start, dressed.ada.flags) == (NOTHING, day(2, 9), set())


def test_a_fault_of_apples_is_waited_for_and_not_for_ever(dressed: Ground) -> None:
    dressed.icloud.faults.add(faults.status(500), method="REPORT", times=None)
    dressed.ada.choose(primary="Work")
    for _ in range(3):
        dressed.ada.sync()
        new_one(dressed, "Home")
    dressed.ada.sync()
    assert what_she_added(new_one(dressed)) == NOTHING


def test_a_fault_that_passes_costs_nothing(dressed: Ground) -> None:
    dressed.icloud.faults.add(faults.status(500), method="REPORT", times=1)
    dressed.ada.choose(primary="Work")
    dressed.ada.sync(2)
    assert what_she_added(new_one(dressed)) == ALL


@pytest.mark.parametrize("seen_before", [True, False])
def test_another_account_gets_nothing_of_the_first(place: Ground, seen_before: bool) -> None:
    """Also when the event is read, because it had changed by the time it was to be removed."""
    second = place.stage.person("second", calendars=("Other",))
    second.user = place.ada.user
    second.connect(primary=None)
    dress(place.event)
    if seen_before:
        place.ada.sync(2)
    second.choose(primary="Other")
    asked = len(place.icloud.requests)
    place.ada.push()
    sent = [record.method for record in place.icloud.requests[asked:]]
    assert sent == (["DELETE"] if seen_before else ["DELETE", "GET", "DELETE"])
    second.sync()
    (event,) = second.phone.events("Other")
    assert what_she_added(event) == NOTHING
    assert place.events == ["Dentist"]


def test_refused_with_it_the_event_is_written_without(dressed: Ground) -> None:
    dressed.ada.choose(primary="Work")
    refusal = dressed.icloud.faults.add(faults.status(403), method="PUT", times=1)
    dressed.ada.push()
    assert refusal.fired == 1
    assert (what_she_added(new_one(dressed)), dressed.ada.flags) == (NOTHING, set())


# -- workers that die ----------------------------------------------------------------------------------------------


def test_a_worker_may_die_at_any_moment(stage: Stage) -> None:
    """Nothing is lost, nothing is doubled, and no two copies are seen, wherever it stops."""
    place = ground(stage)
    dress(place.event)
    place.ada.sync(2)
    for name in ("Work", "Home"):
        place.ada.choose(primary=name)
        number = 0
        happened = True
        while happened:
            number += 1
            with dying(Moment("answer" if name == "Work" else "commit", number)) as watch:
                assert place.ada.connection is not None
                syncing.push(place.ada.connection.pk)
            happened = watch.happened
            copies = [event for event in place.ada.phone.events() if event.summary == "Grace Hopper"]
            assert len(copies) <= 1
            let_leases_expire()
        place.ada.sync(2)
        event = new_one(place, name)
        assert (what_she_added(event), event.alarms.count(TRIGGER)) == (ALL, 1)
        assert number > 2


@pytest.mark.late_turns(3)
@pytest.mark.parametrize("kind", ["commit", "request", "answer"])
def test_a_worker_that_dies_once_at_each_moment(dressed: Ground, kind: Any) -> None:
    """The next one finishes: one event with everything."""
    goals = ["Work", "Home"]
    number = 1
    while True:
        goal = goals[(number - 1) % 2]
        dressed.ada.choose(primary=goal)
        with dying(Moment(kind, number)) as watch:
            dressed.ada.push()
        let_leases_expire()
        dressed.ada.sync(2)
        event = new_one(dressed, goal)
        assert (what_she_added(event), event.alarms.count(TRIGGER)) == (ALL, 1), (kind, number)
        assert dressed.ada.flags == set()
        if not watch.happened:
            break
        number += 1
    assert number > 3


def test_a_third_calendar_chosen_while_the_event_is_in_neither(dressed: Ground) -> None:
    """Removed from the first, and its worker died: what was read is all there is left of it."""
    dressed.ada.account.add_calendar("Third")
    dressed.ada.sync()
    dressed.ada.choose(primary="Work")
    with dying(Moment("answer", 2)):
        dressed.ada.push()
    let_leases_expire()
    assert [event.summary for event in dressed.ada.phone.events()] == ["Dentist"]
    dressed.ada.choose(primary="Third")
    dressed.ada.sync(3)
    assert what_she_added(new_one(dressed, "Third")) == ALL
    assert {copy.state for copy in dressed.ada.copies()} == {EventState.GONE, EventState.WRITTEN}
