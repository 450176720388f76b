"""Find the hosts for one slot, under locks, or say why there are none (rules A2-A4)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.utils.translation import gettext as _

from calendars.choices import Assignment
from calendars.messages import explained
from calendars.rules import assignment
from calendars.rules.availability import Question, Shape
from calendars.rules.hours import local_date
from calendars.rules.intervals import floor_seconds
from calendars.rules.reasons import Code, Reason
from calendars.selectors.busy import Look, candidates, hosts_of, question
from calendars.selectors.offers import MINUTE, Offer, host_name
from calendars.services.errors import NotAMember, SlotUnavailable
from leadmagicx.accounts.models import User

# What not even staff may pass by (rule A4).
NEVER_IGNORED = {Code.BOOKED, Code.SEATS, Code.NO_MEMBER}


@dataclass(frozen=True, slots=True)
class Conditions:
    """How a slot is looked at: by whom it may be overruled, and which rows are about to move."""

    now: datetime
    ignore_availability: bool = False
    horizon: Mapping[int, datetime] = field(default_factory=dict)
    length: int | None = None
    without_session: int | None = None
    without_appointment: int | None = None
    own_events: Collection[int] = ()
    icloud: bool = True


def checked_host(offer: Offer, host_id: int | None) -> int | None:
    """Return the chosen host. Raises NotAMember."""
    if host_id is not None and host_id not in offer.member_ids:
        raise NotAMember(_("The host is not a member of this calendar."))
    return host_id


def hosts_for(
    offer: Offer, *, start: datetime, hosts: Sequence[int | None] | None, conditions: Conditions
) -> list[int | None]:
    """Return who gives the appointment: the assigned host, all hosts of a collective, or [None] without members.

    `hosts` were chosen by name; None leaves the choice to the calendar. Raises SlotUnavailable.
    """
    ranked = ranked_hosts(offer, start=start, hosts=hosts, conditions=conditions)
    return ranked if offer.terms().shape is Shape.ALL else ranked[:1]


def ranked_hosts(
    offer: Offer, *, start: datetime, hosts: Sequence[int | None] | None, conditions: Conditions
) -> list[int | None]:
    """Return every host who could give it, best first. Raises SlotUnavailable."""
    second = floor_seconds(start)
    chosen = hosts is not None
    look = Look(
        second,
        second,
        now=conditions.now,
        hosts=hosts if hosts is not None else hosts_of(offer, None),
        chosen=chosen,
        horizon=conditions.horizon,
        length=conditions.length,
        without_session=conditions.without_session,
        without_appointment=conditions.without_appointment,
        own_events=conditions.own_events,
        icloud=conditions.icloud,
    )
    asked = question(offer, look)
    on_grid = start.microsecond == 0 and is_on_grid(offer, second, length=asked.terms.length)
    reasons = ([] if on_grid else [Reason(Code.HOURS)]) + asked.reasons(second)
    free = asked.free_hosts(second)
    if reasons and conditions.ignore_availability:
        reasons, free = _overruled(asked, second, free, reasons)
    if reasons:
        raise refusal(offer, reasons)
    if chosen or asked.terms.shape is not Shape.ANY or len(free) < 2:
        return free
    return _assigned(offer, second, free)


def is_on_grid(offer: Offer, second: int, *, length: int) -> bool:
    """Return whether a start is one of the calendar's, with room for the length."""
    day = local_date(second, offer.hours.zone)
    step = offer.calendar.slot_interval * MINUTE
    return second in offer.hours.starts(day, day, step=step, length=length)


def refusal(offer: Offer, reasons: Sequence[Reason]) -> SlotUnavailable:
    """Return the error with sentences; times are in the calendar's zone."""
    named = {host for reason in reasons for host in (reason.host, *reason.hosts) if host is not None}
    names = offer.names
    missing = named - names.keys()
    if missing:
        names |= {user.pk: host_name(user) for user in User.objects.filter(pk__in=missing)}
    return SlotUnavailable(explained(reasons, names=names, zone=offer.hours.zone))


def _overruled(
    asked: Question, second: int, free: list[int | None], reasons: list[Reason]
) -> tuple[list[Reason], list[int | None]]:
    """Return what is left when staff overrule everything but overlaps and seats; free hosts are preferred."""
    unbooked = asked.unbooked_hosts(second)
    sitting = asked.sittings.get(second)
    full = sitting is not None and sitting.taken >= sitting.seats
    enough = len(unbooked) == len(asked.hosts) if asked.terms.shape is Shape.ALL else bool(unbooked)
    if enough and unbooked and not full:
        return [], (free if free and asked.terms.shape is Shape.ANY else unbooked)
    return [reason for reason in reasons if reason.code in NEVER_IGNORED], []


def _assigned(offer: Offer, second: int, free: Collection[int | None]) -> list[int | None]:
    hosts = {host for host in free if host is not None}
    members = candidates(offer, start=second)
    if offer.calendar.assignment == Assignment.EQUAL_DISTRIBUTION:
        ranked = assignment.by_equal_distribution(members, hosts)
        # All of them too far ahead: only staff who overrule the calendar get here.
        return list(ranked or hosts)
    return list(assignment.by_availability(members, hosts))
