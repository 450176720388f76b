"""The busy days are what the blocked slots say, whoever wrote them and by whatever means (decision 0039)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from importlib import import_module
from itertools import count

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calendars.models import BlockedSlot, BusyDay
from calendars.selectors import rows
from leadmagicx.accounts.models import User
from tests import night
from tests.calendars.busy_days import Pieces, counted, joined, kept
from tests.factories import UserFactory, make_blocked_slot, make_icloud_slot

pytestmark = pytest.mark.django_db

STORIES = 1_000 if night.NIGHTLY else 40
BASE = datetime(2026, 3, 27, tzinfo=UTC)
MINUTE, TICK = timedelta(minutes=1), timedelta(microseconds=1)
LENGTHS = [timedelta(0), TICK, MINUTE, 30 * MINUTE, timedelta(hours=26), timedelta(days=2), timedelta(days=2) + TICK,
           timedelta(days=9)]  # fmt: skip
COLUMNS = 'user_id, source, title, place, start, "end", busy_start, busy_end, all_day, blocks, code, external_id'
_external = count(1)

moments = st.builds(
    lambda minutes, ticks: BASE + minutes * MINUTE + ticks * TICK,
    st.integers(0, 6 * 1440).map(lambda minute: minute // 20 * 20),
    st.sampled_from([0, 0, 0, 1, 999_999]),
)


@st.composite
def new_slots(draw: st.DrawFn) -> list[BlockedSlot]:
    """Slots of the users 0 and 1, who are put in when the slots are written."""
    found = []
    for _ in range(draw(st.integers(1, 6))):
        start, icloud = draw(moments), draw(st.booleans())
        end = start + draw(st.sampled_from(LENGTHS))
        times = {"start": start, "end": end, "busy_start": start, "busy_end": end}
        source = {"source": "icloud", "external_id": next(_external)} if icloud else {}
        found.append(
            BlockedSlot(user_id=draw(st.integers(0, 1)), blocks=draw(st.integers(0, 3)) > 0, **times, **source)
        )
    return found


class Town:
    """Two users, and everything that can happen to their slots."""

    def __init__(self) -> None:
        BlockedSlot.objects.all().delete()
        self.users: list[User] = [UserFactory(), UserFactory()]

    def adopted(self, slots: Iterable[BlockedSlot]) -> list[BlockedSlot]:
        found = list(slots)
        for slot in found:
            slot.user = self.users[slot.user_id]
        return found

    def some(self, draw: Callable[[st.SearchStrategy[int]], int]) -> list[BlockedSlot]:
        step = draw(st.integers(1, 4))
        return list(BlockedSlot.objects.order_by("pk"))[draw(st.integers(0, 3)) :: step]

    def act(self, draw: Callable[..., int]) -> None:
        acts = [self.saved, self.inserted, self.inserted, self.copied, self.copied, self.updated, self.updated,
                self.upserted, self.deleted, self.deleted, self.user_deleted]  # fmt: skip
        draw(st.sampled_from(acts))(draw)

    def saved(self, draw: Callable[..., list[BlockedSlot]]) -> None:
        for slot in self.adopted(draw(new_slots())):
            slot.save()
            slot.blocks = not slot.blocks
            slot.save()

    def inserted(self, draw: Callable[..., list[BlockedSlot]]) -> None:
        BlockedSlot.objects.bulk_create(self.adopted(draw(new_slots())))

    def copied(self, draw: Callable[..., list[BlockedSlot]]) -> None:
        slots = self.adopted(draw(new_slots()))
        with connection.cursor() as cursor, cursor.copy(f"copy calendars_blockedslot ({COLUMNS}) from stdin") as copy:
            for slot in slots:
                copy.write_row([slot.user_id, slot.source, "", "", slot.start, slot.end, slot.busy_start, slot.busy_end,
                                slot.all_day, slot.blocks, slot.code, slot.external_id])  # fmt: skip

    def updated(self, draw: Callable[..., int]) -> None:
        some = BlockedSlot.objects.filter(pk__in=[slot.pk for slot in self.some(draw)])
        shift, length = draw(st.sampled_from([20, 1440, -7 * 1440])) * MINUTE, draw(st.sampled_from(LENGTHS))
        names = ("start", "end", "busy_start", "busy_end")
        changes = [
            {"title": "Seen"},
            {"blocks": draw(st.booleans())},
            {"user": self.users[draw(st.integers(0, 1))]},
            {"source": "leadmagicx", "external_id": None},
            {name: F(name) + shift for name in names},
            {"busy_end": F("end") + length, "busy_start": F("start") - 90 * MINUTE},
        ]
        some.update(**draw(st.sampled_from(changes)))

    def upserted(self, draw: Callable[..., int]) -> None:
        some = self.some(draw)
        for slot in some:
            slot.busy_start -= 70 * MINUTE
        added = self.adopted(draw(new_slots()))
        for slot in added:
            slot.pk = 10**9 + next(_external)
        BlockedSlot.objects.bulk_create(
            [*some, *added], update_conflicts=True, unique_fields=["id"], update_fields=["busy_start"]
        )

    def deleted(self, draw: Callable[..., int]) -> None:
        BlockedSlot.objects.filter(pk__in=[slot.pk for slot in self.some(draw)]).delete()

    def user_deleted(self, draw: Callable[..., int]) -> None:
        place = draw(st.integers(0, 1))
        self.users[place].delete()
        self.users[place] = UserFactory()


def clipped(pieces: Iterable[tuple[int, int]], since: datetime, until: datetime) -> Pieces:
    begin, finish = int(since.timestamp()), int(until.timestamp())
    return joined((max(start, begin), min(end, finish)) for start, end in pieces if start < finish and end > begin)


@settings(max_examples=STORIES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whatever_happens_to_slots_the_days_follow(data: st.DataObject) -> None:
    town = Town()
    for _ in range(data.draw(st.integers(1, 10))):
        town.act(data.draw)
        assert kept() == counted()
        since = BASE + data.draw(st.integers(-24, 7 * 24)) * 60 * MINUTE
        until = since + data.draw(st.integers(1, 80)) * 60 * MINUTE
        for icloud in (True, False):
            asked = {"users": [user.pk for user in town.users], "since": since, "until": until, "icloud": icloud}
            for user in asked["users"]:
                merged = [(start, end) for whose, start, end in rows.busy(**asked) if whose == user]
                each = [(start, end) for whose, start, end, *_ in rows.blocks(**asked) if whose == user]
                assert clipped(merged, since, until) == clipped(each, since, until)


def test_what_does_not_change_the_time_rewrites_no_day(ada: User) -> None:
    slots = [make_icloud_slot(ada, BASE + hour * 60 * MINUTE, BASE + (hour + 2) * 60 * MINUTE) for hour in range(60)]

    def versions() -> list[tuple[object, ...]]:
        with connection.cursor() as cursor:
            cursor.execute("select day, xmin::text, ctid::text from calendars_busyday order by day")
            return list(cursor.fetchall())

    before = versions()
    BlockedSlot.objects.update(title="Moved", place="Work", removed_at=BASE, code="FREE")
    slots[3].delete()  # covered by its neighbours, but its day is counted again
    after = versions()
    assert len(before) == len(after) == 3
    assert [one != other for one, other in zip(before, after, strict=True)] == [True, False, False]


def test_an_emptied_table_has_no_busy_days(ada: User) -> None:
    make_blocked_slot(ada, BASE, BASE + MINUTE)
    assert BusyDay.objects.count() == 1
    with connection.cursor() as cursor:
        cursor.execute("set constraints all immediate; truncate calendars_blockedslot")
    assert not BusyDay.objects.exists()


def test_an_answer_without_reasons_does_not_read_the_slots_one_by_one(ada: User) -> None:
    make_icloud_slot(ada, BASE, BASE + MINUTE)
    make_icloud_slot(ada, BASE - timedelta(days=5), BASE + timedelta(days=5))
    BlockedSlot.objects.filter(busy_start=BASE).update(title="One")
    with CaptureQueriesContext(connection) as captured:
        found = rows.busy(users=[ada.pk], since=BASE, until=BASE + timedelta(days=1), icloud=True)
    begin = int(BASE.timestamp())
    assert sorted(found) == [(ada.pk, begin - 5 * 86_400, begin + 5 * 86_400), (ada.pk, begin, begin + 60)]
    assert len(captured) == 1


def test_slots_there_before_are_counted_when_the_table_comes(ada: User, bea: User) -> None:
    make_icloud_slot(ada, BASE, BASE + 30 * MINUTE)
    make_blocked_slot(bea, BASE, BASE + 50 * MINUTE)
    make_blocked_slot(bea, BASE + 40 * MINUTE, BASE + 80 * MINUTE)
    expected = kept()
    assert expected == counted()
    backfill = import_module("calendars.migrations.0002_busy_days").BACKFILL
    BusyDay.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute(backfill)
    assert kept() == expected
