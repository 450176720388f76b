"""Bring one appointment to iCloud: create, update or remove one event, safely repeatable after any crash (W1-W5).

Every write is conditional, and what it intends is on record before it is sent. Errors of the whole account (TryLater,
NeedsUser) go up untouched; ItemBusy, OutcomeUnknown and Superseded go up too, so that the caller tries this one event
later.
"""

from __future__ import annotations

from icloud_sync.errors import ItemBusy, ItemChanged, ItemMissing, ItemRefused, UidConflict
from icloud_sync.rules.reconcile import decide
from icloud_sync.rules.states import Action, Local, Origin, Remote
from icloud_sync.sync.compare import is_stale, remote_state, says
from icloud_sync.sync.sides import Copy, Draft, Ours, Seen, Theirs
from icloud_sync.sync.take import merge_into, take

# Somebody edits while we write: read and try again this often before the event waits for its next turn.
ROUNDS = 3
# One refused name may be a name that was used before (fact 5.7); a second one is another fault.
IDENTITIES = 2
# Refused whatever the event says.
NO_RIGHT = "need-privileges"


def push(copy: Copy, *, ours: Ours, theirs: Theirs) -> None:
    """Make iCloud agree with one copy, or note why it cannot be."""
    if copy.wanted is None:
        remove(copy, ours=ours, theirs=theirs)
    elif copy.local is Local.NEW:
        create(copy, ours=ours, theirs=theirs)
    elif copy.local in (Local.EDITED, Local.MOVED):
        update(copy, ours=ours, theirs=theirs)
    else:
        ours.idle(copy)


def create(copy: Copy, *, ours: Ours, theirs: Theirs) -> None:
    """Write an event that iCloud has never acknowledged. If an earlier try may have arrived, look first (W4)."""
    seen = None
    if copy.sent:
        # Not there any more, it may be where the user has moved it meanwhile.
        seen = _mine(copy, theirs.look(copy)) or _mine(copy, theirs.find(copy, named=None))
    if decide(Origin.APPOINTMENT, copy.local, remote_state(copy, seen)) is Action.ADOPT:
        assert seen is not None
        adopt(copy, seen, ours=ours)
        return
    draft = theirs.draft(copy, None)
    copy = ours.begin(copy, draft, before=None)
    try:
        etag = theirs.create(copy, draft)
    except (ItemChanged, UidConflict) as error:
        _name_taken(copy, error, ours=ours, theirs=theirs)
    except ItemMissing:
        # A 404 on PUT means a calendar that is gone or a body it dislikes (fact 5.3): the next look tells which.
        raise ItemBusy("the calendar did not take the event", status=404) from None
    except ItemRefused as error:
        if copy.additions and error.condition != NO_RIGHT:
            # The appointment matters more than what was taken over from its old event.
            create(ours.without_additions(copy), ours=ours, theirs=theirs)
            return
        ours.refused(copy, code=error.condition or str(error.status), detail=str(error))
    else:
        _written(copy, draft, etag, ours=ours, theirs=theirs)


def adopt(copy: Copy, seen: Seen, *, ours: Ours) -> None:
    """An earlier write did arrive: note it, and take what the user changed since.

    What changed here since that write is due again by the row's revision; the next turn sends it.
    """
    copy = ours.adopted(copy, seen)
    if copy.local is not Local.REMOVED:
        take(copy, seen, ours=ours)


