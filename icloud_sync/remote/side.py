"""One account's iCloud as the other side of our appointments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from icloud_sync.errors import ItemMissing, ItemUnreadable
from icloud_sync.ical import ours
from icloud_sync.ical.additions import additions_of
from icloud_sync.ical.scan import uid_at_a_glance
from icloud_sync.remote.client import Client
from icloud_sync.sync.sides import Additions, Copy, Draft, Fields, Seen


class ICloudSide:
    """Implements icloud_sync.sync.sides.Theirs over a client. `zone` is the user's, for floating and all-day times.

    `guard` is called before every write and raises when the account must not be written to any more. `folders` returns
    the paths of the account's calendars.
    """

    def __init__(
        self,
        client: Client,
        *,
        zone: ZoneInfo,
        clock: Callable[[], datetime],
        guard: Callable[[], None] = lambda: None,
        folders: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        self.client = client
        self.zone = zone
        self.clock = clock
        self.guard = guard
        self.folders = folders

    def look(self, copy: Copy) -> Seen | None:
        return self._look(copy, unreadable=False)

    def glance(self, copy: Copy) -> Seen | None:
        return self._look(copy, unreadable=True)

    def _look(self, copy: Copy, *, unreadable: bool) -> Seen | None:
        try:
            fetched = self.client.get(copy.path)
        except ItemMissing:
            return None
        assert fetched.body is not None
        try:
            return self.read(copy, path=fetched.path, etag=fetched.etag, body=fetched.body)
        except ItemUnreadable:
            if not unreadable or uid_at_a_glance(fetched.body) != copy.uid:
                raise
        return Seen(path=fetched.path, etag=fetched.etag or "", body=fetched.body, uid=copy.uid, fields={})

    def find(self, copy: Copy, *, named: str | None) -> Seen | None:
        name = copy.path.rsplit("/", 1)[-1]
        places = [named] if named else [f"{folder.rstrip('/')}/{name}" for folder in self.folders()]
        for path in places:
            if path != copy.path and (seen := self.look(replace(copy, path=path))) is not None:
                return seen
        return None

    def read(self, copy: Copy, *, path: str, etag: str | None, body: bytes) -> Seen:
        """Return what a body of one of our events says. Raises ItemUnreadable."""
        event = ours.read(body, zone=self.zone, details=copy.written_details or copy.details)
        return Seen(
            path=path,
            etag=etag or "",
            body=body,
            uid=event.uid,
            fields=text_fields(event),
            unsupported=why_not(event),
        )

    def draft(self, copy: Copy, seen: Seen | None) -> Draft:
        assert copy.wanted is not None
        fields = event_fields(copy.wanted, copy)
        now = self.clock()
        if seen is None:
            body = ours.build(fields, uid=copy.uid, now=now, additions=copy.additions)
        else:
            body = ours.patch(seen.body, fields, now=now, previous_details=copy.written_details)
        return self._drafted(copy, body)

    def additions(self, copy: Copy, seen: Seen) -> Additions:
        return additions_of(seen.body, previous_details=copy.written_details)

    def _drafted(self, copy: Copy, body: bytes) -> Draft:
        event = ours.read(body, zone=self.zone, details=copy.details)
        return Draft(body=body, fields=text_fields(event), unsupported=why_not(event))

    def create(self, copy: Copy, draft: Draft) -> str | None:
        self.guard()
        return self.client.create(copy.path, draft.body)

    def update(self, copy: Copy, seen: Seen, draft: Draft) -> str | None:
        self.guard()
        return self.client.update(copy.path, draft.body, etag=seen.etag)

    def delete(self, copy: Copy, etag: str) -> None:
        self.guard()
        self.client.delete(copy.path, etag=etag)


def why_not(event: ours.PhoneEvent) -> str:
    """Return '' or why an event is nothing an appointment can be (rule P7)."""
    if event.all_day:
        return "all_day"
    if event.recurring:
        return "recurring"
    return "" if event.end > event.start else "no_length"


def text_fields(event: ours.PhoneEvent) -> Fields:
    """Return an event's fields as texts, times in UTC."""
    return {
        "title": event.title,
        "start": event.start.astimezone(UTC).isoformat(),
        "end": event.end.astimezone(UTC).isoformat(),
        "location": event.location,
        "notes": event.notes,
    }


def event_fields(wanted: Fields, copy: Copy) -> ours.EventFields:
    """Return the values iCalendar text is made of."""
    return ours.EventFields(
        title=wanted["title"],
        start=datetime.fromisoformat(wanted["start"]),
        end=datetime.fromisoformat(wanted["end"]),
        location=wanted["location"],
        notes=wanted["notes"],
        details=copy.details,
        zone=copy.zone,
    )
