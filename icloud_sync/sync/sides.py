"""The two sides of one event, as the flows see them.

Terminology: a *copy* is one of our events in iCloud (one host's engagement, written once); its *base* is what both
sides last agreed on; its *intents* are what writes whose outcome is not known yet try to say, oldest first. Fields are
texts: title, start, end (ISO 8601, UTC), location, notes. *Additions* are what the user added on the phone to the event
that a copy replaces: alarms, travel time and the like, never invitees.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from icloud_sync.rules.merge import Merge
from icloud_sync.rules.states import Local

Fields = dict[str, str]
Additions = dict[str, list[str]]


class Superseded(Exception):
    """What was to be written was cancelled, moved or replaced here meanwhile: begin again from its record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """One of our events as the record has it. `wanted` is None when it should not be in iCloud.

    `details` are the lines below the marker as they should be, `written_details` as they were last written. `sent`: a
    write may have arrived whose answer never did.
    """

    id: int
    path: str
    uid: str
    etag: str
    local: Local
    wanted: Fields | None
    revision: int
    details: tuple[str, ...] = ()
    written_details: tuple[str, ...] = ()
    zone: str = "UTC"
    base: Fields | None = None
    intents: tuple[Fields, ...] = ()
    before: Fields | None = None
    sent: bool = False
    settling: bool = False
    identities: int = 1
    additions: Additions | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One of our events as iCloud has it. `unsupported` is '' or why the edit cannot be taken (rule P7)."""

    path: str
    etag: str
    body: bytes
    uid: str
    fields: Fields
    unsupported: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A body about to be sent, and what a reader finds in it; that, not our raw text, becomes the base."""

    body: bytes
    fields: Fields
    unsupported: str = ""


class Theirs(Protocol):
    """iCloud. Raises icloud_sync.errors."""

    def look(self, copy: Copy) -> Seen | None:
        """Return the event at the copy's path as it is now, or None when it answers 404 or 410."""

    def glance(self, copy: Copy) -> Seen | None:
        """As `look`, for one who asks above all whose event it is and which ETag it has: `fields` are empty when the
        rest cannot be read."""

    def find(self, copy: Copy, *, named: str | None) -> Seen | None:
        """Return the copy's event from another place of the account: the path that iCloud named, or its own name in
        another calendar. None when it is nowhere."""

    def draft(self, copy: Copy, seen: Seen | None) -> Draft:
        """Return the text of a new event, with the copy's additions, or the text of the event that was seen with our
        fields patched in."""

    def additions(self, copy: Copy, seen: Seen) -> Additions:
        """Return what the user added to the copy's event. Raises ItemUnreadable."""

    def create(self, copy: Copy, draft: Draft) -> str | None:
        """Write a new event, only if the name is free; return its ETag if the server told it."""

    def update(self, copy: Copy, seen: Seen, draft: Draft) -> str | None:
        """Replace the event that was seen, only if it is still that one; return its new ETag if told."""

    def delete(self, copy: Copy, etag: str) -> None:
        """Remove the event, only if it is still the one with that ETag."""


class Ours(Protocol):
    """LeadMagicX. Every method is one transaction; after it, a crash loses nothing."""

    def begin(self, copy: Copy, draft: Draft, *, before: Fields | None) -> Copy:
        """Note that a write starts, what it says, and what stands there now (reliability C3).

        Return the copy with its intent. Raises Superseded when it is not to be written any more.
        """

    def written(self, copy: Copy, draft: Draft, *, etag: str) -> None:
        """Note that iCloud has the draft. An empty ETag: not known yet, look before the next write."""

    def agreed(self, copy: Copy, seen: Seen) -> None:
        """Note that iCloud says already what is wanted: nothing needs to be sent (rule W8)."""

    def adopted(self, copy: Copy, seen: Seen) -> Copy:
        """Note that an earlier write did arrive; return the copy as it stands now.

        Its local state is REMOVED when the user has moved it to a calendar that is not read (rule P6).
        """

    def acknowledged(self, copy: Copy, seen: Seen) -> None:
        """Note the ETag of an event whose fields did not change."""

    def merged(self, copy: Copy, seen: Seen, result: Merge) -> Copy:
        """Apply the user's edit to the appointment, keep what is lost in the journal; return the copy as it stands.

        Raises Superseded when the appointment was cancelled meanwhile.
        """

    def left_behind(self, copy: Copy, seen: Seen) -> None:
        """Give the user's edit of an event that is about to be removed to its appointment, if that stands elsewhere;
        what is not taken is kept in the journal (rules P7, P8)."""

    def unsupported(self, copy: Copy, seen: Seen) -> None:
        """Flag an edit that cannot be taken; the appointment stays as it is."""

    def look_later(self, copy: Copy) -> None:
        """What was read is older than our own write: read it again once iCloud has settled (fact 4.9)."""

    def vanished(self, copy: Copy) -> None:
        """Note that the event was not found; whether it is gone is decided once that can be proved (rule P6)."""

    def removed(self, copy: Copy) -> None:
        """Proved gone: flag the appointment as removed in iCloud (rule P4)."""

    def recreate(self, copy: Copy) -> None:
        """Proved gone, and the host must learn of a new time: reserve another identity and queue it."""

    def restored(self, copy: Copy, seen: Seen) -> Copy:
        """It is in iCloud (again, or at another place): take flags away; return the copy as it stands."""

    def removing(self, copy: Copy) -> None:
        """Put on record that a removal is about to be sent: if its answer is lost, it was not the user who deleted."""

    def is_replaced(self, copy: Copy) -> bool:
        """Return whether another copy of the same appointment is about to be written in place of this one."""

    def hand_on(self, copy: Copy, additions: Additions) -> None:
        """Note what the user added to an event that is about to go, for the copy that replaces it in the same account,
        if there is one and it was never sent (rules W5, K8)."""

    def without_additions(self, copy: Copy) -> Copy:
        """iCloud refused the event with what was taken over from another one: it is written without."""

    def gone(self, copy: Copy, *, found: bool, moved: bool = False) -> None:
        """Close the record of an event that is in iCloud no more; `found` tells whether we removed it ourselves.

        Neither found nor `moved` elsewhere, the user deleted it: a copy about to replace it is not written (rule P4).
        """

    def renamed(self, copy: Copy) -> Copy:
        """Reserve another UID and name for a copy whose first one was refused (fact 5.7)."""

    def refused(self, copy: Copy, *, code: str, detail: str) -> None:
        """Stop: this write cannot succeed (rule W9)."""

    def idle(self, copy: Copy) -> None:
        """Nothing is to be sent for this copy."""
