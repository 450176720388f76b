"""How one of our events looks in iCloud, compared with what we know."""

from __future__ import annotations

from icloud_sync.rules.merge import GROUPS
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
    if seen.unsupported or any(says(seen.fields, text) for text in _said(copy)):
        return Remote.SAME
    if copy.settling and says(seen.fields, copy.before):
        return Remote.SAME
    return Remote.EDITED


def is_stale(copy: Copy, seen: Seen) -> bool:
    """Return whether this may be only the text from before our own write, served once more (fact 4.9).

    Also when a later write without an answer says the same: which of the two it is, only time tells.
    """
    return copy.settling and says(seen.fields, copy.before) and not says(seen.fields, copy.base)


def started_from(copy: Copy, seen: Seen) -> Fields:
    """Return the text that the user changed into what is seen: of all we said or may have said, the one most like it.

    After a write without an answer nobody knows which of the two stood there; what differs from both is the user's.
    """
    return max(_said(copy), key=lambda text: _alike(text, seen.fields), default={})


def says(fields: Fields, known: Fields | None) -> bool:
    """Return whether the fields say what is known, field by field; what is not known says nothing."""
    return known is not None and all(fields.get(name, "") == value for name, value in known.items())


def _said(copy: Copy) -> list[Fields]:
    return [text for text in (copy.base, *copy.intents) if text is not None]


def _alike(one: Fields, other: Fields) -> int:
    return sum(all(one.get(name, "") == other.get(name, "") for name in group) for group in GROUPS)
