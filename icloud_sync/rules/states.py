"""How one event looks from each side since both sides last agreed."""

from __future__ import annotations

from enum import Enum


class Origin(Enum):
    """Where an event was born; it never changes."""

    APPOINTMENT = "booked in LeadMagicX"
    BLOCKED_SLOT = "blocked in LeadMagicX"
    ICLOUD = "made in iCloud"


class Local(Enum):
    """Our side. For an event made in iCloud it is the blocked slot that mirrors it."""

    ABSENT = "not there (any more)"
    NEW = "there, and never acknowledged by iCloud"
    SAME = "as it was when both sides last agreed"
    EDITED = "other words, same time"
    MOVED = "another time"
    REMOVED = "known to be removed in iCloud, waiting for a person"
    LEFT_OFF = "a person chose to leave it off iCloud"


class Remote(Enum):
    """iCloud's side. ABSENT always means proved absent (rule P6)."""

    ABSENT = "proved not to be there"
    NEW = "there, and not noted by us yet"
    SAME = "as it was when both sides last agreed"
    EDITED = "changed by the user"


class Action(Enum):
    """What to do about one event."""

    NOTHING = "leave both sides as they are"
    CREATE_REMOTE = "write it under its reserved name"
    ADOPT = "our earlier write did arrive: note it"
    UPDATE_REMOTE = "patch the event in iCloud"
    TAKE_EDIT = "apply the user's edit to the appointment"
    MERGE = "merge field by field, LeadMagicX first"
    FLAG_REMOVED = "keep the appointment, tell a person"
    RECREATE_REMOTE = "write it again under a new name"
    RESTORE = "it is back in iCloud: take the flag away"
    DELETE_REMOTE = "remove it from iCloud"
    FORGET = "gone on both sides: close the record"
    CREATE_BLOCK = "mirror it as blocked slots"
    UPDATE_BLOCK = "bring its blocked slots up to date"
    KEEP_BLOCK = "keep its blocked slots, flagged as removed"
