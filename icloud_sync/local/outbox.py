"""Which appointments belong in iCloud, and the rows that bring them there.

Called inside the transaction that changed an appointment: for every host's engagement there is afterwards a row that
iCloud acknowledges, or one with `due_at` (reliability I8). Names and UIDs are reserved here, before anything is sent.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from calendars.choices import CalendarType
from calendars.models import Engagement
from icloud_sync import signals
from icloud_sync.local import attention, flags
from icloud_sync.models import (
    LIVE_STATES,
    CalendarSettings,
    ConnectionStatus,
    EventState,
    ICloudCalendar,
    SyncedEvent,
)
from icloud_sync.sync.sides import Additions

# Why a closed copy may be in iCloud nevertheless: it was not there when we looked, or it was left there.
MISSING, LEFT = "missing", "left"
OPEN_FLAGS = (attention.REMOVED, attention.WRITE_FAILED, attention.UNSUPPORTED)


def belongs_in_icloud(engagement: Engagement) -> bool:
    """Return whether this host's appointment is to be in iCloud, if the host has a primary calendar (W1, K2)."""
    calendar = engagement.calendar
    return (
        engagement.active
        and engagement.host_id is not None
        and calendar.icloud_enabled
        and CalendarType(calendar.type).accepts_icloud
    )


def refresh(session_ids: Iterable[int], *, now: datetime) -> None:
    """Bring the outbox up to date with these sessions."""
    engagements = (
        Engagement.objects.filter(session_id__in=list(session_ids), host__isnull=False)
        .select_related("calendar", "session")
        .order_by("pk")
    )
    refresh_engagements(engagements, now=now)


def refresh_engagements(engagements: QuerySet[Engagement], *, now: datetime) -> None:
    """Bring the outbox up to date with these engagements, in a fixed number of queries for the reads."""
    found = list(engagements)
    primaries = primary_calendars({e.host_id for e in found if e.host_id})
    # Locked: a write that begins meanwhile must see what becomes of its row, and this must see that it began.
    rows = SyncedEvent.objects.filter(engagement__in=found, state__in=LIVE_STATES).select_for_update(of=("self",))
    live = {row.engagement_id: row for row in rows.select_related("calendar").order_by("pk")}
    touched: set[int] = set()
    for engagement in found:
        row = live.get(engagement.pk)
        if belongs_in_icloud(engagement):
            touched |= _wanted(engagement, row, primaries.get(engagement.host_id or 0), now=now)
        elif row is not None:
            touched |= _unwanted(engagement, row, now=now)
    flags.settle(found, now=now)
    ring(touched)


def ring(connection_ids: set[int]) -> None:
    """Tell whoever listens that these accounts have something to send once the transaction is committed."""
    if connection_ids:
        signals.outbox_filled.send(sender=None, connection_ids=connection_ids)


def primary_calendars(user_ids: set[int]) -> dict[int, ICloudCalendar]:
    """Return each user's primary calendar, where one is chosen and its account is connected."""
    rows = (
        CalendarSettings.objects.filter(user_id__in=user_ids, primary_calendar__isnull=False)
        .exclude(primary_calendar__connection__status=ConnectionStatus.DISCONNECTED)
        .select_related("primary_calendar")
    )
    return {row.user_id: row.primary_calendar for row in rows if row.primary_calendar}


def reserve(
    engagement: Engagement, calendar: ICloudCalendar, *, now: datetime, additions: Additions | None = None
) -> SyncedEvent:
    """Make the outbox row of a new copy, with a UID and a name never used before (facts 5.2, 5.7)."""
    uid, path = new_identity(calendar)
    return SyncedEvent.objects.create(
        engagement=engagement,
        calendar=calendar,
        uid=uid,
        path=path,
        due_at=now,
        created_at=now,
        additions=additions,
    )


def new_identity(calendar: ICloudCalendar) -> tuple[str, str]:
    """Return a UID, and the path of its event in the calendar."""
    uid = str(uuid.uuid4()).upper()
    return uid, f"{calendar.path.rstrip('/')}/{uid}.ics"


