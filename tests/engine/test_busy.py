"""What kinds of events block, under every profile (rules P2, P9-P12; emulator section 9, Pull)."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.fake_icloud import FakeICloud
from tests.stage import Person, Stage, day

pytestmark = pytest.mark.icloud_all_profiles
BERLIN = ZoneInfo("Europe/Berlin")
HOUR = timedelta(hours=1)


def blocks(person: Person, title: str) -> list[tuple[datetime, datetime]]:
    found = [slot for slot in person.blocks if slot.title == title]
    return sorted((slot.busy_start.astimezone(UTC), slot.busy_end.astimezone(UTC)) for slot in found)


def midnight(offset: int) -> datetime:
    """Return the beginning of a day in Berlin."""
    return datetime.combine(day(offset).date(), time(0), BERLIN).astimezone(UTC)


def test_all_day_floating_travel_declined_and_cancelled(stage: Stage) -> None:
    ada = stage.person(zone="Europe/Berlin")
    phone, nine = ada.phone, day(4, 9)
    date = day(4).date()
    phone.create("Home", title="Trip", start=date, end=date + timedelta(days=2))
    phone.create("Home", title="Birthday", start=date, end=date + timedelta(days=1), free=True)
    phone.create("Home", title="Floating", start=nine.replace(tzinfo=None), end=nine.replace(tzinfo=None) + HOUR)
    phone.create("Home", title="Far", start=nine, end=nine + HOUR, travel=HOUR / 2, travel_return=HOUR / 4)
    for title, partstat in (("Declined", "DECLINED"), ("Unanswered", "NEEDS-ACTION")):
        phone.create("Home", title=title, start=nine, end=nine + HOUR, organizer="x@y.example", partstat=partstat)
    phone.create("Home", title="Off", start=nine, end=nine + HOUR, status="CANCELLED")
    phone.create("Home", title="Maybe", start=nine, end=nine + HOUR, status="TENTATIVE")
    ada.connect()
    ada.sync(3)
    assert blocks(ada, "Trip") == [(midnight(4), midnight(6))]
    local = nine.replace(tzinfo=BERLIN).astimezone(UTC)
    assert blocks(ada, "Floating") == [(local, local + HOUR)]
    assert blocks(ada, "Far") == [(nine - HOUR / 2, nine + HOUR + HOUR / 4)]
    assert blocks(ada, "Unanswered") == blocks(ada, "Maybe") == [(nine, nine + HOUR)]
    codes = {slot.title: slot.code for slot in ada.slots if not slot.blocks}
    assert codes == {"Birthday": "FREE", "Declined": "DECLINED", "Off": "CANCELLED"}


def test_a_series_split_moved_out_freed_and_across_a_clock_change(stage: Stage) -> None:
    ada = stage.person(zone="Europe/Berlin")
    phone = ada.phone
    first = datetime.combine(day(2).date(), time(9), BERLIN)
    starts = [first + timedelta(days=number) for number in range(6)]
    made = {
        title: phone.create("Home", title=title, start=first, end=first + HOUR, rrule="FREQ=DAILY;COUNT=6")
        for title in ("Split", "Moved", "Flipped", "Cut")
    }
    march = datetime(first.year + (first.month > 2), 3, 1, 9, 0, tzinfo=BERLIN)
    ada.connect()
    ada.sync(2)
    made["Split"].split_series(starts[3], title="Split later", start=starts[3] + HOUR, end=starts[3] + 2 * HOUR)
    made["Moved"].edit_occurrence(
        starts[1], start=starts[1] + timedelta(days=3000), end=starts[1] + timedelta(3000, 3600)
    )
    made["Flipped"].set_free()
    made["Flipped"].edit_occurrence(starts[2], free=False)
    made["Cut"].delete_occurrence(starts[4])
    made["Cut"].edit_occurrence(starts[5], start=starts[5] + 2 * HOUR, end=starts[5] + 3 * HOUR)
    phone.create("Home", title="Weekly", start=march, end=march + HOUR, rrule="FREQ=WEEKLY;COUNT=6")
    ada.sync(3)

    def at(*when: datetime) -> list[tuple[datetime, datetime]]:
        return [(start.astimezone(UTC), start.astimezone(UTC) + HOUR) for start in when]

    assert blocks(ada, "Split") == at(*starts[:3])
    assert blocks(ada, "Split later") == at(*(start + HOUR for start in starts[3:]))
    assert blocks(ada, "Moved") == at(starts[0], *starts[2:])
    assert blocks(ada, "Flipped") == at(starts[2])
    assert blocks(ada, "Cut") == at(*starts[:4], starts[5] + 2 * HOUR)
    weekly = [start.astimezone(BERLIN).hour for start, _ in blocks(ada, "Weekly")]
    assert weekly == [9] * 6, "nine by the wall clock before and after the last Sunday of March"


def test_the_profiles_are_different(icloud: FakeICloud) -> None:
    """Else the tests above would say the same thing three times."""
    assert (icloud.flags.truncate_at == 3) is (icloud.world.profile == "hostile")
    assert icloud.flags.duplicate_hrefs is (icloud.world.profile != "probed")
