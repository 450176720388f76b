"""The one table that decides about every event; pull and push both read it, so they cannot disagree."""

from __future__ import annotations

from icloud_sync.rules.states import Action, Local, Origin, Remote

A, B, I = Origin.APPOINTMENT, Origin.BLOCKED_SLOT, Origin.ICLOUD  # noqa: E741

RULES: dict[tuple[Origin, Local, Remote], Action] = {
    # An appointment: our side, iCloud's side
    (A, Local.NEW, Remote.ABSENT): Action.CREATE_REMOTE,  # W1 "Events created in LeadMagicX sync to iCloud"
    (A, Local.NEW, Remote.NEW): Action.ADOPT,  # W4 written, but we stopped before noting it
    (A, Local.SAME, Remote.SAME): Action.NOTHING,  # W8
    (A, Local.SAME, Remote.EDITED): Action.TAKE_EDIT,  # P7 "syncs new events and updates"
    (A, Local.SAME, Remote.ABSENT): Action.FLAG_REMOVED,  # P4 "it won't be deleted in the LeadMagicX app"
    (A, Local.EDITED, Remote.SAME): Action.UPDATE_REMOTE,  # W1
    (A, Local.EDITED, Remote.EDITED): Action.MERGE,  # P8 † docs/decisions/0003
    (A, Local.EDITED, Remote.ABSENT): Action.FLAG_REMOVED,  # P4 † only a new time or host writes it again
    (A, Local.MOVED, Remote.SAME): Action.UPDATE_REMOTE,  # W1
    (A, Local.MOVED, Remote.EDITED): Action.MERGE,  # P8
    (A, Local.MOVED, Remote.ABSENT): Action.RECREATE_REMOTE,  # P4 † its host must learn of the new time
    (A, Local.ABSENT, Remote.SAME): Action.DELETE_REMOTE,  # W2 "will be removed if deleted from the app"
    (A, Local.ABSENT, Remote.EDITED): Action.DELETE_REMOTE,  # W2 also when it was edited there meanwhile
    (A, Local.ABSENT, Remote.NEW): Action.DELETE_REMOTE,  # W2 cancelled while its first write was under way
    (A, Local.ABSENT, Remote.ABSENT): Action.FORGET,  # W2
    (A, Local.REMOVED, Remote.ABSENT): Action.NOTHING,  # P4 it does not come back by itself
    (A, Local.REMOVED, Remote.NEW): Action.RESTORE,  # P6 it was moved to another synced calendar, or put back there
    (A, Local.REMOVED, Remote.SAME): Action.RESTORE,
    (A, Local.REMOVED, Remote.EDITED): Action.RESTORE,
    (A, Local.LEFT_OFF, Remote.ABSENT): Action.NOTHING,  # P4 the user chose so
    (A, Local.LEFT_OFF, Remote.NEW): Action.RESTORE,
    (A, Local.LEFT_OFF, Remote.SAME): Action.RESTORE,
    (A, Local.LEFT_OFF, Remote.EDITED): Action.RESTORE,
    # A blocked slot made in LeadMagicX
    (B, Local.NEW, Remote.ABSENT): Action.NOTHING,  # W3 "will not sync to iCloud"
    # An event made in iCloud: the blocked slot that mirrors it, iCloud's side
    (I, Local.ABSENT, Remote.NEW): Action.CREATE_BLOCK,  # P1 "treated as blocked slots, not appointments"
    (I, Local.ABSENT, Remote.ABSENT): Action.NOTHING,  # made and deleted between two looks (fact 4.3)
    (I, Local.SAME, Remote.SAME): Action.NOTHING,
    (I, Local.SAME, Remote.EDITED): Action.UPDATE_BLOCK,  # P1, P2
    (I, Local.SAME, Remote.ABSENT): Action.KEEP_BLOCK,  # P5 "Deletions in iCloud do not sync back"
    (I, Local.REMOVED, Remote.ABSENT): Action.NOTHING,  # P5
    (I, Local.REMOVED, Remote.NEW): Action.UPDATE_BLOCK,
    (I, Local.REMOVED, Remote.SAME): Action.UPDATE_BLOCK,
    (I, Local.REMOVED, Remote.EDITED): Action.UPDATE_BLOCK,
}


class ImpossibleState(Exception):
    """A situation that cannot arise, such as a blocked slot of LeadMagicX that was edited in iCloud."""


def decide(origin: Origin, local: Local, remote: Remote) -> Action:
    """Return what to do about one event, given how each side looks since both last agreed.

    >>> decide(Origin.APPOINTMENT, Local.SAME, Remote.ABSENT)
    <Action.FLAG_REMOVED: 'keep the appointment, tell a person'>

    Raises ImpossibleState for a situation that cannot arise.
    """
    try:
        return RULES[origin, local, remote]
    except KeyError:
        raise ImpossibleState(f"{origin.name} {local.name} {remote.name}") from None
