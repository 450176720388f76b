"""The stories' grammar: what may happen next."""

from __future__ import annotations

import sys
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from calendars.models import Appointment
from tests import night
from tests.killing import Moment
from tests.stories.town import CALENDARS, FAULTS, HALF_HOUR, TEXTS, Town

who = st.integers(0, 1)
which = st.integers(0, 3)
slots = st.integers(0, 5)
texts = st.sampled_from(TEXTS)
words = st.sampled_from([text for text in TEXTS if text])
moments = st.builds(Moment, st.sampled_from(["commit", "request", "answer"]), st.integers(1, 14))


class Stories(RuleBasedStateMachine):
    """One story; `town` is set by whoever tells it."""

    town: ClassVar[Town]

    def __init__(self) -> None:
        super().__init__()
        self.rested = False
        self._story = self.town.story()
        self._story.__enter__()

    def teardown(self) -> None:
        """Come to rest; not after a step that failed, nor when Hypothesis gives a story up that it cannot draw."""
        try:
            if sys.exception() is None:
                self.town.end()
        finally:
            self._story.__exit__(None, None, None)

    @invariant()
    def everything_holds(self) -> None:
        self.town.check()

    # -- picking -----------------------------------------------------------------------------------------------

    def person(self, number: int) -> Any:
        person = self.town.people[number]
        self.town.wakes(person)
        return person

    def pick(self, found: list[Any], number: int) -> Any:
        return found[number % len(found)] if found else None

    def appointment(self, number: int) -> Any:
        rows = Appointment.objects.filter(status="confirmed").select_related("session").order_by("pk")
        return self.pick(list(rows), number)

    def ours(self, person: int, number: int) -> Any:
        return self.pick(self.town.our_events(self.person(person)), number)

    def theirs(self, person: int, number: int) -> Any:
        return self.pick(self.town.foreign_events(self.person(person)), number)

    def connected(self, person: int) -> bool:
        connection = self.person(person).connection
        connection.refresh_from_db()
        return bool(connection.status != "disconnected")

    # -- LeadMagicX --------------------------------------------------------------------------------------------

    @rule(calendar=which, slot=slots, name=st.sampled_from(["Grace Hopper", "Mary Somerville"]))
    def a_client_books(self, calendar: int, slot: int, name: str) -> None:
        self.town.wakes(*self.town.people[: 1 if calendar in (0, 2) else 2])
        self.town.books(self.town.calendars[calendar], slot, name)

    @rule(number=which, slot=slots)
    def somebody_moves(self, number: int, slot: int) -> None:
        if appointment := self.appointment(number):
            self.town.moves(appointment, slot)

    @rule(number=which, field=st.sampled_from(["title", "location", "notes"]), text=words)
    def somebody_rewrites(self, number: int, field: str, text: str) -> None:
        if appointment := self.appointment(number):
            self.town.rewrites(appointment, **{field: text})

    @rule(number=which, person=who)
    def somebody_hands_over(self, number: int, person: int) -> None:
        if appointment := self.appointment(number):
            self.town.hands_over(appointment, self.person(person))

    @rule(number=which)
    def somebody_cancels(self, number: int) -> None:
        if appointment := self.appointment(number):
            self.town.cancels(appointment)

    @rule(number=which, act=st.sampled_from(["put_back", "leave_off", "retry"]))
    def somebody_acts_on_a_flag(self, number: int, act: str) -> None:
        if appointment := self.appointment(number):
            self.town.acts_on_flag(appointment, act)

    @rule(person=who, slot=slots)
    def the_host_blocks_time(self, person: int, slot: int) -> None:
        self.town.blocks_time(self.person(person), slot)

    @rule(person=who)
    def the_host_frees_what_was_deleted(self, person: int) -> None:
        self.town.frees_deleted(self.person(person))

    @rule(calendar=which, on=st.booleans())
    def staff_turns_icloud(self, calendar: int, on: bool) -> None:
        self.town.turns_icloud(self.town.calendars[calendar], on)

    # -- settings ----------------------------------------------------------------------------------------------

    @rule(person=who, primary=st.sampled_from(["Home", "Work"]))
    def the_host_chooses_a_primary_calendar(self, person: int, primary: str) -> None:
        self.town.chooses(self.person(person), primary=primary)

    @rule(person=who, conflicts=st.sets(st.sampled_from(CALENDARS)))
    def the_host_chooses_conflict_calendars(self, person: int, conflicts: set[str]) -> None:
        self.town.chooses(self.person(person), conflicts=tuple(sorted(conflicts)))

    @rule(person=who, deleted=st.sampled_from(["keep", "release"]))
    def the_host_decides_about_deleted_events(self, person: int, deleted: str) -> None:
        self.town.chooses(self.person(person), deleted_in_icloud=deleted)

    @rule(person=who, written_events=st.sampled_from(["keep", "remove"]))
    def the_host_disconnects(self, person: int, written_events: str) -> None:
        self.town.disconnects(self.person(person), written_events)

    @rule(person=who, primary=st.sampled_from([None, "Home", "Work"]))
    def the_host_connects_again(self, person: int, primary: str | None) -> None:
        if not self.connected(person):
            self.town.connects(self.person(person), primary)

    @rule(person=who)
    def the_password_is_revoked(self, person: int) -> None:
        self.town.revokes(self.person(person))

    @rule(person=who)
    def the_host_gives_a_new_password(self, person: int) -> None:
        self.town.new_password(self.person(person))

    # -- phones ------------------------------------------------------------------------------------------------

    @rule(
        person=who,
        calendar=st.sampled_from(CALENDARS),
        slot=slots,
        free=st.booleans(),
        rrule=st.sampled_from([None, None, "FREQ=DAILY;COUNT=3"]),
    )
    def the_phone_creates(self, person: int, calendar: str, slot: int, free: bool, rrule: str | None) -> None:
        self.town.phone_creates(self.person(person), calendar, slot, free=free, rrule=rrule)

    @rule(person=who, number=which, slot=slots, kind=st.sampled_from(["move", "rename", "free", "busy", "open"]))
    def the_phone_changes_its_own(self, person: int, number: int, slot: int, kind: str) -> None:
        event = self.theirs(person, number)
        if event is None:
            return
        start = self.town.at(slot)
        acts = {
            "move": lambda one: one.edit(start=start, end=start + 2 * HALF_HOUR),
            "rename": lambda one: one.edit(title="Private too"),
            "free": lambda one: one.set_free(),
            "busy": lambda one: one.set_busy(),
            "open": lambda one: one.open(),
        }
        self.town.phone_changes(event, acts[kind])

    @rule(person=who, number=which, calendar=st.sampled_from(CALENDARS))
    def the_phone_puts_its_own_elsewhere(self, person: int, number: int, calendar: str) -> None:
        if event := self.theirs(person, number):
            self.town.phone_changes(event, lambda one: one.move(calendar))

    @rule(person=who, number=which)
    def the_phone_deletes_its_own(self, person: int, number: int) -> None:
        if event := self.theirs(person, number):
            self.town.phone_deletes(event)

    @rule(person=who, number=which, slot=slots, longer=st.booleans())
    def the_phone_moves_an_appointment(self, person: int, number: int, slot: int, longer: bool) -> None:
        if event := self.ours(person, number):
            start = self.town.at(slot)
            self.town.phone_edits_ours(event, start=start, end=start + (2 if longer else 1) * HALF_HOUR)

    @rule(person=who, number=which, field=st.sampled_from(["title", "location", "notes"]), text=texts)
    def the_phone_rewrites_an_appointment(self, person: int, number: int, field: str, text: str) -> None:
        if event := self.ours(person, number):
            self.town.phone_edits_ours(event, **{field: text})

    @rule(person=who, number=which, kind=st.sampled_from(["open", "alarm", "rewrite", "all_day"]))
    def the_phone_touches_an_appointment(self, person: int, number: int, kind: str) -> None:
        event = self.ours(person, number)
        if event is None:
            return
        acts = {
            "open": lambda one: one.open(),
            "alarm": lambda one: one.add_alarm(),
            "rewrite": lambda one: one.rewrite(),
            "all_day": lambda one: one.make_all_day(),
        }
        self.town.phone_changes_ours(event, acts[kind])

    @rule(person=who, number=which)
    def the_phone_deletes_an_appointment(self, person: int, number: int) -> None:
        if event := self.ours(person, number):
            event.delete()

    @rule(person=who, number=which, calendar=st.sampled_from(CALENDARS))
    def the_phone_puts_an_appointment_elsewhere(self, person: int, number: int, calendar: str) -> None:
        if event := self.ours(person, number):
            self.town.phone_changes_ours(event, lambda one: one.move(calendar))

    # -- Apple and workers -------------------------------------------------------------------------------------

    @rule(person=who)
    def a_worker_looks(self, person: int) -> None:
        self.town.work(self.person(person))

    @rule(person=who)
    def a_worker_sends(self, person: int) -> None:
        self.town.work(self.person(person), "push")

    @rule(person=who, moment=moments)
    def a_worker_dies(self, person: int, moment: Moment) -> None:
        self.town.works_and_dies(self.person(person), moment)

    @rule(person=who, fault=st.integers(0, len(FAULTS) - 1), nth=st.integers(1, 6))
    def a_request_fails(self, person: int, fault: int, nth: int) -> None:
        self.town.works_badly(self.person(person), fault, nth)

    @rule(person=who, calendar=st.sampled_from(CALENDARS))
    def apple_forgets_the_tokens(self, person: int, calendar: str) -> None:
        self.town.forgets_tokens(self.person(person), calendar)

    @rule(person=who)
    def the_account_moves_to_another_partition(self, person: int) -> None:
        account = self.person(person).account
        account.migrate("p1" if account.partition == "p2" else "p2")

    @rule(seconds=st.sampled_from([1, 40, 130, 700]))
    def time_passes(self, seconds: int) -> None:
        self.town.traveller.shift(seconds)

    # Once in a long story, and once more at the end of each: rest is what costs most.
    @precondition(lambda self: night.NIGHTLY and not self.rested and Appointment.objects.exists())
    @rule()
    def everything_comes_to_rest(self) -> None:
        self.rested = True
        self.town.rests()
