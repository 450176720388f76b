"""Blocks are computed again when a choice changes them, also of what cannot be read (rules P3, P13, P14, K6)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from icloud_sync.models import ICloudConnection
from icloud_sync.services import choosing, rolling
from tests.stage import Person, Stage, day

DENSE = "FREQ=DAILY;BYHOUR=8,10,12,14,16"


@pytest.fixture
def ada(stage: Stage) -> Person:
    """Ada, whose shifts in Home are too many for two years and not too many for one."""
    ada = stage.person()
    ada.phone.create("Home", title="Shift", start=day(1, 8), end=day(1, 9), rrule=DENSE)
    return ada


def widen(stage: Stage, ada: Person) -> None:
    stage.calendar(ada, booking_window_days=730)
    rolling.roll_windows(now=timezone.now())


def known_to() -> timedelta:
    horizon = ICloudConnection.objects.get().horizon
    assert horizon is not None
    return horizon - timezone.now()


def test_what_is_too_dense_for_the_window_goes_with_its_calendar(stage: Stage, ada: Person) -> None:
    ada.connect()
    ada.sync()
    kept = len(ada.blocks)
    widen(stage, ada)
    assert (len(ada.blocks), known_to() < timedelta(days=403)) == (kept, True)
    ada.choose(conflicts=())
    assert (len(ada.slots), ada.blocks) == (kept, []), "only conflict calendars block"
    assert known_to() > timedelta(days=730)
    ada.choose(conflicts=("Home",))
    assert len(ada.blocks) == kept
    assert known_to() < timedelta(days=403), "what is not known is not offered"


def test_what_is_too_dense_for_the_window_follows_its_user_and_is_told(stage: Stage, ada: Person) -> None:
    ada.phone.find("Shift").make_travel_time(before=timedelta(minutes=30))
    ada.connect()
    ada.sync()
    stage.calendar(ada, booking_window_days=730)
    ada.choose(travel_time_blocks=False)
    assert {slot.start - slot.busy_start for slot in ada.blocks} == {timedelta(0)}
    assert ada.flags == {"unreadable_event"}
    assert ada.journal().count("event_unreadable") == 1
    ada.choose(travel_time_blocks=True)
    assert {slot.start - slot.busy_start for slot in ada.blocks} == {timedelta(minutes=30)}
    assert ada.journal().count("event_unreadable") == 1
    assert known_to() < timedelta(days=403)


def test_the_user_s_zone_moves_floating_shifts_as_well(stage: Stage, ada: Person) -> None:
    ada.phone.find("Shift").set_line("DTSTART", day(1, 8).strftime("%Y%m%dT%H%M%S"))
    ada.phone.find("Shift").set_line("DTEND", day(1, 9).strftime("%Y%m%dT%H%M%S"))
    ada.connect()
    ada.sync()
    stage.calendar(ada, booking_window_days=730)
    ada.user.timezone = "Asia/Tokyo"
    ada.user.save()
    choosing.timezone_changed(ada.user.pk, now=timezone.now())
    assert ada.blocks[0].start.hour == 23


def test_what_cannot_be_read_any_more_goes_with_its_calendar(ada: Person) -> None:
    """P14: if it was blocking before it keeps blocking, in a conflict calendar."""
    event = ada.phone.find("Shift")
    ada.connect()
    ada.sync()
    kept = len(ada.blocks)
    event.edit(rrule="FREQ=HOURLY")
    ada.sync()
    assert (len(ada.blocks), ada.flags) == (kept, {"unreadable_event"})
    ada.choose(conflicts=())
    assert (len(ada.slots), ada.blocks) == (kept, [])
    assert {slot.code for slot in ada.slots} == {"NOT_CONFLICT_CALENDAR"}
    ada.choose(conflicts=("Home",))
    assert (len(ada.blocks), {slot.code for slot in ada.slots}) == (kept, {"BUSY"})


@pytest.mark.parametrize("why", ["taken out", "subscribed"])
def test_of_a_calendar_that_is_not_read_any_more_nothing_is_unreadable(stage: Stage, why: str) -> None:
    ada = stage.person()
    ada.phone.create("Work", title="Shift", start=day(1, 8), end=day(1, 9), rrule="FREQ=HOURLY")
    ada.connect(conflicts=("Home", "Work"))
    ada.sync()
    assert ada.flags == {"unreadable_event"}
    if why == "taken out":
        ada.choose(conflicts=("Home",))
    else:
        ada.account.calendar("Work").kind = "subscribed"
    ada.sync()
    assert ada.flags == set()


def test_a_calendar_that_becomes_a_subscribed_one_blocks_no_more(stage: Stage) -> None:
    ada = stage.person()
    ada.phone.create("Work", title="Meeting", start=day(3, 12), end=day(3, 13))
    ada.connect(conflicts=("Home", "Work"))
    ada.sync()
    assert [slot.title for slot in ada.blocks] == ["Meeting"]
    work: Any = ada.account.calendar("Work")
    work.kind = "subscribed"
    ada.sync(2)
    row = ada.calendar("Work")
    assert (row.kind, row.checks_conflicts) == ("subscribed", False)
    assert ada.slots == []
    assert ada.journal().count("conflict_removed") == 1
    work.kind = "event"
    ada.sync(2)
    assert ada.slots == [], "chosen again by its user alone"
    ada.choose(conflicts=("Home", "Work"))
    ada.sync(2)
    assert [slot.title for slot in ada.blocks] == ["Meeting"]
