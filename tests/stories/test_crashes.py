"""A worker dies at every moment at which it can, every request fails in every way, and somebody acts meanwhile: both
sides agree in the end, with one event for one appointment (reliability C1-C15, F17, F20, F21, F44, F49-F51)."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from calendars.models import Appointment, Calendar
from calendars.services.errors import Refused
from icloud_sync.local import outbox
from icloud_sync.models import EventState, SyncedEvent
from icloud_sync.services import connecting, flags, syncing
from tests import night
from tests.fake_icloud import faults
from tests.invariants import Ledger, always, come_to_rest, one_round
from tests.killing import Moment, dying, let_leases_expire, meanwhile, watching
from tests.stage import Person, Stage, day

Act = Callable[["Scene"], None]


@dataclass
class Scene:
    """One host with an appointment, about to be looked at by a worker."""

    stage: Stage
    traveller: Any
    ada: Person
    calendar: Calendar
    ledger: Ledger
    appointment: Appointment
    reuses_a_name: bool = False  # gone between our look and our write, which is then refused, or repeated (I5)

    @property
    def event(self) -> Any:
        """Our event as the phone shows it, or None."""
        return next((event for event in self.ledger.on_phones() if event.uid in self.ledger.uids), None)

    def work(self) -> None:
        """What a worker does when it gets the account."""
        assert self.ada.connection is not None
        self.ada.connection.refresh_from_db()
        run = syncing.push if self.ada.connection.status == "disconnected" else syncing.pull
        run(self.ada.connection.pk)

    def again(self) -> Scene:
        """The same scene in rows and accounts as they are now."""
        account = self.stage.icloud.world.by_apple_id(self.ada.account.apple_id)
        ada = Person(self.ada.user, account, self.stage.icloud, self.ada.connection)
        appointment = Appointment.objects.get(pk=self.appointment.pk)
        ledger = Ledger(self.stage.icloud, wait=self.traveller.shift)
        ledger.note()
        return Scene(self.stage, self.traveller, ada, self.calendar, ledger, appointment)


# -- what is about to happen -------------------------------------------------------------------------------------


def create(scene: Scene) -> None:
    """Booked a moment ago, nothing sent."""


def move(scene: Scene) -> None:
    come_to_rest(scene.ledger)
    scene.stage.edit(scene.appointment, start=day(3, 14))


def rename(scene: Scene) -> None:
    come_to_rest(scene.ledger)
    scene.stage.edit(scene.appointment, title="Fitting", notes="bring cake")


def move_twice(scene: Scene) -> None:
    come_to_rest(scene.ledger)
    scene.stage.edit(scene.appointment, start=day(3, 14))
    scene.stage.edit(scene.appointment, start=day(3, 15))


def cancel(scene: Scene) -> None:
    come_to_rest(scene.ledger)
    scene.stage.cancel(scene.appointment)


def cancel_at_once(scene: Scene) -> None:
    scene.stage.cancel(scene.appointment)


def phone_edits(scene: Scene) -> None:
    come_to_rest(scene.ledger)
    scene.event.edit(title="From the phone", start=day(4, 9), end=day(4, 10))


def phone_deletes(scene: Scene) -> None:
    come_to_rest(scene.ledger)
    scene.event.delete()


def phone_moves(scene: Scene) -> None:
    come_to_rest(scene.ledger)
    scene.event.move("Work")


def both_edit(scene: Scene) -> None:
    come_to_rest(scene.ledger)
    scene.event.edit(title="From the phone", location="Room 2")
    scene.stage.edit(scene.appointment, title="From LeadMagicX", start=day(3, 14))


def phone_deletes_and_it_moves_here(scene: Scene) -> None:
    come_to_rest(scene.ledger)
    scene.event.delete()
    scene.stage.edit(scene.appointment, start=day(3, 14))


def another_primary(scene: Scene) -> None:
    come_to_rest(scene.ledger)
    scene.ada.choose(primary="Work")


def disconnect_and_remove(scene: Scene) -> None:
    come_to_rest(scene.ledger)
    connecting.disconnect(connection_id=scene.ada.connection.pk, written_events="remove", now=timezone.now())


def second_seat(scene: Scene) -> None:
    come_to_rest(scene.ledger)
    scene.stage.book(scene.calendar, day(2, 9), name="Mary Somerville")


STORIES = (
    create, move, rename, move_twice, cancel, cancel_at_once, phone_edits, phone_deletes, phone_moves, both_edit,
    phone_deletes_and_it_moves_here, another_primary, disconnect_and_remove, second_seat,
)  # fmt: skip

# -- what somebody does meanwhile --------------------------------------------------------------------------------


def nobody(scene: Scene) -> None:
    """Nothing happens."""


def phone_notes(scene: Scene) -> None:
    if scene.event:
        scene.ledger.ours_changed(scene.event)
        scene.event.edit(notes="From the phone meanwhile")


def phone_shifts(scene: Scene) -> None:
    if scene.event:
        scene.ledger.ours_changed(scene.event)
        scene.event.edit(start=day(5, 9), end=day(5, 10))


def phone_opens(scene: Scene) -> None:
    if scene.event:
        scene.ledger.ours_changed(scene.event)
        scene.event.open()


def phone_removes(scene: Scene) -> None:
    if scene.event:
        scene.reuses_a_name = True
        scene.event.delete()


def phone_puts_elsewhere(scene: Scene) -> None:
    if scene.event:
        scene.reuses_a_name = True
        scene.ledger.ours_changed(scene.event.move("Work"))


def phone_hides(scene: Scene) -> None:
    if scene.event:
        scene.reuses_a_name = True
        scene.ledger.ours_changed(scene.event.move("Away"))


def here_moved(scene: Scene) -> None:
    with contextlib.suppress(Refused):
        scene.stage.edit(scene.appointment, start=day(6, 9))


def here_changed_back(scene: Scene) -> None:
    with contextlib.suppress(Refused):
        scene.stage.edit(scene.appointment, title="Grace Hopper", start=day(2, 9), notes="")


def here_renamed(scene: Scene) -> None:
    with contextlib.suppress(Refused):
        scene.stage.edit(scene.appointment, title="Renamed meanwhile")


def here_cancelled(scene: Scene) -> None:
    scene.stage.cancel(scene.appointment)


ACTS = (
    nobody, phone_notes, phone_shifts, phone_opens, phone_removes, phone_puts_elsewhere, phone_hides,
    here_moved, here_changed_back, here_renamed, here_cancelled,
)  # fmt: skip

# -- the stage ---------------------------------------------------------------------------------------------------


def prepared(stage: Stage, traveller: Any, story: Callable[[Scene], None]) -> Scene:
    ada = stage.person(calendars=("Home", "Work", "Away"))
    kind = {"type": "class_booking", "seats_per_slot": 3} if story is second_seat else {}
    calendar = stage.calendar(ada, **kind)
    ada.connect(conflicts=("Home", "Work"))
    ledger = Ledger(stage.icloud, wait=traveller.shift)
    foreign = ada.phone.create("Home", title="Dentist", start=day(9, 9), end=day(9, 10))
    ledger.foreign_is(foreign)
    ada.sync()
    scene = Scene(stage, traveller, ada, calendar, ledger, stage.book(calendar, day(2, 9), location="Room 1"))
    ledger.note()
    story(scene)
    return scene


@contextlib.contextmanager
def rolled_back(scene: Scene) -> Iterator[Scene]:
    """Give the scene as it was prepared, and forget afterwards what became of it."""
    world = scene.stage.icloud.world
    kept = {"accounts": world.accounts, "created_names": world.created_names}
    point, began = transaction.savepoint(), timezone.now()
    world.requests.clear()
    for name, value in kept.items():
        setattr(world, name, copy.deepcopy(value, {id(world): world}))
    twin = scene.again()
    twin.ledger.foreign = dict(scene.ledger.foreign)
    try:
        yield twin
        excused = world.violations if twin.reuses_a_name else []
        assert world.violations == excused, world.violations
    finally:
        world.violations.clear()
        scene.traveller.move_to(began)
        scene.stage.icloud.faults.clear()
        for name, value in kept.items():
            setattr(world, name, value)
        transaction.savepoint_rollback(point)


def finish(scene: Scene, story: Callable[[Scene], None], act: Callable[[Scene], None]) -> None:
    """Go on as beat and worker would, and look at what came of it."""
    let_leases_expire()
    always(scene.ledger)
    come_to_rest(scene.ledger)
    cancelled = {cancel, cancel_at_once, here_cancelled} & {story, act}
    statuses = dict(Appointment.objects.values_list("pk", "status"))
    assert statuses.pop(scene.appointment.pk) == ("cancelled" if cancelled else "confirmed")
    assert set(statuses.values()) <= {"confirmed"}, "somebody else's seat was cancelled"
    scene.appointment.refresh_from_db()
    live = SyncedEvent.objects.filter(engagement__session=scene.appointment.session, state=EventState.WRITTEN)
    if act is phone_notes and scene.event and live.exists() and story not in (rename, another_primary):
        assert scene.appointment.notes in ("From the phone meanwhile", ""), "an edit on the phone came out changed"


def share(moments: Sequence[Any], acts: Sequence[Act], story: Act, *, of: int) -> Sequence[tuple[Any, Act]]:
    """Return each moment with each act at night; by day one case in `of`."""
    everything = [(moment, act) for moment in moments for act in acts]
    return night.share(everything, start=STORIES.index(story), of=of)


@contextlib.contextmanager
def told(*what: Any) -> Iterator[None]:
    """Name the case a failure belongs to."""
    try:
        yield
    except BaseException as error:
        error.add_note(" / ".join(getattr(one, "__name__", str(one)) for one in what))
        raise


FAILURES: tuple[tuple[str, faults.Action, bool], ...] = (
    ("503 before", faults.status(503), False),
    ("503 after", faults.status(503), True),
    ("closed before", faults.close_before_response(), False),
    ("closed after", faults.close_before_response(), True),
    ("500 after", faults.status(500), True),
    ("429", faults.status(429, retry_after="1"), False),
    ("403", faults.status(403), False),
    ("a page", faults.html_200(), False),
)


def flags_mended(scene: Scene) -> None:
    """What was refused for good is tried again by hand (rule W9)."""
    let_leases_expire()
    come_close_to_rest(scene)
    for row in SyncedEvent.objects.filter(state=EventState.FAILED):
        assert row.engagement is not None
        flags.retry(appointment_id=scene.appointment.pk, now=timezone.now())
    # A removal is tried again by itself, only not before tomorrow.
    SyncedEvent.objects.filter(outbox.refused_removal()).update(due_at=timezone.now())


def come_close_to_rest(scene: Scene) -> None:
    for _ in range(3):
        one_round(scene.ledger)


def another_worker(scene: Scene) -> None:
    """A second worker takes the account over, as if the first one's lease had run out."""
    let_leases_expire()
    scene.work()


