"""One Apple calendar seen by several hosts, or through two accounts of one: our own event is no obstacle (rule W7), and
the account is still looked at by one sync at a time (rule T1)."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from calendars.services.errors import SlotUnavailable
from icloud_sync.local import leases
from icloud_sync.models import EventState, ICloudConnection, ICloudEvent
from icloud_sync.services import booking, choosing
from tests.stage import Person, Stage, day


def team(stage: Stage) -> tuple[Person, Person]:
    """Ada, and Ben who has her account on his iPhone too."""
    ada, ben = stage.person("ada"), stage.person("ben")
    ben.account = ada.account
    for person in (ada, ben):
        person.connect(conflicts=("Home",))
    return ada, ben


@pytest.mark.parametrize("wanted", ["another time", "another host"])
def test_an_appointment_is_moved_although_everybody_sees_it_as_busy(stage: Stage, wanted: str) -> None:
    ada, ben = team(stage)
    kind = "collective" if wanted == "another time" else "round_robin"
    calendar = stage.calendar(ada, ben, type=kind, slot_interval=15)
    appointment = stage.book(calendar, day(2, 9), **({} if kind == "collective" else {"host_id": ada.user.pk}))
    for person in (ada, ben, ada):
        person.sync()
    assert [slot.start for slot in ben.blocks] == [day(2, 9)]
    given = {"start": day(2, 9, 15)} if kind == "collective" else {"host_id": ben.user.pk}
    booking.edit(appointment_id=appointment.pk, by=stage.staff, now=timezone.now(), **given)
    for person in (ada, ben, ada, ben):
        person.sync()
    hosts = ["ada", "ben"] if kind == "collective" else ["ben"]
    written = ada.copies(EventState.WRITTEN) + ben.copies(EventState.WRITTEN)
    assert [copy.engagement.host.username for copy in written] == hosts
    assert {event.start for event in ada.phone.events("Home")} == {given.get("start", day(2, 9))}
    assert len(ada.phone.events("Home")) == len(hosts)
    assert ada.flags | ben.flags == set()


def test_what_is_really_busy_still_keeps_it_from_being_moved(stage: Stage) -> None:
    ada, ben = team(stage)
    appointment = stage.book(stage.calendar(ada, ben, type="collective", slot_interval=15), day(2, 9))
    ada.phone.create("Home", title="Dentist", start=day(2, 9, 30), end=day(2, 10))
    for person in (ada, ben):
        person.sync()
    with pytest.raises(SlotUnavailable, match="busy in iCloud"):
        booking.edit(appointment_id=appointment.pk, by=stage.staff, now=timezone.now(), start=day(2, 9, 15))


def test_a_class_seen_through_a_second_account_of_its_owner_keeps_its_seats(stage: Stage) -> None:
    ada, family = stage.person("ada"), stage.person("family", calendars=("Home",))
    family.user = ada.user
    ada.account.share("Work", to=family.account, access="rw")
    ada.connect(primary="Work", conflicts=("Work",))
    family.connect(primary=None)
    both = [ada.calendar("Work").pk, family.calendar("Work").pk]
    choosing.change_settings(user=ada.user, now=timezone.now(), conflict_calendar_ids=both)
    calendar = stage.calendar(ada, type="class_booking", seats_per_slot=3)
    first = stage.book(calendar, day(2, 9))
    for person in (ada, family, ada, family):
        person.sync()
    assert ICloudEvent.objects.filter(calendar__connection=family.connection).exists()
    assert ada.slots == []
    assert stage.is_free(calendar, day(2, 9))
    # The roster changes the event, which is read again; it is no obstacle then either, and gone when it is gone.
    second = stage.book(calendar, day(2, 9), name="Alan Turing")
    for person in (ada, family):
        person.sync()
    assert (stage.is_free(calendar, day(2, 9)), ada.slots) == (True, [])
    for appointment in (first, second):
        stage.cancel(appointment)
    for person in (ada, family, family):
        person.sync()
    assert (ada.slots, ada.flags, stage.is_free(calendar, day(2, 9))) == ([], set(), True)


def claim(person: Person) -> uuid.UUID | None:
    assert person.connection is not None
    return leases.claim(person.connection.pk, now=timezone.now())


def test_an_account_of_two_users_has_one_sync_at_a_time(stage: Stage) -> None:
    ada, ben = team(stage)
    assert claim(ada) is not None
    with stage.icloud.counting() as seen:
        ben.sync()
    assert seen.requests == []
    assert claim(ben) is None
    ICloudConnection.objects.update(claim=None, claimed_until=None)
    with stage.icloud.counting() as seen:
        ben.sync()
    assert seen.requests


def test_a_killed_sync_does_not_hold_up_the_other_user_of_its_account(stage: Stage) -> None:
    ada, ben = team(stage)
    dead = claim(ada)
    assert dead is not None
    ICloudConnection.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    assert claim(ben) is not None
    assert ada.connection is not None
    with pytest.raises(leases.LeaseLost):
        leases.renew(ada.connection.pk, dead)


def test_what_is_cancelled_frees_everybody_who_saw_it(stage: Stage) -> None:
    """What a phone deleted keeps its time (rule P5); what LeadMagicX removed was nobody's deletion."""
    ada, ben = team(stage)
    appointment = stage.book(stage.calendar(ada), day(2, 9))
    for person in (ada, ben):
        person.sync()
    assert [slot.start for slot in ben.blocks] == [day(2, 9)]
    stage.cancel(appointment)
    for person in (ada, ben, ben):
        person.sync()
    assert (ada.phone.events("Home"), ben.slots, ben.flags) == ([], [], set())


def test_ours_deleted_in_one_account_and_put_into_the_other_closes_its_time_there(stage: Stage) -> None:
    ada, other = stage.person("ada"), stage.person("other", calendars=("Home",))
    other.user = ada.user
    ada.connect()
    other.connect(primary=None)
    appointment = stage.book(stage.calendar(ada), day(2, 9))
    home = ICloudConnection.objects.get(pk=other.connection.pk).calendars.get(name="Home")  # type: ignore[union-attr]
    choosing.change_settings(
        user=ada.user, now=timezone.now(), conflict_calendar_ids=[ada.calendar("Home").pk, home.pk]
    )
    ada.sync(2)
    (event,) = ada.phone.events("Home")
    old, new = (f"{day(number):%Y%m%d}".encode() for number in (2, 5))
    other.phone.add_raw("Home", f"{event.uid}.ics", event.body.replace(old, new))
    other.sync()
    assert ada.blocks == [], "ours, as far as anybody can tell"
    event.delete()
    ada.sync(2)
    other.sync()
    assert ada.flags == {"removed_in_icloud"}
    assert [slot.start for slot in ada.blocks] == [day(5, 9)]
    appointment.session.refresh_from_db()
    assert appointment.session.start == day(2, 9)
