"""Bring what the user did to one of our events to its appointment (rules P4, P6, P7, P8)."""

from __future__ import annotations

from icloud_sync.rules.merge import merge
from icloud_sync.rules.reconcile import decide
from icloud_sync.rules.states import Action, Origin
from icloud_sync.sync.compare import is_stale, remote_state, started_from
from icloud_sync.sync.sides import Copy, Ours, Seen


def take(copy: Copy, seen: Seen, *, ours: Ours) -> Copy:
    """Take what iCloud says of one of our events; return the copy as it stands afterwards (P7, P8, W8)."""
    if is_stale(copy, seen):
        ours.look_later(copy)
        return copy
    action = decide(Origin.APPOINTMENT, copy.local, remote_state(copy, seen))
    if action is Action.RESTORE:
        copy = ours.restored(copy, seen)
        action = decide(Origin.APPOINTMENT, copy.local, remote_state(copy, seen))
    if seen.unsupported:
        ours.unsupported(copy, seen)
    elif action in (Action.TAKE_EDIT, Action.MERGE):
        return merge_into(copy, seen, ours=ours)
    else:
        ours.acknowledged(copy, seen)
    return copy


def follow(copy: Copy, seen: Seen, *, ours: Ours) -> None:
    """The event is back, or stands at another place: it is ours there, and what the user changed is taken (P6)."""
    take(ours.restored(copy, seen), seen, ours=ours)


def merge_into(copy: Copy, seen: Seen, *, ours: Ours) -> Copy:
    """Apply the user's edit; on the same field LeadMagicX wins (P8). Return the copy as it stands afterwards."""
    assert copy.wanted is not None
    return ours.merged(copy, seen, merge(base=started_from(copy, seen), local=copy.wanted, remote=seen.fields))


def prove(copy: Copy, seen: Seen | None, *, ours: Ours) -> None:
    """Decide about a copy that had vanished, from a direct look at its very href (P4, P6)."""
    if seen is not None and seen.uid == copy.uid:
        follow(copy, seen, ours=ours)
        return
    action = decide(Origin.APPOINTMENT, copy.local, remote_state(copy, None))
    if action is Action.FLAG_REMOVED:
        ours.removed(copy)
    elif action is Action.RECREATE_REMOTE:
        ours.recreate(copy)
    elif action is Action.FORGET:
        ours.gone(copy, found=False)
    else:
        ours.idle(copy)
