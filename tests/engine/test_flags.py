"""Flags open when a person should look, and end when there is nothing left to see (rules P4, P7)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from calendars.services import blocked
from calendars.services.errors import InvalidState
from icloud_sync.models import Attention
from icloud_sync.services import flags
from leadmagicx.accounts.models import User
from tests.stage import Person, Stage, day


@pytest.fixture
def ada(stage: Stage) -> Person:
    return stage.person()


def test_a_new_time_given_here_answers_a_move_on_the_phone(stage: Stage, ada: Person) -> None:
    calendar = stage.calendar(ada)
    ada.connect()
    appointment = stage.book(calendar, day(2, 9))
    ada.sync(2)
    ada.phone.events("Home")[0].edit(start=day(2, 15), end=day(2, 15, 30))
    ada.sync(2)
    assert ada.flags == {"moved_in_icloud"}
    stage.edit(appointment, title="Only a title")
    assert ada.flags == {"moved_in_icloud"}
    stage.edit(appointment, start=day(3, 9))
    assert ada.flags == set()


def test_what_was_removed_stays_off_when_only_its_notes_change(stage: Stage, ada: Person) -> None:
    """Rule P4; iCloud holds no parts of a second, so they are no new time."""
    calendar = stage.calendar(ada)
    ada.connect()
    start = day(2, 9) + timedelta(milliseconds=500)
    appointment = stage.book(calendar, start, ignore_availability=True)
    ada.sync(2)
    ada.phone.events("Home")[0].delete()
    ada.sync(3)
    stage.edit(appointment, notes="Bring the drawings")
    ada.sync(2)
    assert (ada.phone.events("Home"), ada.flags) == ([], {"removed_in_icloud"})


def test_a_clash_ends_when_the_other_appointment_is_cancelled(stage: Stage, ada: Person) -> None:
    calendar = stage.calendar(ada)
    ada.connect()
    moved, other = stage.book(calendar, day(2, 9)), stage.book(calendar, day(2, 15))
    ada.sync(2)
    event = next(e for e in ada.phone.events("Home") if e.start == day(2, 9))
    event.edit(start=day(2, 15), end=day(2, 15, 30))
    ada.sync(2)
    assert ada.flags == {"moved_in_icloud", "clash"}
    moved.session.refresh_from_db()
    assert moved.session.start == day(2, 15), "applied and flagged"
    assert not stage.is_free(calendar, day(2, 15)), "nothing can be booked over it"
    stage.cancel(other)
    assert "clash" not in ada.flags


def test_what_was_seen_can_be_put_aside_what_needs_doing_cannot(stage: Stage, ada: Person) -> None:
    calendar = stage.calendar(ada)
    ada.connect()
    stage.book(calendar, day(2, 9))
    ada.sync(2)
    ada.phone.events("Home")[0].edit(start=day(2, 15), end=day(2, 15, 30))
    ada.sync(2)
    flag = Attention.objects.get(code="moved_in_icloud")
    flags.acknowledge(attention_id=flag.pk, now=timezone.now())
    assert ada.flags == set()
    ada.phone.events("Home")[0].delete()
    ada.sync(2)
    with pytest.raises(InvalidState):
        flags.acknowledge(attention_id=Attention.objects.get(code="removed_in_icloud").pk, now=timezone.now())


def test_an_edit_that_cannot_be_taken_is_flagged_and_the_flag_ends_with_it(stage: Stage, ada: Person) -> None:
    calendar = stage.calendar(ada)
    ada.connect()
    appointment = stage.book(calendar, day(2, 9))
    ada.sync(2)
    event = ada.phone.events("Home")[0]
    event.make_all_day()
    ada.sync(2)
    appointment.session.refresh_from_db()
    assert (ada.flags, appointment.session.start) == ({"unsupported_edit"}, day(2, 9))
    event.make_timed(day(2, 9), day(2, 9, 30))
    ada.sync(2)
    assert ada.flags == set()


def test_a_move_can_be_put_aside_over_rest_and_on_the_page(stage: Stage, ada: Person) -> None:
    calendar = stage.calendar(ada)
    ada.connect()
    stage.book(calendar, day(2, 9))
    ada.sync(2)
    for hour in (15, 17):
        ada.phone.events("Home")[0].edit(start=day(2, hour), end=day(2, hour, 30))
        ada.sync(2)
        browser = Client()
        browser.force_login(ada.user)
        (case,) = browser.get("/api/v1/attention/").json()["results"]
        path = f"/api/v1/attention/{case['id']}/" if hour == 15 else f"/attention/{case['id']}/"
        stranger = Client()
        stranger.force_login(User.objects.get_or_create(username="eve")[0])
        assert stranger.post(f"{path}acknowledge/").status_code == 404
        assert "Got it" in browser.get("/attention/").content.decode()
        assert browser.post(f"{path}acknowledge/").status_code in (200, 302)
        assert browser.get("/api/v1/attention/").json()["results"] == []


@pytest.mark.late_turns(3)
@pytest.mark.parametrize("by", ["a private event", "a blocked slot", "a private event of the other host"])
def test_a_move_onto_blocked_time_clashes_until_it_is_moved_or_seen(stage: Stage, ada: Person, by: str) -> None:
    """Rule P7: clashing with another appointment is one way to clash, not the only one."""
    ben = stage.person("ben")
    calendar = stage.calendar(ada, ben, type="collective")
    for person in (ada, ben):
        person.connect()
    if by == "a blocked slot":
        blocked.create(user=ada.user, start=day(3, 15), end=day(3, 16), title="Focus time")
    else:
        host = ben if "other" in by else ada
        host.phone.create("Home", title="Dentist", start=day(3, 15), end=day(3, 16))
    appointment = stage.book(calendar, day(2, 9))
    for person in (ben, ada):
        person.sync(2)
    for answer in ("moved", "seen"):
        (event,) = [found for found in ada.phone.events("Home") if found.summary == "Grace Hopper"]
        event.edit(start=day(3, 15, 30), end=day(3, 16))
        ada.sync(2)
        assert ada.flags == {"moved_in_icloud", "affects_others", "clash"}
        if answer == "moved":
            stage.edit(appointment, start=day(4, 9))
            assert ada.flags == set()
            ada.sync(2)
    case = Attention.objects.get(code="clash", resolved_at=None)
    flags.acknowledge(attention_id=case.pk, now=timezone.now())
    assert "clash" not in ada.flags


def test_two_that_change_places_on_the_phone_do_not_clash(stage: Stage, ada: Person) -> None:
    calendar = stage.calendar(ada)
    dentist = ada.phone.create("Home", title="Dentist", start=day(3, 15), end=day(3, 15, 30))
    ada.connect()
    stage.book(calendar, day(2, 9))
    ada.sync(2)
    ada.phone.find("Grace Hopper").edit(start=day(3, 15), end=day(3, 15, 30))
    dentist.edit(start=day(2, 9), end=day(2, 9, 30))
    ada.sync(2)
    assert ada.flags == {"moved_in_icloud"}
