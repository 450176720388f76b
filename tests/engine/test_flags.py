"""Flags open when a person should look, and end when there is nothing left to see (rules P4, P7)."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

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