def retire(row: SyncedEvent, *, now: datetime) -> None:
    """Take one copy out of iCloud; one that was never sent is simply forgotten."""
    never_sent = row.sent_at is None and row.written_at is None and row.base is None
    row.attempts, row.failure, row.failure_text, row.vanished_at = 0, "", "", None
    if never_sent:
        row.state, row.due_at = EventState.GONE, None
    elif row.state in (EventState.REMOVED, EventState.LEFT_OFF):
        # Should it appear again, it was only hidden: it is removed then.
        row.state, row.due_at, row.failure = EventState.GONE, None, MISSING
    else:
        row.state, row.due_at = EventState.DELETING, now
    row.save(update_fields=["state", "due_at", "attempts", "failure", "failure_text", "vanished_at"])


def leave(row: SyncedEvent) -> None:
    """Forget a copy that stays in an account which is not connected any more (rule C6, keep).

    Should the account come back, the copy is removed there: the appointment is written elsewhere by then (rule W4).
    """
    row.state, row.due_at, row.failure = EventState.GONE, None, LEFT
    row.save(update_fields=["state", "due_at", "failure"])


def remove_left(connection_id: int, *, now: datetime) -> None:
    """An account that kept our events is back: those of coming appointments are written elsewhere by now (rule W4)."""
    rows = SyncedEvent.objects.filter(calendar__connection_id=connection_id, state=EventState.GONE, failure=LEFT)
    rows.filter(engagement__end__gt=now).update(state=EventState.DELETING, due_at=now, failure="")


def recreate(row: SyncedEvent, calendar: ICloudCalendar, *, now: datetime) -> SyncedEvent:
    """Close a copy and reserve another one for the same appointment: new UID, new name (rule P4)."""
    assert row.engagement is not None
    engagement = row.engagement
    retire(row, now=now)
    attention.resolve_engagements([engagement.pk], OPEN_FLAGS, now=now)
    return reserve(engagement, calendar, now=now)


def refused_removal() -> Q:
    """Return the condition of a removal that iCloud refused."""
    return Q(state=EventState.DELETING) & ~Q(failure_text="")


def succeeded(row: SyncedEvent, *, now: datetime) -> None:
    """Close the case of a write that failed, unless another copy of the same appointment fails still (rule W9)."""
    if row.engagement:
        others = SyncedEvent.objects.filter(engagement=row.engagement).exclude(pk=row.pk)
        failing = others.filter(Q(state=EventState.FAILED) | refused_removal())
        attention.resolve(row.engagement, attention.WRITE_FAILED, now=now, unless=Exists(failing))


def is_due(*, now: datetime) -> Q:
    """Return the condition of a row that waits for nothing: only what was postponed has a time worth waiting for,
    also when the clock was set back (reliability F48)."""
    return Q(due_at__lte=now) | Q(due_at__isnull=False, attempts=0)


def due(connection_id: int, *, now: datetime) -> QuerySet[SyncedEvent]:
    """Return what may be sent to an account now: of each appointment its removal first, so that two copies never stay,
    and its new copy next, so that all of them are never away at once (rule K8)."""
    return (
        SyncedEvent.objects.filter(sendable(), is_due(now=now), calendar__connection_id=connection_id)
        .annotate(removal=Q(state=EventState.DELETING))
        .order_by("due_at", "engagement", "-removal", "pk")
    )


def about_to_be_replaced(ids: Iterable[int]) -> list[SyncedEvent]:
    """Return the copies that go, where the one in their place, in the same account, was never sent; oldest first, with
    what a copy of them needs. `ids`: rows about to be pushed, of either kind."""
    pushed = SyncedEvent.objects.filter(pk__in=list(ids), engagement__isnull=False)
    new = SyncedEvent.objects.filter(
        state=EventState.PENDING,
        sent_at=None,
        engagement=OuterRef("engagement"),
        calendar__connection=OuterRef("calendar__connection"),
    )
    rows = SyncedEvent.objects.filter(
        Exists(new), engagement__in=pushed.values("engagement"), state=EventState.DELETING, calendar__gone_at=None
    )
    return list(rows.select_related("calendar__connection", "engagement__session", "engagement__calendar"))