@pytest.mark.late
@pytest.mark.turns(2)
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_both_sides_agree_whatever_happens(traveller: Any, stage: Stage, story: Callable[[Scene], None]) -> None:
    scene = prepared(stage, traveller, story)
    with rolled_back(scene) as twin, watching() as watch:
        twin.work()
    assert watch.moments
    # Before a request nothing else is committed than after what came before it.
    for moment, act in share([one for one in watch.moments if one.kind != "request"], ACTS, story, of=449):
        with told(story, "dies", moment, act), rolled_back(scene) as twin:
            dies(twin, story, moment, act)
    numbers = range(1, 1 + sum(moment.kind == "request" for moment in watch.moments))
    failing = [(number, failure) for number in numbers for failure in FAILURES]
    for (number, failure), act in share(failing, ACTS, story, of=1733):
        with told(story, number, failure[0], act), rolled_back(scene) as twin:
            fails(twin, story, number, failure, act)
    for moment, act in share(watch.moments, [*ACTS[1:], another_worker], story, of=733):
        with told(story, "meanwhile", moment, act), rolled_back(scene) as twin:
            is_interrupted(twin, story, moment, act)


def dies(scene: Scene, story: Act, moment: Moment, act: Act) -> None:
    """The worker dies, somebody acts, the next one goes on (C1-C15, F44)."""
    with dying(moment) as watch:
        scene.work()
    assert watch.happened
    scene.ledger.note()
    act(scene)
    finish(scene, story, act)


def fails(scene: Scene, story: Act, number: int, failure: tuple[str, faults.Action, bool], act: Act) -> None:
    """A request fails, applied or not, answered or not (F4, F16, F17, F20, F21, F27)."""
    _, action, applied = failure
    rule = scene.stage.icloud.faults.add(action, nth=number, after_apply=applied)
    scene.work()
    assert rule.fired
    scene.ledger.note()
    act(scene)
    flags_mended(scene)
    finish(scene, story, act)


def is_interrupted(scene: Scene, story: Act, moment: Moment, act: Act) -> None:
    """The user, a client or a second worker acts in the middle (F11, F45, F49)."""
    with meanwhile(moment, lambda: act(scene)):
        scene.work()
    finish(scene, story, act)
