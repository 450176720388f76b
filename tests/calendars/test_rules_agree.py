"""The fast rules and the obvious ones agree on random calendars (issue 4).

5,000 of them at night, 100 by day.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calendars.rules.availability import Block, HostTime, Question, Shape, Sitting, Taken, Terms
from calendars.rules.hours import Hours, days
from tests import night
from tests.calendars import reference

CALENDARS = 5_000 if night.NIGHTLY else 100
thoroughly = settings(max_examples=CALENDARS, deadline=None, database=None, suppress_health_check=list(HealthCheck))

# Zones with gaps and repeats at midnight, of half an hour, of a whole day, and without any.
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Havana",
         "Africa/Casablanca", "Pacific/Apia"]  # fmt: skip
FIRST_DAYS = [date(2026, 3, 27), date(2026, 10, 23), date(2026, 3, 7), date(2026, 11, 1), date(2026, 4, 4),
              date(2011, 12, 29), date(2026, 6, 29)]  # fmt: skip
DAYS = 3


@st.composite
def hours_of_a_calendar(draw: st.DrawFn, first: date) -> Hours:
    def intervals() -> tuple[tuple[int, int], ...]:
        times = draw(st.lists(st.integers(0, 96), min_size=0, max_size=4, unique=True))
        edges = sorted(time * 15 for time in times)
        return tuple(zip(edges[::2], edges[1::2], strict=False))

    weekly = {day: intervals() or ((0, 1440),) for day in range(7)}
    overridden = draw(st.lists(st.integers(0, DAYS - 1), max_size=2, unique=True))
    overrides = {first + timedelta(days=day): intervals() for day in overridden}
    return Hours(ZoneInfo(draw(st.sampled_from(ZONES))), weekly, overrides)


def quarter_hours(low: int, high: int) -> st.SearchStrategy[int]:
    return st.integers(low, high).map(lambda count: count * 900)


@st.composite
def host_times(draw: st.DrawFn, host: int, begins: int, shape: Shape) -> HostTime:
    taken = []
    for session in range(draw(st.integers(0, 4))):
        start = begins + draw(quarter_hours(-8, DAYS * 96))
        taken.append(
            Taken(
                session=session,
                start=start,
                end=start + draw(quarter_hours(1, 12)),
                before=draw(st.sampled_from([0, 0, 900, 3600])),
                after=draw(st.sampled_from([0, 0, 900, 1200])),
                own_class=shape is Shape.CLASS and draw(st.booleans()),
            )
        )
    blocks = []
    for _ in range(draw(st.integers(0, 3))):
        start = begins + draw(quarter_hours(-8, DAYS * 96))
        blocks.append(Block(start, start + draw(quarter_hours(0, 40)), icloud=draw(st.booleans()), place="Home"))
    known = draw(st.sampled_from([None, None, None, 30, 150, 280]))
    horizon = None if known is None else begins + known * 900
    return HostTime(host, taken, blocks, horizon)


@st.composite
def calendars(draw: st.DrawFn) -> tuple[date, Hours, int, Question]:
    first = draw(st.sampled_from(FIRST_DAYS))
    hours = draw(hours_of_a_calendar(first))
    begins = int(datetime(first.year, first.month, first.day, tzinfo=UTC).timestamp())
    shape = draw(st.sampled_from(list(Shape)))
    count = 1 if shape is Shape.CLASS else draw(st.integers(0, 4))
    hosts = [draw(host_times(number, begins, shape)) for number in range(1, count + 1)]
    terms = Terms(
        shape=shape,
        zone=hours.zone,
        length=draw(quarter_hours(1, 8)),
        before=draw(st.sampled_from([0, 0, 900, 2700])),
        after=draw(st.sampled_from([0, 0, 600, 900])),
        notice=draw(st.sampled_from([0, 0, 0, 3600, 86_400])),
        window_days=draw(st.sampled_from([60, 60, 60, 1, 2])),
        max_per_day=draw(st.sampled_from([None, None, None, 1, 3])),
    )
    sittings = {}
    if shape is Shape.CLASS:
        own = [item for item in hosts[0].taken if item.own_class]
        sittings = {item.start: Sitting(item.session, draw(st.integers(0, 3)), 2) for item in own}
        # A session that a former owner gives.
        sittings.setdefault(begins + draw(quarter_hours(0, 40)), Sitting(99, draw(st.integers(0, 2)), 2))
    booked = {first + timedelta(days=day): draw(st.integers(0, 4)) for day in range(-1, DAYS + 1)}
    hidden = draw(st.sets(st.integers(1, 4), max_size=2)) if shape is Shape.ANY and draw(st.booleans()) else set()
    passed_over = {(first.year, first.month): frozenset(hidden)} if hidden else {}
    now = begins + draw(st.sampled_from([-200, -90, -20, -1, 0, 50])) * 900
    question = Question(terms, hosts, now, sittings, booked, passed_over)
    return first, hours, draw(st.sampled_from([900, 1800, 2700, 3600])), question


@thoroughly
@given(calendars())
def test_the_fast_rules_agree_with_the_obvious_ones(made: tuple[date, Hours, int, Question]) -> None:
    first, hours, step, question = made
    last = first + timedelta(days=DAYS - 1)
    length = question.terms.length
    obvious = {start for day in days(first, last) for start in reference.grid(hours, day, step=step, length=length)}
    starts = hours.starts(first, last, step=step, length=length)
    assert starts == sorted(obvious)
    expected = {start: reference.codes(question, start) for start in starts}
    assert question.open_starts(starts) == [start for start in starts if not expected[start]]
    for start in starts:
        assert [(reason.code, reason.host) for reason in question.reasons(start)] == expected[start], start