def sendable() -> Q:
    """Return the condition of a row that its calendar lets us send: without writer's access everything waits until the
    right returns (rule K7). Of a calendar that is gone there is nothing left to remove but the record."""
    gone = Q(calendar__gone_at__isnull=False)
    writes = Q(state__in=[EventState.PENDING, EventState.WRITTEN]) & ~gone
    return Q(calendar__writable=True) & writes | Q(state=EventState.DELETING) & (Q(calendar__writable=True) | gone)


def _wanted(
    engagement: Engagement, row: SyncedEvent | None, primary: ICloudCalendar | None, *, now: datetime
) -> set[int]:
    if row is None:
        if primary is None:
            return set()
        reserve(engagement, primary, now=now)
        return {primary.connection_id}
    if row.state == EventState.LEFT_OFF:
        return set()
    if row.state == EventState.REMOVED:
        # Only a new time writes it again; a class session stays off until it is put back (rule P4).
        if engagement.session.is_class or not _moved(engagement, row) or primary is None:
            return set()
        return {recreate(row, primary, now=now).calendar.connection_id}
    if row.state == EventState.FAILED:
        row.state = EventState.WRITTEN if row.base else EventState.PENDING
        attention.resolve(engagement, attention.WRITE_FAILED, now=now)
    row.due_at, row.attempts, row.failure, row.failure_text = now, 0, "", ""
    row.save(update_fields=["state", "due_at", "attempts", "failure", "failure_text"])
    return {row.calendar.connection_id}


def _moved(engagement: Engagement, row: SyncedEvent) -> bool:
    """Return whether the time is another one than iCloud was told, which is whole seconds."""
    base = row.base or {}
    times = [base.get("start"), base.get("end")]
    return times != [moment.replace(microsecond=0).isoformat() for moment in (engagement.start, engagement.end)]


def _unwanted(engagement: Engagement, row: SyncedEvent, *, now: datetime) -> set[int]:
    if engagement.active and row.state in (EventState.REMOVED, EventState.LEFT_OFF):
        # Only iCloud was turned off for its calendar: turned on again, it does not come back by itself (rule P4).
        return set()
    retire(row, now=now)
    attention.resolve_engagements([engagement.pk], attention.FLAGS, now=now)
    return {row.calendar.connection_id} if row.state == EventState.DELETING else set()


def refresh_future_of(user_id: int, *, now: datetime) -> None:
    """Bring every coming appointment of a host up to date: a primary calendar was chosen."""
    coming = Engagement.objects.filter(host_id=user_id, active=True, end__gt=now)
    refresh_engagements(coming.select_related("calendar", "session"), now=now)


def refresh_future_in(calendar_id: int, *, now: datetime) -> None:
    """Bring every coming appointment of a booking calendar up to date: iCloud was turned on or off, or it was renamed.

    Those whose event says nothing new are not sent again: the push compares before it writes.
    """
    coming = Engagement.objects.filter(calendar_id=calendar_id, active=True, end__gt=now, host__isnull=False)
    refresh_engagements(coming.select_related("calendar", "session"), now=now)


def move_copies(user_id: int, primary: ICloudCalendar, *, now: datetime) -> set[int]:
    """Move a host's coming copies to another primary calendar; past ones stay (K8). Return the accounts touched."""
    rows = (
        SyncedEvent.objects.filter(
            engagement__host_id=user_id,
            engagement__end__gt=now,
            state__in=[EventState.PENDING, EventState.WRITTEN, EventState.FAILED],
        )
        .exclude(calendar=primary)
        .select_related("calendar__connection", "engagement")
        .select_for_update(of=("self",))
        .order_by("pk")
    )
    touched = {primary.connection_id}
    for row in rows:
        assert row.engagement is not None
        if row.calendar.connection.status == ConnectionStatus.DISCONNECTED:
            leave(row)
        else:
            retire(row, now=now)
        attention.resolve(row.engagement, attention.WRITE_FAILED, now=now)
        touched.add(row.calendar.connection_id)
        # Read from a still older copy that may be gone by now; this one was not written yet.
        same_account = row.calendar.connection_id == primary.connection_id
        reserve(row.engagement, primary, now=now, additions=row.additions if same_account else None)
    return touched


def unsent_revision() -> Q:
    """Return the condition of a copy whose appointment changed since iCloud acknowledged it."""
    return Q(engagement__session__revision__gt=F("revision"))
