"""Bring one appointment to iCloud: create, update or remove one event, safely repeatable after any crash (W1-W5).

Every write is conditional, and what it intends is on record before it is sent. Errors of the whole account (TryLater,
NeedsUser) go up untouched; ItemBusy and OutcomeUnknown go up too, so that the caller tries this one event later.
"""

from __future__ import annotations

from icloud_sync.errors import ItemBusy, ItemChanged, ItemMissing, ItemRefused, UidConflict
from icloud_sync.rules.merge import merge
from icloud_sync.rules.reconcile import decide
from icloud_sync.rules.states import Action, Local, Origin
from icloud_sync.sync.compare import is_stale, remote_state, says
from icloud_sync.sync.sides import Copy, Ours, Seen, Theirs

# Somebody edits while we write: read and try again this often before the event waits for its next turn.
ROUNDS = 3
# One refused name may be a name that was used before (fact 5.7); a second one is another fault.
IDENTITIES = 2


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
    if copy.sent:
        seen = theirs.look(copy)
        if seen is not None and seen.uid == copy.uid:
            adopt(copy, seen, ours=ours, theirs=theirs)
            return
    draft = theirs.draft(copy, None)
    copy = ours.begin(copy, draft)
    try:
        etag = theirs.create(copy, draft)
    except (ItemChanged, UidConflict) as error:
        _name_taken(copy, error, ours=ours, theirs=theirs)
    except ItemMissing:
        # A 404 on PUT means a calendar that is gone or a body it dislikes (fact 5.3): the next look tells which.
        raise ItemBusy("the calendar did not take the event", status=404) from None
    except ItemRefused as error:
        ours.refused(copy, code=error.condition or str(error.status), detail=str(error))
    else:
        _written(copy, etag, ours=ours, theirs=theirs)


def adopt(copy: Copy, seen: Seen, *, ours: Ours, theirs: Theirs) -> None:
    """An earlier write did arrive: note it, take what the user changed since, and bring it up to date."""
    copy = ours.adopted(copy, seen)
    take(copy, seen, ours=ours)
    # What changed here since that write is due again by the row's revision; the next turn sends it.


def update(copy: Copy, *, ours: Ours, theirs: Theirs) -> None:
    """Patch the event as it stands in iCloud now, so that what the user added survives (W5)."""
    for _ in range(ROUNDS):
        seen = theirs.look(copy)
        if seen is None or seen.uid != copy.uid:
            ours.vanished(copy)
            return
        action = decide(Origin.APPOINTMENT, copy.local, remote_state(copy, seen))
        if action is Action.MERGE and copy.wanted is not None:
            copy = ours.merged(copy, seen, merge(base=copy.base or {}, local=copy.wanted, remote=seen.fields))
            if copy.local not in (Local.EDITED, Local.MOVED):
                return
        if seen.unsupported:
            ours.unsupported(copy, seen)
        draft = theirs.draft(copy, seen)
        copy = ours.begin(copy, draft)
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
        _written(copy, etag, ours=ours, theirs=theirs)
        return
    raise ItemBusy("the event kept changing while it was written", status=412)


def remove(copy: Copy, *, ours: Ours, theirs: Theirs) -> None:
    """Remove an event whose appointment is gone, also when it was edited meanwhile (W2). Never sent: no request."""
    if copy.local is Local.NEW and not copy.sent:
        ours.gone(copy, found=True)
        return
    etag = copy.etag
    for _ in range(ROUNDS + 1):
        if not etag:
            seen = theirs.look(copy)
            if seen is None or seen.uid != copy.uid:
                ours.gone(copy, found=False)
                return
            etag = seen.etag
        try:
            theirs.delete(copy, etag)
        except ItemMissing:
            ours.gone(copy, found=False)
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


def take(copy: Copy, seen: Seen, *, ours: Ours) -> Copy:
    """Take what iCloud says of one of our events; return the copy as it stands afterwards (P7, P8, W8)."""
    if seen.unsupported:
        ours.unsupported(copy, seen)
        return copy
    if is_stale(copy, seen):
        return copy
    action = decide(Origin.APPOINTMENT, copy.local, remote_state(copy, seen))
    if action is Action.RESTORE:
        copy = ours.restored(copy, seen)
        action = decide(Origin.APPOINTMENT, copy.local, remote_state(copy, seen))
    if action in (Action.TAKE_EDIT, Action.MERGE):
        local = copy.wanted or copy.base or {}
        return ours.merged(copy, seen, merge(base=copy.base or {}, local=local, remote=seen.fields))
    ours.acknowledged(copy, seen)
    return copy


def prove(copy: Copy, seen: Seen | None, *, ours: Ours) -> None:
    """Decide about a copy that had vanished, from a direct look at its very href (P4, P6)."""
    if seen is not None and seen.uid == copy.uid:
        take(ours.restored(copy, seen), seen, ours=ours)
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


def _name_taken(copy: Copy, error: ItemChanged | UidConflict, *, ours: Ours, theirs: Theirs) -> None:
    """Our own earlier write stands there: adopt it. Otherwise try exactly one other identity (fact 5.7)."""
    seen = theirs.look(copy)
    if seen is not None and seen.uid == copy.uid:
        adopt(copy, seen, ours=ours, theirs=theirs)
    elif copy.identities < IDENTITIES:
        create(ours.renamed(copy), ours=ours, theirs=theirs)
    else:
        ours.refused(copy, code="name_taken", detail=str(error))


def _written(copy: Copy, etag: str | None, *, ours: Ours, theirs: Theirs) -> None:
    """Note a write that was answered. Without an ETag in the answer, read it back before anything else (fact 5.9)."""
    if not etag:
        seen = theirs.look(copy)
        # An older text is a stale read, a newer one an edit: neither ETag may vouch for what we wrote.
        if seen is not None and seen.uid == copy.uid and says(seen.fields, copy.intent):
            etag = seen.etag
    ours.written(copy, etag=etag or "")
