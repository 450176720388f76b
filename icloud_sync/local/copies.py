"""Our events as the sync flows see them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from calendars.models import Engagement, Session
from calendars.selectors import EventText, event_texts
from icloud_sync.ical.ours import EventFields, as_written
from icloud_sync.local.outbox import belongs_in_icloud
from icloud_sync.models import EventState, ICloudEvent, SyncedEvent
from icloud_sync.rules.states import Local
from icloud_sync.sync.sides import Copy, Fields

RELATED = ("calendar__connection", "engagement__session", "engagement__calendar")


def copies(rows: Iterable[SyncedEvent], *, now: datetime, settle: timedelta) -> dict[int, Copy]:
    """Return the copies of rows (loaded with RELATED), by row id; a fixed number of queries for any number."""
    rows = list(rows)
    sessions: dict[int, Session] = {}
    for engagement in (row.engagement for row in rows if row.engagement):
        session = sessions.setdefault(engagement.session_id, engagement.session)
        if session.calendar_id == engagement.calendar_id:
            session.calendar = engagement.calendar
    texts = event_texts(sessions.values())
    return {row.pk: as_copy(row, texts, now=now, settle=settle) for row in rows}


def read(row_id: int) -> SyncedEvent:
    """Return a row as it stands now, with what a copy of it needs."""
    return SyncedEvent.objects.select_related(*RELATED).get(pk=row_id)


def load(row_id: int, *, now: datetime, settle: timedelta) -> Copy:
    """Return one copy as its row stands now, in two queries."""
    row = read(row_id)
    return copies([row], now=now, settle=settle)[row.pk]


def as_copy(row: SyncedEvent, texts: dict[int, EventText], *, now: datetime, settle: timedelta) -> Copy:
    engagement = row.engagement
    text = texts.get(engagement.session_id) if engagement else None
    wanted = None
    details: tuple[str, ...] = ()
    if engagement and text:
        fields = written_form(engagement, text)
        details = fields.details
        if row.state != EventState.DELETING and belongs_in_icloud(engagement):
            wanted = wanted_fields(fields)
    revision = engagement.session.revision if engagement else 0
    return Copy(
        id=row.pk,
        path=row.path,
        uid=row.uid,
        etag=row.etag,
        local=local_state(row, wanted, revision=revision, details=details),
        wanted=wanted,
        revision=revision,
        details=details,
        written_details=tuple(row.details.split("\n")) if row.details else (),
        zone=engagement.calendar.timezone if engagement else "UTC",
        base=row.base,
        intents=tuple(row.intent or ()),
        before=row.before,
        sent=row.sent_at is not None,
        settling=row.written_at is not None and now < row.written_at + settle,
        identities=row.identities,
        additions=row.additions,
    )


def written_form(engagement: Engagement, text: EventText) -> EventFields:
    """Return what the event should say, in the form in which it would come back from iCloud (rule W8)."""
    return as_written(
        EventFields(
            title=text.title,
            start=engagement.start,
            end=engagement.end,
            location=text.location,
            notes=text.notes,
            details=tuple(text.details),
            zone=engagement.calendar.timezone,
        )
    )


def mirrored(session_id: int) -> frozenset[int]:
    """Return the rows of mirrored events that are this session itself, written to one host's calendar and read in
    another's that is the same one: they do not stand in its way (rule W7)."""
    written = SyncedEvent.objects.filter(engagement__session_id=session_id)
    return frozenset(ICloudEvent.objects.filter(uid__in=written.values("uid")).values_list("pk", flat=True))


def wanted_of(engagement: Engagement) -> Fields:
    """Return what the event of an engagement should say now, whether or not it belongs in iCloud."""
    text = event_texts([engagement.session])[engagement.session_id]
    return wanted_fields(written_form(engagement, text))


def wanted_fields(fields: EventFields) -> Fields:
    """Return the fields as texts, times in UTC."""
    return {
        "title": fields.title,
        "start": fields.start.isoformat(),
        "end": fields.end.isoformat(),
        "location": fields.location,
        "notes": fields.notes,
    }


def local_state(row: SyncedEvent, wanted: Fields | None, *, revision: int, details: tuple[str, ...]) -> Local:
    """Return our side of a copy since both sides last agreed."""
    if row.state == EventState.REMOVED:
        return Local.REMOVED
    if row.state == EventState.LEFT_OFF:
        return Local.LEFT_OFF
    if row.base is None:
        return Local.NEW
    if wanted is None:
        return Local.ABSENT
    same = wanted == row.base and "\n".join(details) == row.details
    # While a write may have arrived, iCloud may say what is wanted no more.
    if not row.intent and (row.revision == revision or same):
        return Local.SAME
    moved = any(wanted[name] != row.base.get(name) for name in ("start", "end"))
    # A class session stays off until it is put back, also when it moves (rule P4).
    if moved and row.engagement and not row.engagement.session.is_class:
        return Local.MOVED
    return Local.EDITED
