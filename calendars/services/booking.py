"""Book, edit, cancel, delete. Every one is a single transaction: the hosts' time is locked, looked at again, and
taken, and the database's constraints have the last word (rules A2-A4, reliability S38, S39)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from enum import Enum
from typing import Final, Literal, TypeVar

from django.utils.translation import gettext as _

from calendars.choices import AppointmentStatus, CalendarType
from calendars.models import Appointment, Contact, Session
from calendars.selectors.busy import hosts_of
from calendars.selectors.offers import Offer, offer_of
from calendars.services import contacts, holding
from calendars.services.announce import appointment_did, session_began, sessions_did_change
from calendars.services.clashes import settle_clashes
from calendars.services.contacts import ContactInput
from calendars.services.errors import InvalidState, SlotUnavailable
from calendars.services.placing import Conditions, checked_host, hosts_for, ranked_hosts
from calendars.services.transactions import in_transaction, lock_calendar, lock_hosts
from leadmagicx.accounts.models import User


class Unset(Enum):
    """A value that was not given, where None is a value."""

    UNSET = "not given"


UNSET: Final = Unset.UNSET
Given = Literal[Unset.UNSET]
T = TypeVar("T")


@in_transaction
def book(
    *,
    calendar_id: int,
    start: datetime,
    contact: ContactInput | Contact,
    by: User,
    now: datetime,
    host_id: int | None = None,
    title: str = "",
    location: str = "",
    notes: str = "",
    ignore_availability: bool = False,
    verified: bool = True,
    horizon: Mapping[int, datetime] | None = None,
) -> Appointment:
    """Book one slot, or one seat of a class, and return the appointment.

    Raises Calendar.DoesNotExist, NotAMember, SlotUnavailable, ValidationError. `ignore_availability` (staff only, the
    caller checks) passes by everything but overlaps and seats. `verified` is only written down (rule A5).
    """
    lock_calendar(calendar_id)
    offer = offer_of(calendar_id)
    chosen = checked_host(offer, host_id)
    hosts = hosts_of(offer, chosen)
    lock_hosts(hosts)
    conditions = Conditions(now, ignore_availability=ignore_availability, horizon=horizon or {})
    hosts = hosts_for(offer, start=start, hosts=None if chosen is None else hosts, conditions=conditions)
    client = contacts.for_booking(contact, by=by, calendar_id=calendar_id)
    session, is_new = _session_at(offer, start, hosts)
    appointment = Appointment(
        session=session,
        calendar=offer.calendar,
        contact=client,
        title=title or client.name,
        location=location,
        notes=notes,
        seat=holding.free_seat(session),
        verified=verified,
        created_by=by,
        created_at=now,
    )
    appointment.full_clean(validate_unique=False, validate_constraints=False)
    with holding.constraints_decide(offer, hosts):
        appointment.save()
    if is_new:
        session_began(session.pk)
    else:
        sessions_did_change([session.pk])
    appointment_did("created", appointment.pk)
    return appointment


def candidate_hosts(
    *,
    calendar_id: int,
    start: datetime,
    now: datetime,
    host_id: int | None = None,
    horizon: Mapping[int, datetime] | None = None,
    icloud: bool = True,
) -> list[int]:
    """Return whose own rows leave the slot free, the one it would be given to first: whom to ask iCloud about (A5).

    Of a collective, everybody or nobody. `icloud`: whether what iCloud closes counts. Nothing is locked. Raises
    Calendar.DoesNotExist, NotAMember.
    """
    offer = offer_of(calendar_id)
    chosen = checked_host(offer, host_id)
    hosts = None if chosen is None else hosts_of(offer, chosen)
    conditions = Conditions(now, horizon=horizon or {}, icloud=icloud)
    try:
        found = ranked_hosts(offer, start=start, hosts=hosts, conditions=conditions)
    except SlotUnavailable:
        return []
    return [host for host in found if host is not None]


@in_transaction
def edit(
    *,
    appointment_id: int,
    by: User,
    now: datetime,
    start: datetime | Given = UNSET,
    host_id: int | Given = UNSET,
    title: str | Given = UNSET,
    location: str | Given = UNSET,
    notes: str | Given = UNSET,
    ignore_availability: bool = False,
    verified: bool | Given = UNSET,
    horizon: Mapping[int, datetime] | None = None,
    own_events: Collection[int] = (),
) -> Appointment:
    """Change what is given, and return the appointment. A class seat moves alone; a collective moves for all hosts.

    `own_events`: the `external_id` of blocked slots that are this very appointment, seen in a host's calendar.

    Raises Appointment.DoesNotExist, InvalidState (cancelled), NotAMember, SlotUnavailable, ValidationError.
    """
    appointment, offer = _locked(appointment_id)
    if appointment.status != AppointmentStatus.CONFIRMED:
        raise InvalidState(_("A cancelled appointment cannot be changed."))
    conditions = Conditions(
        now,
        ignore_availability=ignore_availability,
        horizon=horizon or {},
        without_appointment=appointment.pk,
        own_events=own_events,
    )
    changed, dropped = _moved(
        appointment,
        offer,
        start=appointment.session.start if start is UNSET else start,
        host_id=None if host_id is UNSET else checked_host(offer, host_id),
        conditions=conditions,
    )
    given = {"title": title, "location": location, "notes": notes}
    texts: dict[str, object] = {
        name: value for name, value in given.items() if value is not UNSET and value != getattr(appointment, name)
    }
    if texts:
        changed |= {appointment.session_id}
    if verified is not UNSET and changed:
        texts["verified"] = verified
    for name, value in texts.items():
        setattr(appointment, name, value)
    if changed:
        appointment.full_clean(validate_unique=False, validate_constraints=False)
        with holding.constraints_decide(offer):
            appointment.save()
        sessions_did_change(changed, dropped=dropped)
        appointment_did("updated", appointment.pk)
    return appointment


@in_transaction
def cancel(*, appointment_id: int, by: User, now: datetime) -> Appointment:
    """Cancel an appointment and free its time or seat; twice is fine. Raises Appointment.DoesNotExist."""
    appointment, _ = _locked(appointment_id)
    if appointment.status == AppointmentStatus.CANCELLED:
        return appointment
    hosts = holding.active_hosts(appointment.session)
    appointment.status, appointment.cancelled_at = AppointmentStatus.CANCELLED, now
    appointment.save(update_fields=["status", "cancelled_at"])
    holding.end_if_empty(appointment.session)
    settle_clashes(host_ids=hosts)
    sessions_did_change([appointment.session_id])
    appointment_did("cancelled", appointment.pk)
    return appointment


@in_transaction
def delete(*, appointment_id: int, by: User, now: datetime) -> None:
    """Cancel an appointment and forget it. Raises Appointment.DoesNotExist.

    The ended session and its engagements stay: what was written to iCloud for them is still to be removed.
    """
    cancel(appointment_id=appointment_id, by=by, now=now)
    Appointment.objects.filter(pk=appointment_id).delete()


def _locked(appointment_id: int) -> tuple[Appointment, Offer]:
    """Lock the appointment's calendar, then everybody whose time may change, and read it again."""
    calendar_id = Appointment.objects.values_list("calendar_id", flat=True).get(pk=appointment_id)
    lock_calendar(calendar_id)
    offer = offer_of(calendar_id)
    appointment = Appointment.objects.select_related("session", "contact", "calendar").get(pk=appointment_id)
    lock_hosts([*offer.member_ids, *holding.active_hosts(appointment.session)])
    return appointment, offer


