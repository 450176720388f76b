"""Book and move appointments with iCloud looked at first (rule A5)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from calendars.models import Appointment, Calendar, Engagement
from calendars.services import booking
from calendars.services.booking import UNSET
from icloud_sync.local import copies
from icloud_sync.services.live import all_fresh, check_hosts, horizon_of

Horizon = Mapping[int, datetime]


def book(*, calendar_id: int, start: datetime, now: datetime, host_id: int | None = None, **given: Any) -> Appointment:
    """Book as calendars.services.booking.book does, after a live check of the hosts who would be given the slot.

    What the check finds is in the rows when the slot is looked at again inside the booking's transaction, so BUSY time
    found just now refuses it with ICLOUD_BUSY. `verified` is false when a check could not be made.
    """
    horizon = look_first(calendar_id=calendar_id, start=start, now=now, host_id=host_id)
    appointment = booking.book(calendar_id=calendar_id, start=start, now=now, host_id=host_id, horizon=horizon, **given)
    return write_down_verified(appointment, now=now)


def edit(*, appointment_id: int, now: datetime, **given: Any) -> Appointment:
    """Edit as calendars.services.booking.edit does, after a live check when the time or the host changes."""
    start, host_id = given.get("start", UNSET), given.get("host_id", UNSET)
    if start is UNSET and host_id is UNSET:
        return booking.edit(appointment_id=appointment_id, now=now, **given)
    chosen = None if host_id is UNSET else host_id
    horizon = look_before_move(appointment_id=appointment_id, host_id=chosen, now=now)
    own = own_events(appointment_id)
    appointment = booking.edit(appointment_id=appointment_id, now=now, horizon=horizon, own_events=own, **given)
    return write_down_verified(appointment, now=now)


def look_first(*, calendar_id: int, start: datetime, now: datetime, host_id: int | None = None) -> Horizon:
    """Look at iCloud for the hosts who would be given a slot; call it outside of any transaction, before booking.

    When nobody would, for those whom nothing but iCloud keeps from it: what is known of it may be old as well.
    Returns how far ahead each member's time is known. Raises Calendar.DoesNotExist, NotAMember.
    """
    if not Calendar.objects.filter(pk=calendar_id, icloud_enabled=True).exists():
        return {}
    asked = partial(booking.candidate_hosts, calendar_id=calendar_id, start=start, now=now, host_id=host_id)
    check_hosts(asked() or asked(icloud=False), now=now)
    return horizon_of(_members(calendar_id))


def look_before_move(*, appointment_id: int, host_id: int | None, now: datetime) -> Horizon:
    """As look_first, for an appointment that gets another time, or another host. Raises Appointment.DoesNotExist."""
    before = Appointment.objects.select_related("calendar").get(pk=appointment_id)
    if not before.calendar.icloud_enabled:
        return {}
    check_hosts(_hosts_now(before) if host_id is None else [host_id], now=now)
    return horizon_of(_members(before.calendar_id))


def own_events(appointment_id: int) -> frozenset[int]:
    """Return the mirrored events that are this appointment itself: they do not keep it from being moved (rule W7)."""
    return copies.mirrored(Appointment.objects.values_list("session_id", flat=True).get(pk=appointment_id))


def write_down_verified(appointment: Appointment, *, now: datetime) -> Appointment:
    """Note whether what is known of every host's iCloud was fresh when the appointment was given its time."""
    verified = not appointment.calendar.icloud_enabled or all_fresh(_hosts_now(appointment), now=now)
    if appointment.verified != verified:
        Appointment.objects.filter(pk=appointment.pk).update(verified=verified)
        appointment.verified = verified
    return appointment


def _members(calendar_id: int) -> list[int]:
    return list(Calendar.objects.filter(pk=calendar_id).values_list("members__user_id", flat=True))


def _hosts_now(appointment: Appointment) -> list[int]:
    held = Engagement.objects.filter(session_id=appointment.session_id, active=True, host__isnull=False)
    return [host for host in held.values_list("host_id", flat=True) if host is not None]
