"""Where entries stand in the week."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadmagicx.pages import geometry
from leadmagicx.pages.geometry import Placed

BERLIN = ZoneInfo("Europe/Berlin")
DAY = date(2026, 6, 3)
STYLESHEET = (Path(__file__).parents[2] / "leadmagicx/static/leadmagicx/app.css").read_text()


@dataclass(frozen=True)
class Thing:
    start: datetime
    end: datetime
    all_day: bool = False


def thing(begin: str, finish: str, *, zone: ZoneInfo = BERLIN, day: date = DAY) -> Thing:
    times = (datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=zone) for clock in (begin, finish))
    return Thing(*times)


def only(entry: Thing, *, day: date = DAY) -> Placed[Thing]:
    (place,) = geometry.day_of(day, [entry], zone=BERLIN).timed
    return place


def test_a_week_is_monday_to_sunday() -> None:
    assert geometry.week_of(date(2026, 1, 1)) == [date(2025, 12, 29) + timedelta(days=n) for n in range(7)]


@pytest.mark.parametrize(
    ("begin", "finish", "minutes"),
    [
        ("09:00", "09:30", (540, 570)),
        ("09:02", "09:58", (540, 600)),  # to the next five minutes outwards
        ("09:00", "09:05", (540, 560)),  # room for a line of text
        ("23:55", "23:59", (1420, 1440)),  # but never past midnight
    ],
)
def test_an_entry_takes_its_minutes(begin: str, finish: str, minutes: tuple[int, int]) -> None:
    place = only(thing(begin, finish))
    assert (place.begin, place.finish) == minutes


def test_what_goes_over_midnight_is_on_both_days() -> None:
    night = Thing(datetime(2026, 6, 3, 22, tzinfo=BERLIN), datetime(2026, 6, 4, 2, tzinfo=BERLIN))
    assert (only(night).begin, only(night).finish) == (22 * 60, 1440)
    following = only(night, day=date(2026, 6, 4))
    assert (following.begin, following.finish) == (0, 120)


def test_what_ends_at_midnight_is_not_on_the_next_day() -> None:
    evening = Thing(datetime(2026, 6, 3, 22, tzinfo=BERLIN), datetime(2026, 6, 4, tzinfo=BERLIN))
    assert only(evening).finish == 1440
    assert geometry.day_of(date(2026, 6, 4), [evening], zone=BERLIN).timed == []


def test_what_fills_the_day_stands_above_the_hours() -> None:
    long = Thing(datetime(2026, 6, 2, 12, tzinfo=BERLIN), datetime(2026, 6, 4, 12, tzinfo=BERLIN))
    assert geometry.day_of(DAY, [long], zone=BERLIN).whole == [long]
    assert only(long, day=date(2026, 6, 2)).begin == 720


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25)])
def test_a_day_on_which_the_clock_changes(day: date, hours: int) -> None:
    midnight = datetime(day.year, day.month, day.day, tzinfo=BERLIN).astimezone(UTC)
    whole = Thing(midnight, midnight + timedelta(hours=hours))
    assert geometry.day_of(day, [whole], zone=BERLIN).whole == [whole]
    # 2:30 to 2:10 by the clock on the wall, an hour and twenty minutes less or more in fact
    folded = Thing(midnight + timedelta(hours=2, minutes=30), midnight + timedelta(hours=3, minutes=10))
    place = only(folded, day=day)
    assert place.finish - place.begin >= geometry.SHORTEST


@given(st.lists(st.tuples(st.integers(0, 280), st.integers(1, 60)), max_size=25))
def test_nothing_lies_on_anything_else(pieces: list[tuple[int, int]]) -> None:
    places = [
        Placed(Thing(datetime.now(UTC), datetime.now(UTC)), begin * 5, min((begin + length) * 5, 1440))
        for begin, length in pieces
    ]
    laid = geometry.in_lanes(places)
    assert sorted((p.begin, p.finish) for p in laid) == sorted((p.begin, p.finish) for p in places)
    for lane in {place.lane for place in laid}:
        column = sorted((p for p in laid if p.lane == lane), key=lambda p: p.begin)
        assert all(first.finish <= second.begin for first, second in pairwise(column))
    assert all(place.lane < place.lanes for place in laid)


def test_the_classes_are_those_of_the_stylesheet() -> None:
    assert Placed(thing("09:00", "09:30"), 9 * 60 + 15, 11 * 60, lane=1, lanes=2).classes == "h9 m15 d1 e45 k1 w6"
    assert Placed(thing("09:00", "10:00"), 540, 600).classes == "h9 d1"


@given(st.integers(0, 287), st.integers(4, 288), st.integers(1, 20))
def test_every_place_has_its_classes_in_the_stylesheet(begin: int, length: int, lanes: int) -> None:
    finish = min(begin + length, 288)
    place = Placed(thing("09:00", "10:00"), begin * 5, finish * 5, lane=lanes - 1, lanes=lanes)
    for name in place.classes.split():
        assert f".{name} {{" in STYLESHEET, name


def test_the_hours_shown_widen_for_what_lies_outside() -> None:
    inside = geometry.day_of(DAY, [thing("09:00", "10:00")], zone=BERLIN)
    assert geometry.hours_shown([inside]) == (8, 19)
    outside = geometry.day_of(DAY, [thing("05:30", "06:00"), thing("21:00", "22:10")], zone=BERLIN)
    assert geometry.hours_shown([inside, outside]) == (5, 23)
