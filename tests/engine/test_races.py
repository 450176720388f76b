"""Two things at once: a person acts while a worker is in the middle of it."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from icloud_sync.local import leases
from icloud_sync.models import EventState, ICloudConnection
from icloud_sync.remote.side import ICloudSide
from icloud_sync.services import syncing
from tests.stage import Stage, day


@pytest.mark.parametrize("when", ["before the first write", "before an update"])
def test_cancelled_while_its_write_is_being_prepared(stage: Stage, monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    ada = stage.person()
    calendar = stage.calendar(ada)
    ada.connect()
    appointment = stage.book(calendar, day(2, 9))
    if when == "before an update":
        ada.push()
        stage.edit(appointment, start=day(2, 15))
    drafted = ICloudSide.draft

    def cancel_then_draft(side: ICloudSide, *args: Any) -> Any:
        monkeypatch.setattr(ICloudSide, "draft", drafted)
        stage.cancel(appointment)
        return drafted(side, *args)

    monkeypatch.setattr(ICloudSide, "draft", cancel_then_draft)
    ada.push()
    assert ada.connection is not None
    assert ada.connection.claimed_until is None, "the account is given back"
    ada.sync(2)
    assert ada.phone.events("Home") == []
    assert [copy.state for copy in ada.copies()] == [EventState.GONE]


def test_a_look_that_met_a_push_is_due_as_soon_as_that_is_over(stage: Stage) -> None:
    """Seen from outside: with a poll of one second a time was closed after six, for the look had been handed out."""
    ada = stage.person().connect()
    assert ada.connection is not None
    now = timezone.now()
    ICloudConnection.objects.update(next_sync_at=now)
    assert syncing.due_for_pull(now=now) == [ada.connection.pk]
    pushing = leases.claim(ada.connection.pk, now=now)
    assert pushing is not None
    syncing.pull(ada.connection.pk)
    assert syncing.due_for_pull(now=timezone.now()) == []
    leases.release(ada.connection.pk, pushing)
    assert syncing.due_for_pull(now=timezone.now()) == [ada.connection.pk]


def test_a_look_that_must_wait_is_not_due_before_its_time(stage: Stage) -> None:
    ada = stage.person().connect()
    assert ada.connection is not None
    later = timezone.now() + timedelta(minutes=5)
    ICloudConnection.objects.update(next_sync_at=later, not_before=later)
    syncing.pull(ada.connection.pk)
    assert syncing.due_for_pull(now=timezone.now()) == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("before", [None, "Home"])
def test_booked_while_a_primary_calendar_is_chosen_it_is_written_to_that_one(stage: Stage, before: str | None) -> None:
    ada = stage.person()
    calendar = stage.calendar(ada)
    ada.connect(primary=before)
    booked, done = threading.Event(), threading.Event()

    def choose() -> None:
        try:
            booked.wait(10)
            ada.choose(primary="Work")
        finally:
            done.set()
            connection.close()

    chooser = threading.Thread(target=choose)
    chooser.start()
    with transaction.atomic():
        stage.book(calendar, day(2, 9))
        booked.set()
        assert not done.wait(0.3), "the choice waits for the booking"
    chooser.join()
    ada.sync(2)
    assert [event.summary for event in ada.phone.events("Work")] == ["Grace Hopper"]
    assert ada.phone.events("Home") == []
