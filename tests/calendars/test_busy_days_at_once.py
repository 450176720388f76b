"""Two transactions that write one user's blocked slots leave the busy days right (decision 0039)."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Event
from typing import Any

import pytest
from django.db import OperationalError, connection, connections, transaction
from django.db.models import F

from calendars.models import BlockedSlot
from leadmagicx.accounts.models import User
from tests.calendars import busy_days
from tests.calendars.test_concurrency import HALF, HOUR, PARALLEL, at_once, somebody_waits, unexpected
from tests.factories import UserFactory, make_icloud_slot

pytestmark = pytest.mark.django_db(transaction=True)


def insert_slot(user: User, start: datetime, minutes: int = 30) -> Callable[[], Any]:
    return lambda: make_icloud_slot(user, start, start + timedelta(minutes=minutes))


def delete_slots(*slots: BlockedSlot) -> Callable[[], Any]:
    return lambda: BlockedSlot.objects.filter(pk__in=[slot.pk for slot in slots]).delete()


def move_slot(slot: BlockedSlot, by: timedelta) -> Callable[[], Any]:
    names = ("start", "end", "busy_start", "busy_end")
    return lambda: BlockedSlot.objects.filter(pk=slot.pk).update(**{name: F(name) + by for name in names})


def while_under_way(first: Callable[[], Any], second: Callable[[], Any], *, isolation: str = "") -> Any:
    """Do the second act while the first is written and not committed; return its result or exception.

    With an isolation level, the second's transaction has looked at the database before the first one wrote.
    """
    looked, written, go = Event(), Event(), Event()

    def held() -> None:
        with transaction.atomic():
            assert looked.wait(60)
            first()
            written.set()
            assert go.wait(60)
        connections.close_all()

    def late() -> Any:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                if isolation:
                    cursor.execute(f"set transaction isolation level {isolation}")
                    cursor.execute("select count(*) from calendars_blockedslot")
                looked.set()
                assert written.wait(60)
                return second()
        except OperationalError as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        one, two = pool.submit(held), pool.submit(late)
        assert written.wait(60)
        while not somebody_waits() and not two.done():
            pass
        waited = not two.done()
        go.set()
        one.result()
        assert waited, "the second must wait for the first"
        return two.result()


@pytest.mark.late_turns(3)
@pytest.mark.timeout(120)
@pytest.mark.parametrize("isolation", ["", "repeatable read"])
@pytest.mark.parametrize("acts", ["insert+insert", "delete+insert", "insert+delete", "delete+delete", "move+insert"])
def test_writers_of_one_busy_day_do_not_overwrite_each_other(monday: datetime, acts: str, isolation: str) -> None:
    """Neither sees the other's slot when it begins; the day must have both."""
    user = UserFactory()
    kind, other = acts.split("+")
    slots = {name: insert_slot(user, monday + hours * HOUR)() for name, hours in (("first", 1), ("second", 5), ("", 9))}

    def act(kind: str, name: str, hours: int) -> Callable[[], Any]:
        made = {"insert": insert_slot(user, monday + hours * HOUR), "delete": delete_slots(slots[name])}
        return made.get(kind) or move_slot(slots[name], timedelta(days=1))

    outcome = while_under_way(act(kind, "first", 13), act(other, "second", 17), isolation=isolation)
    assert isinstance(outcome, OperationalError) == bool(isolation)
    assert busy_days.kept() == busy_days.counted()
    assert len(busy_days.kept()) == (2 if kind == "move" else 1)


@pytest.mark.timeout(120)
def test_the_last_slot_of_a_day_goes_while_another_comes(monday: datetime) -> None:
    user = UserFactory()
    for first, second in (("delete", "insert"), ("insert", "delete")):
        BlockedSlot.objects.all().delete()
        only = insert_slot(user, monday)()
        acts = {"delete": delete_slots(only), "insert": insert_slot(user, monday + HOUR)}
        while_under_way(acts[first], acts[second])
        assert busy_days.kept() == busy_days.counted()
        assert [len(pieces) for pieces in busy_days.kept().values()] == [1]


@pytest.mark.late
@pytest.mark.timeout(300)
def test_many_writers_of_the_same_busy_days_never_deadlock(monday: datetime) -> None:
    """Each adds slots of two users in one statement, moves some and deletes some, one after the other."""
    users = [UserFactory() for _ in range(3)]
    chance = random.Random(12)

    def act(seed: int) -> Callable[[], Any]:
        own = random.Random(seed)

        def run() -> None:
            with transaction.atomic():
                rows = []
                for user in own.sample(users, 2) * 3:
                    start = monday + own.randrange(96) * HALF
                    end = start + own.choice([HALF, HOUR, 30 * HOUR])
                    rows.append(BlockedSlot(user=user, start=start, end=end, busy_start=start, busy_end=end))
                made = BlockedSlot.objects.bulk_create(rows)
            move_slot(made[0], timedelta(days=own.choice([-1, 1])))()
            delete_slots(*made[1:4])()

        return run

    found = at_once([act(chance.randrange(10**6)) for _ in range(PARALLEL)])
    assert unexpected(found) == []
    assert BlockedSlot.objects.count() == 3 * PARALLEL
    assert busy_days.kept() == busy_days.counted()
