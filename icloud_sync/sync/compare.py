"""How one of our events looks in iCloud, compared with what we know."""

from __future__ import annotations

from icloud_sync.rules.states import Local, Remote
from icloud_sync.sync.sides import Copy, Fields, Seen


def remote_state(copy: Copy, seen: Seen | None) -> Remote:
    """Return iCloud's side of a copy from what was just read there.

    What we said ourselves (the base, or the intent of a write whose answer was lost) is no edit, and neither is the
    text from before our own write while iCloud may still serve it (fact 4.9). An edit that cannot be taken counts
    as no edit: it is flagged apart (rule P7).
    """
    if seen is None:
        return Remote.ABSENT
    if copy.local is Local.NEW:
        return Remote.NEW
    if seen.unsupported or says(seen.fields, copy.base) or says(seen.fields, copy.intent):
        return Remote.SAME
    if copy.settling and says(seen.fields, copy.before):
        return Remote.SAME
    return Remote.EDITED


def is_stale(copy: Copy, seen: Seen) -> bool:
    """Return whether this is only the text from before our own write, served once more."""
    return copy.settling and says(seen.fields, copy.before) and not says(seen.fields, copy.base)


def says(fields: Fields, known: Fields | None) -> bool:
    """Return whether the fields say what is known, field by field; what is not known says nothing."""
    return known is not None and all(fields.get(name, "") == value for name, value in known.items())