def _session_at(offer: Offer, start: datetime, hosts: list[int | None]) -> tuple[Session, bool]:
    """Return the class session to join, or a new session; and whether it is new."""
    if offer.calendar.kind is CalendarType.CLASS_BOOKING:
        session = holding.class_session(offer, start)
        if session is not None:
            return session, False
    return holding.hold(offer, start=start, hosts=hosts), True


def _moved(
    appointment: Appointment, offer: Offer, *, start: datetime, host_id: int | None, conditions: Conditions
) -> tuple[set[int], list[tuple[int, int]]]:
    """Move an appointment where it is wanted; return the changed sessions and (session, former host)."""
    session = appointment.session
    former = holding.active_hosts(session)
    replaces = host_id is not None and len(former) == 1 and not session.is_class and former != [host_id]
    if start == session.start and not replaces:
        return set(), []
    if session.is_class:
        return _reseated(appointment, offer, start, conditions), []
    hosts: list[int | None] = [host_id] if replaces else former
    conditions = replace(conditions, length=_seconds(session), without_session=session.pk)
    hosts_for(offer, start=start, hosts=hosts, conditions=conditions)
    dropped = holding.move(offer, session, start=start, hosts=hosts)
    settle_clashes(host_ids=[*former, *hosts])
    return {session.pk}, dropped


def _seconds(session: Session) -> int:
    return int((session.end - session.start).total_seconds())


def _reseated(appointment: Appointment, offer: Offer, start: datetime, conditions: Conditions) -> set[int]:
    """Move one seat of a class to the session at another start, made if need be; the emptied session ends."""
    old = appointment.session
    alone = not old.appointments.filter(status=AppointmentStatus.CONFIRMED).exclude(pk=appointment.pk).exists()
    moves_whole = alone and holding.class_session(offer, start) is None
    conditions = replace(
        conditions,
        length=_seconds(old) if moves_whole else None,
        without_session=old.pk if alone else None,
    )
    hosts = hosts_for(offer, start=start, hosts=None, conditions=conditions)
    former = holding.active_hosts(old)
    if moves_whole and former == hosts:
        holding.move(offer, old, start=start, hosts=hosts)
        settle_clashes(host_ids=former)
        return {old.pk}
    with holding.constraints_decide(offer, hosts):
        if alone:
            Appointment.objects.filter(pk=appointment.pk).update(status=AppointmentStatus.CANCELLED)
            holding.end_if_empty(old)
        target, _ = _session_at(offer, start, hosts)
        appointment.session, appointment.seat = target, holding.free_seat(target)
        appointment.save()
    settle_clashes(host_ids=[*former, *hosts])
    return {old.pk, target.pk}
