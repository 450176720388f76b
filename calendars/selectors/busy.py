"""The rows that decide whether a slot is open, as values for calendars.rules."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Q
from django.db.models.functions import TruncDate, TruncMonth

from calendars.choices import AppointmentStatus, Assignment, CalendarType
from calendars.models import Appointment, Engagement, Session
from calendars.rules.assignment import Candidate, too_far_ahead
from calendars.rules.availability import Block, HostTime, Question, Sitting, Taken
from calendars.rules.hours import instant, local_date
from calendars.rules.intervals import Interval, ceil_seconds, floor_seconds
from calendars.selectors import rows
from calendars.selectors.offers import MINUTE, Offer

# No buffer is longer (Calendar's validators), so nothing further away can close a slot.
WIDEST_BUFFER = 24 * 60 * MINUTE
ASSIGNED = {CalendarType.ROUND_ROBIN, CalendarType.SERVICE}


@dataclass(frozen=True, slots=True)
class Look:
    """What is asked: starts from `first` to `last` (seconds) of some hosts, as if some rows were not there.

    `chosen`: the hosts were asked for by name, so distribution does not hide any. `horizon`: until when each host's
    iCloud time is known; absent hosts are not limited. `length` (seconds) replaces the slot duration. `merged`: nobody
    will ask for reasons, so what blocks is read as the time it takes together. `own_events`: the `external_id` of slots
    that are the appointment itself, seen in somebody's calendar (rule W7); only for a look that is not merged.
    `icloud`: whether what iCloud closes counts, in a calendar that asks it at all.
    """

    first: int
    last: int
    now: datetime
    hosts: Sequence[int | None]
    chosen: bool = False
    horizon: Mapping[int, datetime] = field(default_factory=dict)
    length: int | None = None
    merged: bool = False
    without_session: int | None = None
    without_appointment: int | None = None
    own_events: Collection[int] = ()
    icloud: bool = True


def question(offer: Offer, look: Look) -> Question:
    """Read everything the starts depend on: two queries, and one more each for class, day limit, distribution."""
    calendar = offer.calendar
    terms = offer.terms(length=look.length)
    hosts = look.hosts
    since = _moment(look.first - WIDEST_BUFFER)
    until = _moment(look.last + terms.length + WIDEST_BUFFER)
    taken = _taken(offer, look, since, until)
    asked_about = _moment(look.first), _moment(look.last + terms.length)
    blocks = {} if look.merged else _blocks(offer, look, *asked_about)
    busy = _busy(offer, look, *asked_about) if look.merged else {}
    passed_over: Mapping[tuple[int, int], frozenset[int]] = {}
    if not look.chosen and calendar.kind in ASSIGNED and calendar.assignment == Assignment.EQUAL_DISTRIBUTION:
        counts = month_counts(offer, first=look.first, last=look.last)
        passed_over = {month: too_far_ahead(found) for month, found in counts.items()}
    return Question(
        terms=terms,
        hosts=[
            HostTime(
                host,
                taken.get(host, ()),
                blocks.get(host, ()),
                horizon=_horizon(look.horizon.get(host) if host else None),
                busy=busy.get(host, ()),
            )
            for host in hosts
        ],
        now=ceil_seconds(look.now),
        sittings=_sittings(offer, look) if calendar.kind is CalendarType.CLASS_BOOKING else {},
        booked=_booked(offer, look) if calendar.max_per_day is not None else {},
        passed_over=passed_over,
    )


def hosts_of(offer: Offer, host_id: int | None) -> list[int | None]:
    """Return whose time matters. A Simple calendar without members has one host, None: the calendar itself."""
    if host_id is not None and offer.calendar.kind in {*ASSIGNED, CalendarType.SIMPLE}:
        return [host_id]
    if not offer.members and offer.calendar.kind is CalendarType.SIMPLE:
        return [None]
    return list(offer.member_ids)


def candidates(offer: Offer, *, start: int) -> list[Candidate]:
    """Return the members as assignment sees them for a slot, in list order (rule A3)."""
    day = local_date(start, offer.hours.zone)
    counts: Mapping[int, int] = {}
    latest: Mapping[int, datetime] = {}
    if offer.calendar.assignment == Assignment.EQUAL_DISTRIBUTION:
        counts = month_counts(offer, first=start, last=start)[day.year, day.month]
    else:
        latest = _last_booked(offer)
    return [
        Candidate(member.user_id, member.priority, latest.get(member.user_id), in_month=counts.get(member.user_id, 0))
        for member in offer.members
    ]


def month_counts(offer: Offer, *, first: int, last: int) -> dict[tuple[int, int], dict[int, int]]:
    """Return each member's appointments by calendar month (in the calendar's zone), for the months of both starts."""
    zone = offer.hours.zone
    begins, ends = local_date(first, zone).replace(day=1), local_date(last, zone)
    months = [begins]
    while (months[-1].year, months[-1].month) != (ends.year, ends.month):
        months.append((months[-1] + timedelta(days=32)).replace(day=1))
    after = (months[-1] + timedelta(days=32)).replace(day=1)
    found = {(month.year, month.month): dict.fromkeys(offer.member_ids, 0) for month in months}
    rows = (
        Engagement.objects.filter(
            active=True,
            calendar=offer.calendar,
            host_id__in=offer.member_ids,
            start__gte=_moment(instant(begins, 0, zone)),
            start__lt=_moment(instant(after, 0, zone)),
        )
        .order_by()
        .values(month=TruncMonth("start", tzinfo=zone))
        .values_list("month", "host_id", Count("pk"))
    )
    for month, host, count in rows:
        found[month.year, month.month][host] = count
    return found


def _last_booked(offer: Offer) -> dict[int, datetime]:
    rows = (
        Engagement.objects.filter(calendar=offer.calendar, host_id__in=offer.member_ids, dropped=False)
        .order_by()
        .values("host_id")
        .values_list("host_id", Max("session__appointments__created_at"))
    )
    return {host: latest for host, latest in rows if latest is not None}


def _taken(offer: Offer, look: Look, since: datetime, until: datetime) -> dict[int | None, list[Taken]]:
    calendar = offer.calendar
    own_class = calendar.kind is CalendarType.CLASS_BOOKING
    found: dict[int | None, list[Taken]] = defaultdict(list)
    for host, session, of_calendar, start, end, before, after in rows.taken(
        hosts=look.hosts, calendar_id=calendar.pk, since=since, until=until, without_session=look.without_session
    ):
        found[None if None in look.hosts else host].append(
            Taken(session, start, end, before * MINUTE, after * MINUTE, own_class and of_calendar == calendar.pk)
        )
    return found


def _blocks(offer: Offer, look: Look, since: datetime, until: datetime) -> dict[int | None, list[Block]]:
    users = [host for host in look.hosts if host is not None]
    found: dict[int | None, list[Block]] = defaultdict(list)
    icloud = offer.calendar.icloud_enabled and look.icloud
    for user, *block in rows.blocks(users=users, since=since, until=until, icloud=icloud, own=look.own_events):
        found[user].append(Block(*block))
    return found


def _busy(offer: Offer, look: Look, since: datetime, until: datetime) -> dict[int | None, list[Interval]]:
    users = [host for host in look.hosts if host is not None]
    found: dict[int | None, list[Interval]] = defaultdict(list)
    icloud = offer.calendar.icloud_enabled and look.icloud
    for user, start, end in rows.busy(users=users, since=since, until=until, icloud=icloud):
        found[user].append((start, end))
    return found


def _sittings(offer: Offer, look: Look) -> dict[int, Sitting]:
    rows: Any = Session.objects.filter(
        calendar=offer.calendar,
        active=True,
        is_class=True,
        displaced=False,
        start__gte=_moment(look.first),
        start__lte=_moment(look.last),
    )
    if look.without_session is not None:
        rows = rows.exclude(pk=look.without_session)
    counted = rows.annotate(taken=Count("appointments", filter=Q(appointments__status=AppointmentStatus.CONFIRMED)))
    return {
        floor_seconds(start): Sitting(pk, taken, seats)
        for pk, start, seats, taken in counted.order_by().values_list("pk", "start", "seats", "taken")
    }


def _booked(offer: Offer, look: Look) -> dict[date, int]:
    zone = offer.hours.zone
    begins = instant(local_date(look.first, zone), 0, zone)
    ends = instant(local_date(look.last, zone), 1440, zone)
    rows = Appointment.objects.filter(
        calendar=offer.calendar,
        status=AppointmentStatus.CONFIRMED,
        session__start__gte=_moment(begins),
        session__start__lt=_moment(ends),
    )
    if look.without_appointment is not None:
        rows = rows.exclude(pk=look.without_appointment)
    counted = rows.order_by().values(day=TruncDate("session__start", tzinfo=zone)).values_list("day", Count("pk"))
    return dict(counted)


def _horizon(moment: datetime | None) -> int | None:
    return None if moment is None else floor_seconds(moment)


def _moment(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)
