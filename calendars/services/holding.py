"""Rows of sessions: hold hosts' time, give out seats, let go. Callers hold the locks; the constraints have the last
word (rule A4)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from calendars.choices import AppointmentStatus, CalendarType
from calendars.models import Appointment, Engagement, Session
from calendars.rules.reasons import Code, Reason
from calendars.selectors.offers import Offer
from calendars.services.placing import refusal


@contextmanager
def constraints_decide(offer: Offer, hosts: Sequence[int | None] = ()) -> Iterator[None]:
    """Turn a refusal by the database into SlotUnavailable; the transaction stays usable."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        only = hosts[0] if len(hosts) == 1 else None
        raise refusal(offer, [Reason(Code.BOOKED, only)]) from error


def class_session(offer: Offer, start: datetime) -> Session | None:
    """Return the class session that a start belongs to, if there is one."""
    return Session.objects.filter(
        calendar=offer.calendar, start=start, active=True, is_class=True, displaced=False
    ).first()


def hold(offer: Offer, *, start: datetime, hosts: Sequence[int | None]) -> Session:
    """Make a session and its hosts' engagements. Raises SlotUnavailable when the database refuses."""
    calendar = offer.calendar
    is_class = calendar.kind is CalendarType.CLASS_BOOKING
    end = start + timedelta(minutes=calendar.slot_duration)
    with constraints_decide(offer, hosts):
        session = Session.objects.create(
            calendar=calendar,
            start=start,
            end=end,
            is_class=is_class,
            seats=calendar.seats_per_slot if is_class else 1,
        )
        primary = offer.primary_id if len(hosts) > 1 else hosts[0]
        Engagement.objects.bulk_create(
            Engagement(
                session=session, calendar=calendar, host_id=host, start=start, end=end, is_primary=host == primary
            )
            for host in hosts
        )
    return session


def free_seat(session: Session) -> int:
    """Return the lowest free seat; one beyond the last when it is full, which no caller gets to."""
    taken = set(
        Appointment.objects.filter(session=session, status=AppointmentStatus.CONFIRMED).values_list("seat", flat=True)
    )
    return next(seat for seat in range(1, len(taken) + 2) if seat not in taken)


def active_hosts(session: Session) -> list[int | None]:
    """Return the hosts of a session, primary first."""
    rows = Engagement.objects.filter(session=session, active=True).order_by("-is_primary", "pk")
    return list(rows.values_list("host_id", flat=True))


def move(offer: Offer, session: Session, *, start: datetime, hosts: Sequence[int | None]) -> list[tuple[int, int]]:
    """Give a session another start, or its only host's place to another; return (session, former host) if so.

    The length stays (rule P7: a length given in iCloud is kept).
    """
    former = active_hosts(session)
    replaced = set(former) != set(hosts)
    session.start, session.end = start, start + (session.end - session.start)
    times = {"start": session.start, "end": session.end}
    held = Engagement.objects.filter(session=session, active=True)
    with constraints_decide(offer, hosts):
        Session.objects.filter(pk=session.pk).update(**times, displaced=False)
        if not replaced:
            held.update(**times, exempt=False)
            return []
        held.update(active=False, dropped=True, is_primary=False, exempt=False)
        for host in hosts:
            taken_up = {"calendar_id": session.calendar_id, "active": True, "dropped": False, "is_primary": True}
            Engagement.objects.update_or_create(session=session, host_id=host, defaults=taken_up | times)
    return [(session.pk, host) for host in former if host is not None]


def end_if_empty(session: Session) -> bool:
    """Let the hosts' time go when no confirmed seat is left; return whether the session ended."""
    if Appointment.objects.filter(session=session, status=AppointmentStatus.CONFIRMED).exists():
        return False
    Session.objects.filter(pk=session.pk).update(active=False, displaced=False)
    Engagement.objects.filter(session=session, active=True).update(active=False, exempt=False)
    session.active = False
    return True
