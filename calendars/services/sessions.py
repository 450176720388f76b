"""What an edit on the phone does to a session (rule P7)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Exists
from django.utils.translation import gettext as _

from calendars.choices import AppointmentStatus
from calendars.models import Appointment, Engagement, Session
from calendars.rules.intervals import ceil_seconds, floor_seconds
from calendars.selectors import rows
from calendars.selectors.offers import Offer, offer_of
from calendars.services.announce import appointment_did, sessions_did_change
from calendars.services.clashes import overlapping, settle_clashes
from calendars.services.errors import InvalidState
from calendars.services.holding import active_hosts
from calendars.services.transactions import in_transaction, lock_calendar, lock_hosts

__all__ = ["PhoneEditResult", "apply_phone_edit", "is_blocked", "settle_clashes"]

# Appointment's own limits; what is longer in iCloud is cut here.
LONGEST = {"title": 500, "location": 1000, "notes": 20_000}


@dataclass(frozen=True)
class PhoneEditResult:
    """What is to be flagged, and {field: (before, after)} of what changed. Flags are about a new time only.

    `clashes`: with another appointment, which must be resolved (rule A4); `blocked`: with a blocked slot or BUSY time.
    """

    outside_hours: bool = False
    clashes: bool = False
    blocked: bool = False
    affects_others: bool = False
    changed: dict[str, tuple[Any, Any]] = field(default_factory=dict)


@in_transaction
def apply_phone_edit(
    *,
    engagement_id: int,
    now: datetime,
    start: datetime | None = None,
    end: datetime | None = None,
    title: str | None = None,
    location: str | None = None,
    notes: str | None = None,
    own_events: Collection[int] = (),
) -> PhoneEditResult:
    """Apply what the host changed in iCloud, whatever it breaks; None means not changed there.

    All engagements of the session follow, and all seats of a class. A time that overlaps another engagement makes the
    moved one exempt from the constraint; availability still sees it. A class keeps its generated title, an empty title
    is not taken. `own_events`: the `external_id` of blocked slots that are this very appointment. Raises
    Engagement.DoesNotExist, and InvalidState for a session that has ended or a time of no length.
    """
    session_id, calendar_id = Engagement.objects.values_list("session_id", "calendar_id").get(pk=engagement_id)
    lock_calendar(calendar_id)
    offer = offer_of(calendar_id)
    session = Session.objects.select_related("calendar").get(pk=session_id)
    if not session.active:
        raise InvalidState(_("The appointment was cancelled."))
    hosts = active_hosts(session)
    lock_hosts(hosts)
    seats = list(Appointment.objects.filter(session=session, status=AppointmentStatus.CONFIRMED).order_by("seat", "pk"))
    changed = _write_texts(session, seats, {"title": title, "location": location, "notes": notes})
    moved = _write_time(session, start or session.start, end or session.end)
    if not changed and not moved:
        return PhoneEditResult()
    clashes = bool(moved) and _exempt_clashing(session)
    if moved:
        settle_clashes(host_ids=hosts)
    sessions_did_change([session.pk])
    for seat in seats:
        appointment_did("updated", seat.pk)
    return PhoneEditResult(
        outside_hours=bool(moved) and not _within_hours(offer, session),
        clashes=clashes,
        blocked=bool(moved) and is_blocked(session, own_events=own_events),
        affects_others=bool(moved) and (len(hosts) > 1 or session.is_class),
        changed=changed | moved,
    )


def _write_texts(
    session: Session, seats: Iterable[Appointment], given: dict[str, str | None]
) -> dict[str, tuple[Any, Any]]:
    changed: dict[str, tuple[Any, Any]] = {}
    for name, value in given.items():
        if value is None or (name == "title" and (session.is_class or not value.strip())):
            continue
        text = value.replace("\x00", "")[: LONGEST[name]]
        for seat in seats:
            if getattr(seat, name) != text:
                changed.setdefault(name, (getattr(seat, name), text))
                setattr(seat, name, text)
    if changed:
        Appointment.objects.bulk_update(seats, list(changed))
    return changed


def _write_time(session: Session, start: datetime, end: datetime) -> dict[str, tuple[Any, Any]]:
    if (start, end) == (session.start, session.end):
        return {}
    if end <= start:
        raise InvalidState(_("An appointment must have a length."))
    before = {"start": session.start, "end": session.end}
    after = {"start": start, "end": end}
    session.start, session.end = start, end
    displaced = session.is_class and (
        Session.objects.filter(calendar=session.calendar_id, start=start, active=True, is_class=True, displaced=False)
        .exclude(pk=session.pk)
        .exists()
    )
    Session.objects.filter(pk=session.pk).update(**after, displaced=displaced)
    # Exempt first: which of them clash is found out when they stand where they stand.
    Engagement.objects.filter(session=session, active=True).update(**after, exempt=True)
    return {name: (before[name], after[name]) for name in before if before[name] != after[name]}


def _exempt_clashing(session: Session) -> bool:
    """Leave the exemption to those engagements of the session that overlap another one; return whether any does."""
    mine = Engagement.objects.filter(session=session, active=True)
    clashing = list(mine.filter(Exists(overlapping())).values_list("pk", flat=True))
    mine.exclude(pk__in=clashing).update(exempt=False)
    return bool(clashing)


def is_blocked(session: Session, *, own_events: Collection[int] = ()) -> bool:
    """Return whether a blocked slot or BUSY time of one of its hosts lies over a session as it stands.

    `own_events`: the `external_id` of blocked slots that are the session itself.
    """
    users = [host for host in active_hosts(session) if host is not None]
    icloud = session.calendar.icloud_enabled
    return bool(rows.blocks(users=users, since=session.start, until=session.end, icloud=icloud, own=own_events))


def _within_hours(offer: Offer, session: Session) -> bool:
    return offer.hours.covers(floor_seconds(session.start), ceil_seconds(session.end))
