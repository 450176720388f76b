"""The decision table is whole: every situation is decided by a row, or named here as one that cannot arise."""

from __future__ import annotations

from itertools import product

import pytest

from icloud_sync.rules.reconcile import RULES, ImpossibleState, decide
from icloud_sync.rules.states import Action, Local, Origin, Remote

A, B, I = Origin.APPOINTMENT, Origin.BLOCKED_SLOT, Origin.ICLOUD  # noqa: E741
EVERYTHING = list(product(Origin, Local, Remote))

# What iCloud never acknowledged cannot have changed there; what it acknowledged is not news.
NEVER_ACKNOWLEDGED = {(A, Local.NEW, Remote.SAME), (A, Local.NEW, Remote.EDITED)}
NO_NEWS = {(A, local, Remote.NEW) for local in (Local.SAME, Local.EDITED, Local.MOVED)}
# A blocked slot of LeadMagicX is never in iCloud (W3), so iCloud's side of it is absent, and ours is always new.
NEVER_WRITTEN = {key for key in EVERYTHING if key[0] is B} - {(B, Local.NEW, Remote.ABSENT)}
# The mirror of an iCloud event is never edited, moved, new or left off by us (contract: read_only).
READ_ONLY = {
    (I, local, remote) for local in (Local.NEW, Local.EDITED, Local.MOVED, Local.LEFT_OFF) for remote in Remote
}
# Without a mirror every event is new; with one it is not.
MIRRORED = {(I, Local.ABSENT, Remote.SAME), (I, Local.ABSENT, Remote.EDITED), (I, Local.SAME, Remote.NEW)}
IMPOSSIBLE = NEVER_ACKNOWLEDGED | NO_NEWS | NEVER_WRITTEN | READ_ONLY | MIRRORED


@pytest.mark.parametrize(("origin", "local", "remote"), EVERYTHING, ids=lambda value: value.name)
def test_every_situation_has_a_row_or_cannot_arise(origin: Origin, local: Local, remote: Remote) -> None:
    key = (origin, local, remote)
    assert (key in RULES) is (key not in IMPOSSIBLE)
    if key in IMPOSSIBLE:
        with pytest.raises(ImpossibleState, match=f"{origin.name} {local.name} {remote.name}"):
            decide(origin, local, remote)


def actions(origin: Origin, local: Local) -> dict[str, str]:
    return {remote.name: decide(origin, local, remote).name for remote in Remote if (origin, local, remote) in RULES}


@pytest.mark.parametrize(
    ("local", "expected"),
    [
        (Local.NEW, {"ABSENT": "CREATE_REMOTE", "NEW": "ADOPT"}),
        (Local.SAME, {"ABSENT": "FLAG_REMOVED", "SAME": "NOTHING", "EDITED": "TAKE_EDIT"}),
        (Local.EDITED, {"ABSENT": "FLAG_REMOVED", "SAME": "UPDATE_REMOTE", "EDITED": "MERGE"}),
        (Local.MOVED, {"ABSENT": "RECREATE_REMOTE", "SAME": "UPDATE_REMOTE", "EDITED": "MERGE"}),
        (
            Local.ABSENT,
            {"ABSENT": "FORGET", "NEW": "DELETE_REMOTE", "SAME": "DELETE_REMOTE", "EDITED": "DELETE_REMOTE"},
        ),
        (Local.REMOVED, {"ABSENT": "NOTHING", "NEW": "RESTORE", "SAME": "RESTORE", "EDITED": "RESTORE"}),
        (Local.LEFT_OFF, {"ABSENT": "NOTHING", "NEW": "RESTORE", "SAME": "RESTORE", "EDITED": "RESTORE"}),
    ],
    ids=lambda value: value.name if isinstance(value, Local) else "",
)
def test_what_happens_to_an_appointment(local: Local, expected: dict[str, str]) -> None:
    """Rules W1, W2, W4, W8, P4, P6, P7, P8."""
    assert actions(A, local) == expected


def test_a_blocked_slot_is_never_written() -> None:
    """Rule W3."""
    assert {decide(*key) for key in RULES if key[0] is B} == {Action.NOTHING}


@pytest.mark.parametrize(
    ("local", "expected"),
    [
        (Local.ABSENT, {"ABSENT": "NOTHING", "NEW": "CREATE_BLOCK"}),
        (Local.SAME, {"ABSENT": "KEEP_BLOCK", "SAME": "NOTHING", "EDITED": "UPDATE_BLOCK"}),
        (
            Local.REMOVED,
            {"ABSENT": "NOTHING", "NEW": "UPDATE_BLOCK", "SAME": "UPDATE_BLOCK", "EDITED": "UPDATE_BLOCK"},
        ),
    ],
    ids=lambda value: value.name if isinstance(value, Local) else "",
)
def test_what_happens_to_an_event_made_in_icloud(local: Local, expected: dict[str, str]) -> None:
    """Rules P1, P2, P5."""
    assert actions(I, local) == expected


def test_nothing_in_icloud_ever_removes_an_appointment_or_a_block() -> None:
    """Rules P4, P5: where iCloud's side is absent, nothing is taken away but what we wanted away ourselves."""
    absent = {key: action for key, action in RULES.items() if key[2] is Remote.ABSENT}
    assert {key for key, action in absent.items() if action is Action.FORGET} == {(A, Local.ABSENT, Remote.ABSENT)}
    assert not {action for key, action in absent.items()} & {Action.DELETE_REMOTE, Action.UPDATE_REMOTE}


def test_only_a_new_time_writes_again_what_was_removed() -> None:
    """Rule P4."""
    again = {key for key, action in RULES.items() if action is Action.RECREATE_REMOTE}
    assert again == {(A, Local.MOVED, Remote.ABSENT)}