def update(copy: Copy, *, ours: Ours, theirs: Theirs) -> None:
    """Patch the event as it stands in iCloud now, so that what the user added survives (W5)."""
    for _ in range(ROUNDS):
        seen = _mine(copy, theirs.look(copy))
        if seen is None:
            ours.vanished(copy)
            return
        if decide(Origin.APPOINTMENT, copy.local, remote_state(copy, seen)) is Action.MERGE:
            copy = merge_into(copy, seen, ours=ours)
            if copy.local not in (Local.EDITED, Local.MOVED):
                return
        if seen.unsupported:
            ours.unsupported(copy, seen)
        draft = theirs.draft(copy, seen)
        if draft.body == seen.body and not is_stale(copy, seen):
            # An earlier write did arrive, or the user wrote the same.
            ours.agreed(copy, seen)
            return
        copy = ours.begin(copy, draft, before=seen.fields)
        try:
            etag = theirs.update(copy, seen, draft)
        except ItemChanged:
            continue
        except ItemMissing:
            ours.vanished(copy)
            return
        except ItemRefused as error:
            ours.refused(copy, code=error.condition or str(error.status), detail=str(error))
            return
        _written(copy, draft, etag, ours=ours, theirs=theirs)
        return
    raise ItemBusy("the event kept changing while it was written", status=412)


def remove(copy: Copy, *, ours: Ours, theirs: Theirs) -> None:
    """Remove an event whose appointment is gone, also when it was edited meanwhile, or cannot be read any more (W2).
    Never sent: no request."""
    if copy.local is Local.NEW and not copy.sent:
        ours.gone(copy, found=True)
        return
    etag = copy.etag
    for _ in range(ROUNDS + 1):
        if not etag:
            seen = _mine(copy, theirs.glance(copy))
            if decide(Origin.APPOINTMENT, Local.ABSENT, remote_state(copy, seen)) is Action.FORGET:
                _not_there(copy, ours=ours, theirs=theirs)
                return
            assert seen is not None
            if seen.fields:
                ours.hand_on(copy, theirs.additions(copy, seen))
                if remote_state(copy, seen) is Remote.EDITED:
                    ours.left_behind(copy, seen)
            etag = seen.etag
        ours.removing(copy)
        try:
            theirs.delete(copy, etag)
        except ItemMissing:
            _not_there(copy, ours=ours, theirs=theirs)
            return
        except ItemChanged:
            etag = ""
            continue
        except ItemRefused as error:
            ours.refused(copy, code=error.condition or str(error.status), detail=str(error))
            return
        ours.gone(copy, found=True)
        return
    raise ItemBusy("the event kept changing while it was removed", status=412)


def _not_there(copy: Copy, *, ours: Ours, theirs: Theirs) -> None:
    """What was to be removed is not where it was: an earlier removal arrived, or the user deleted or moved it (P6)."""
    moved = None
    if not copy.sent and ours.is_replaced(copy):
        moved = _mine(copy, theirs.find(copy, named=None))
        if moved is not None:
            ours.hand_on(copy, theirs.additions(copy, moved))
    ours.gone(copy, found=False, moved=moved is not None)


def _mine(copy: Copy, seen: Seen | None) -> Seen | None:
    """Return what was seen if it is our event: another one under our name is not ours to touch."""
    return seen if seen is not None and seen.uid == copy.uid else None


def _name_taken(copy: Copy, error: ItemChanged | UidConflict, *, ours: Ours, theirs: Theirs) -> None:
    """Our own earlier write stands there, or where iCloud says: adopt it. Otherwise try exactly one other identity
    (fact 5.7)."""
    seen = _mine(copy, theirs.look(copy))
    if seen is None and isinstance(error, UidConflict) and error.path:
        seen = _mine(copy, theirs.find(copy, named=error.path))
    if seen is not None:
        adopt(copy, seen, ours=ours)
    elif copy.identities < IDENTITIES:
        create(ours.renamed(copy), ours=ours, theirs=theirs)
    else:
        ours.refused(copy, code="name_taken", detail=str(error))


def _written(copy: Copy, draft: Draft, etag: str | None, *, ours: Ours, theirs: Theirs) -> None:
    """Note a write that was answered. Without an ETag in the answer, read it back before anything else (fact 5.9)."""
    if not etag:
        seen = _mine(copy, theirs.look(copy))
        # An older text is a stale read, a newer one an edit: neither ETag may vouch for what we wrote.
        if seen is not None and says(seen.fields, draft.fields):
            etag = seen.etag
    ours.written(copy, draft, etag=etag or "")
