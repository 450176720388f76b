"""Fifty workers die at random moments of a mixed load of two hundred changes: in the end both sides agree, no event is
there twice, and nothing is lost (invariants I1-I19, reliability F44)."""

from __future__ import annotations

import os
import random
from datetime import timedelta
from typing import Any

import pytest

from calendars.models import Appointment
from tests.killing import Moment, dying, let_leases_expire
from tests.stage import Stage
from tests.stories.town import CALENDARS, HALF_HOUR, TEXTS, Town

CHANGES, DEATHS = 200, 50
KINDS = ("commit", "request", "answer")


class Load:
    """Two hosts on a busy day: people, phones and clients change things; `changes` counts what really changed."""

    def __init__(self, town: Town, dice: random.Random) -> None:
        self.town = town
        self.dice = dice
        self.changes = 0
        self.slot = 20

    def change(self) -> None:
        """Let somebody do something; one who finds nothing to change makes a new appointment."""
        acts = (self.move, self.rewrite, self.cancel, self.phone_changes, self.phone_deletes, self.phone_edits_ours,
                self.phone_deletes_ours, self.phone_creates, self.book, self.book)  # fmt: skip
        if not self.dice.choice(acts)():
            self.book()
        self.changes += 1

    def fresh(self) -> int:
        self.slot += 2
        return self.slot

    def person(self) -> Any:
        return self.dice.choice(self.town.people)

    def appointment(self) -> Appointment | None:
        rows = list(Appointment.objects.filter(status="confirmed").select_related("session").order_by("pk"))
        return self.dice.choice(rows) if rows else None

    def book(self) -> bool:
        before = Appointment.objects.count()
        self.town.books(self.dice.choice(self.town.calendars), self.fresh(), self.dice.choice(("Grace", "Mary")))
        assert Appointment.objects.count() == before + 1
        return True

    def move(self) -> bool:
        if found := self.appointment():
            self.town.moves(found, self.fresh())
        return found is not None

    def rewrite(self) -> bool:
        if found := self.appointment():
            self.town.rewrites(found, notes=f"{self.dice.choice(TEXTS)} {self.changes}")
        return found is not None

    def cancel(self) -> bool:
        if found := self.appointment():
            self.town.cancels(found)
        return found is not None

    def phone_creates(self) -> bool:
        place, free = self.dice.choice(CALENDARS), self.dice.random() < 0.3
        rrule = self.dice.choice((None, "FREQ=YEARLY;COUNT=2"))
        self.town.phone_creates(self.person(), place, self.fresh(), free=free, rrule=rrule)
        return True

    def phone_changes(self) -> bool:
        found = self.town.foreign_events(self.person())
        if found:
            start = self.town.at(self.fresh())
            self.town.phone_changes(
                self.dice.choice(found), lambda event: event.edit(start=start, end=start + 2 * HALF_HOUR)
            )
        return bool(found)

    def phone_deletes(self) -> bool:
        found = self.town.foreign_events(self.person())
        if found:
            self.town.phone_deletes(self.dice.choice(found))
        return bool(found)

    def phone_edits_ours(self) -> bool:
        found = self.town.our_events(self.person())
        if found:
            start = self.town.at(self.fresh())
            what = self.dice.choice(({"location": f"Room {self.changes}"}, {"start": start, "end": start + HALF_HOUR}))
            self.town.phone_edits_ours(self.dice.choice(found), **what)
        return bool(found)

    def phone_deletes_ours(self) -> bool:
        found = self.town.our_events(self.person())
        if found:
            self.dice.choice(found).delete()
        return bool(found)

    def worker_dies(self) -> bool:
        """Look at somebody's account, and die in the middle; return whether the worker lived long enough for that."""
        moment = Moment(self.dice.choice(KINDS), self.dice.randint(1, 8))  # type: ignore[arg-type]
        with dying(moment) as watch:
            self.town.work(self.person())
        let_leases_expire()
        self.town.check()
        return watch.happened


@pytest.mark.timeout(900)
@pytest.mark.nightly
@pytest.mark.icloud(impolite="an unacknowledged write is repeated whatever became of the event", ignore={5})
@pytest.mark.parametrize("seed", [int(os.environ.get("LOAD_SEED", "1"))])
def test_fifty_workers_die_during_two_hundred_changes(traveller: Any, stage: Stage, seed: int) -> None:
    load = Load(Town(stage, traveller), random.Random(seed))
    deaths = 0
    for _ in range(20 * DEATHS):
        for _ in range(CHANGES // DEATHS if load.changes < CHANGES else 0):
            load.change()
        deaths += load.worker_dies()
        traveller.shift(timedelta(seconds=20))
        if deaths == DEATHS and load.changes >= CHANGES:
            break
    assert (deaths, load.changes) == (DEATHS, CHANGES)
    load.town.end()
    assert len(load.town.book.status) == Appointment.objects.count()
