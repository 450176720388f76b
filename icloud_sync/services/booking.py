"""Book and move appointments with iCloud looked at first (rule A5)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from calendars.models import Appointment, Calendar, Engagement
from calendars.services import booking
from calendars.services.booking import UNSET
from icloud_sync.services.live import horizon_of, unverified_after_check


def book(*, calendar_id: int, start: datetime, now: datetime, host_id: int | None = None, **given: Any) -> Appointment:
    """Book as calendars.services.booking.book does, after a live check of the hosts who would be given the slot.

    What the check finds is in the rows when the slot is looked at again inside the booking's transaction, so BUSY time
    found just now refuses it with ICLOUD_BUSY. `verified` is false when a check could not be made.
    """
    hosts = _hosts_to_check(calendar_id=calendar_id, start=start, now=now, host_id=host_id)
    unverified = unverified_after_check(hosts, now=now)
    appointment = booking.book(
        calendar_id=calendar_id,
        start=start,
        now=now,
        host_id=host_id,
        verified=not unverified,
        horizon=horizon_of(_members(calendar_id)),
        **given,
    )
    return _verified(appointment, unverified)


def edit(*, appointment_id: int, now: datetime, **given: Any) -> Appointment:
    """Edit as calendars.services.booking.edit does, after a live check when the time or the host changes."""
    start, host_id = given.get("start", UNSET), given.get("host_id", UNSET)
    if start is UNSET and host_id is UNSET:
        return booking.edit(appointment_id=appointment_id, now=now, **given)
    before = Appointment.objects.select_related("session").get(pk=appointment_id)
    hosts = _hosts_now(before) if host_id is UNSET else [host_id]
    uses_icloud = Calendar.objects.filter(pk=before.calendar_id, icloud_enabled=True).exists()
    unverified = unverified_after_check(hosts, now=now) if uses_icloud else set()
    horizon = horizon_of(_members(before.calendar_id)) if uses_icloud else {}
    appointment = booking.edit(appointment_id=appointment_id, now=now, horizon=horizon, **given)
    return _verified(appointment, unverified)


def _hosts_to_check(*, calendar_id: int, start: datetime, now: datetime, host_id: int | None) -> list[int]:
    if not Calendar.objects.filter(pk=calendar_id, icloud_enabled=True).exists():
        return []
    return booking.candidate_hosts(calendar_id=calendar_id, start=start, now=now, host_id=host_id)


def _members(calendar_id: int) -> list[int]:
    return list(Calendar.objects.filter(pk=calendar_id, icloud_enabled=True).values_list("members__user_id", flat=True))


def _hosts_now(appointment: Appointment) -> list[int]:
    held = Engagement.objects.filter(session_id=appointment.session_id, active=True, host__isnull=False)
    return [host for host in held.values_list("host_id", flat=True) if host is not None]


def _verified(appointment: Appointment, unverified: set[int]) -> Appointment:
    """Write down whether every host of the appointment was fresh or checked."""
    verified = not unverified & set(_hosts_now(appointment))
    if appointment.verified != verified:
        Appointment.objects.filter(pk=appointment.pk).update(verified=verified)
        appointment.verified = verified
    return appointment
