"""The user's edit of one of our events reaches its appointment, with what a person should know of it (rule P7)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from calendars.models import Appointment, Engagement
from calendars.services import sessions
from calendars.services.errors import InvalidState
from calendars.services.transactions import lock_calendar, lock_hosts
from icloud_sync import signals
from icloud_sync.local import attention, copies, journal
from icloud_sync.models import Attention, SyncedEvent
from icloud_sync.sync.sides import Fields, Superseded

TEXTS = ("title", "location", "notes")
TIMES = ("start", "end")


def lock(row_id: int) -> None:
    """Take the locks of a booking before the copy's row is locked: bookings take them in this order, too."""
    held = Engagement.objects.filter(session__engagements__synced_events=row_id)
    found = list(held.order_by("pk").values_list("calendar_id", "host_id"))
    for calendar_id in sorted({calendar_id for calendar_id, _ in found}):
        lock_calendar(calendar_id)
    lock_hosts([host_id for _, host_id in found])


def standing(engagement: Engagement) -> Engagement | None:
    """Return who holds the appointment now: this engagement, or another one of its session; None when it ended."""
    held = Engagement.objects.filter(session_id=engagement.session_id, session__active=True, active=True)
    found = list(held.select_related("session", "calendar", "host").order_by("pk"))
    return next((one for one in found if one.pk == engagement.pk), found[0] if found else None)


def apply(
    row: SyncedEvent,
    take: Fields,
    *,
    now: datetime,
    before: Mapping[str, Any] | None,
    engagement: Engagement | None = None,
) -> None:
    """Give the user's edit to the appointment, and flag what it breaks.

    `engagement`: who holds the appointment now, if not the one that the event was written for. Raises Superseded when
    the appointment was cancelled meanwhile.
    """
    engagement = engagement or row.engagement
    assert engagement is not None
    values: dict[str, Any] = {name: take[name] for name in TEXTS if name in take}
    values |= {name: datetime.fromisoformat(take[name]) for name in TIMES if name in take}
    try:
        own = copies.mirrored(engagement.session_id)
        result = sessions.apply_phone_edit(engagement_id=engagement.pk, now=now, own_events=own, **values)
    except InvalidState:
        raise Superseded(row.pk) from None
    old = {name: (before or {}).get(name, "") for name in take}
    # The title of a class is generated, and no appointment is without one (P8: what is not taken is kept here).
    kept = {name: take[name] for name in take if name in TEXTS and name not in result.changed}
    taken = {name: take[name] for name in take if name not in kept}
    if taken:
        journal.about_copy(row, "edit_taken", before={name: old[name] for name in taken}, after=taken)
    if kept:
        journal.about_copy(row, "edit_lost", code="leadmagicx_wins", before=kept, after={n: old[n] for n in kept})
    if "start" not in take:
        return
    engagement = Engagement.objects.get(pk=engagement.pk)
    # Each move has a case of its own: `judge_again` goes by its time.
    attention.resolve(engagement, attention.MOVED, now=now)
    flags = {
        attention.MOVED: True,
        attention.OUTSIDE_HOURS: result.outside_hours,
        attention.CLASH: result.clashes or result.blocked,
        attention.AFFECTS_OTHERS: result.affects_others,
    }
    for code, wanted in flags.items():
        if wanted:
            only_blocked = {"blocked": True} if code == attention.CLASH and not result.clashes else {}
            attention.about_engagement(engagement, code, now=now, before=old, after=take, **only_blocked)
        elif code != attention.MOVED:
            attention.resolve(engagement, code, now=now)
    tell(engagement, attention.MOVED)


def judge_again(user_id: int, *, since: datetime | None, now: datetime) -> None:
    """Judge once more whether a user's appointments that were moved on the phone after `since` meet blocked time (P7).

    They were judged when they were moved, by what was known then. What is read after them is not older than the move
    for that: not in a later calendar of the same look, nor after a look that ended early, nor in another host's
    account, nor where a listing lagged behind. `since`: how old the account's data was before this look.
    """
    cases = Attention.objects.filter(
        code=attention.MOVED,
        resolved_at__isnull=True,
        engagement__active=True,
        engagement__end__gt=now,
        engagement__session__engagements__host_id=user_id,
        engagement__session__engagements__active=True,
    )
    if since is not None:
        cases = cases.filter(since__gt=since)
    for pk, host_id in cases.order_by("pk").values_list("pk", "engagement__host_id"):
        with transaction.atomic():
            lock_hosts([host_id])
            case = cases.filter(pk=pk).select_related("engagement__session__calendar").first()
            if case is not None:
                _judge(case, now=now)


def _judge(case: Attention, *, now: datetime) -> None:
    engagement = case.engagement
    assert engagement is not None
    own = copies.mirrored(engagement.session_id)
    blocked = sessions.is_blocked(engagement.session, own_events=own)
    told = Attention.objects.filter(code=attention.CLASH, engagement=engagement, since__gte=case.since)
    told = told.filter(values__has_key="blocked")
    if not blocked:
        # What stood there gave way at the same time: there was no clash.
        told.filter(resolved_at__isnull=True).delete()
    elif not told.exists():
        attention.about_engagement(engagement, attention.CLASH, now=now, **(case.values | {"blocked": True}))


def tell(engagement: Engagement, code: str) -> None:
    """Tell whoever listens that an appointment was flagged."""
    signals.appointment_flagged.send(sender=None, appointment_ids=appointment_ids(engagement), code=code)


def appointment_ids(engagement: Engagement) -> list[int]:
    """Return the appointments an engagement serves: one, or the seats of a class session."""
    seats = Appointment.objects.filter(session_id=engagement.session_id).order_by("seat", "pk")
    return list(seats.values_list("pk", flat=True))
