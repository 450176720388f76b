"""Reads for pages, REST and admin, each in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Min, Q, QuerySet
from django.utils import timezone

from calendars.choices import AppointmentStatus, CalendarType
from calendars.models import Appointment, BlockedSlot, Engagement, WeeklyHours
from icloud_sync.ical.scan import NOT_AN_EVENT
from icloud_sync.models import (
    LIVE_STATES,
    Attention,
    CalendarSettings,
    ConnectionStatus,
    EventState,
    ICloudCalendar,
    ICloudConnection,
    ICloudEvent,
    JournalEntry,
    SyncedEvent,
)
from icloud_sync.rules import linking

# Data older than this many polls is called stale (contract.md, free-slots).
STALE_POLLS = 5

# HTTP status of a write that the account has no room for.
STORAGE_FULL = "507"


def connections(*, user_id: int | None) -> QuerySet[ICloudConnection]:
    """Return the connections of a user, or everybody's for None; disconnected ones are gone for the outside."""
    rows = ICloudConnection.objects.exclude(status=ConnectionStatus.DISCONNECTED).select_related("user")
    return rows if user_id is None else rows.filter(user_id=user_id)


def calendar_settings(user_id: int) -> CalendarSettings:
    """Return what a user chose; defaults, unsaved, when nothing was chosen yet."""
    row = CalendarSettings.objects.select_related("primary_calendar__connection").filter(user_id=user_id).first()
    return row or CalendarSettings(user_id=user_id)


def calendars(*, user_id: int | None) -> QuerySet[ICloudCalendar]:
    """Return the calendars to be listed: those that are there, and vanished ones that still matter (K6, K7)."""
    matters = Q(checks_conflicts=True) | Q(primary_of__isnull=False) | Q(synced_events__state__in=LIVE_STATES)
    rows = (
        ICloudCalendar.objects.filter(Q(gone_at__isnull=True) | matters)
        .exclude(connection__status=ConnectionStatus.DISCONNECTED)
        .select_related("connection__user")
        .annotate(chosen_as_primary=Count("primary_of", distinct=True))
        .order_by("connection_id", "kind", "position", "name", "pk")
        .distinct()
    )
    return rows if user_id is None else rows.filter(connection__user_id=user_id)


def choice_of(calendar: ICloudCalendar) -> linking.Choice:
    """Return what a calendar may be chosen for, and why not (rules K3, K5, K6)."""
    return linking.choice(kind=calendar.kind, writable=calendar.writable, gone=calendar.gone_at is not None)


@dataclass(frozen=True, slots=True)
class Freshness:
    """How old what is known of some hosts' iCloud is; `data_as_of` is None when none of them uses iCloud."""

    data_as_of: datetime | None
    stale: bool
    horizon: dict[int, datetime] = field(default_factory=dict)


def freshness(*, host_ids: Sequence[int], now: datetime | None = None) -> Freshness:
    """Return the age of the oldest data that blocks these hosts, in one query (A5, P13)."""
    moment = now or timezone.now()
    rows = (
        ICloudConnection.objects.filter(user_id__in=list(host_ids), calendars__checks_conflicts=True)
        .exclude(status=ConnectionStatus.DISCONNECTED)
        .values_list("pk", "user_id", "status", "data_as_of", "horizon")
        .distinct()
    )
    limit = moment - timedelta(seconds=STALE_POLLS * settings.ICLOUD_POLL_SECONDS)
    oldest: datetime | None = None
    stale = False
    horizon: dict[int, datetime] = {}
    for _, user_id, status, as_of, known_to in rows:
        if as_of is None or as_of < limit or status != ConnectionStatus.CONNECTED:
            stale = True
        if as_of is not None:
            oldest = min(as_of, oldest or as_of)
        if known_to is not None:
            horizon[user_id] = min(known_to, horizon.get(user_id, known_to))
    return Freshness(oldest, stale, horizon)


def overlay(appointments: Iterable[Appointment]) -> dict[int, dict[str, list[dict[str, Any]]]]:
    """Return `icloud` and `flags` of appointments as contract.md shows them, in four queries for any number.

    A flag's `text` is left to the caller: it is a sentence (messages.py); here it is the Attention row.
    """
    found, now = list(appointments), timezone.now()
    sessions = {appointment.session_id for appointment in found}
    engagements = (
        Engagement.objects.filter(session_id__in=sessions, host__isnull=False, dropped=False)
        .filter(Q(active=True) | Q(session__active=False))
        .select_related("calendar")
        .only("session_id", "host_id", "is_primary", "end", "calendar__type", "calendar__icloud_enabled")
        .order_by("-is_primary", "pk")
    )
    by_session: dict[int, list[Engagement]] = {}
    for engagement in engagements:
        by_session.setdefault(engagement.session_id, []).append(engagement)
    held = [engagement.pk for group in by_session.values() for engagement in group]
    rows = {row.engagement_id: row for row in _newest_copies(held)}
    open_flags: dict[int, list[Attention]] = {}
    for flag in Attention.objects.filter(resolved_at__isnull=True, engagement_id__in=held):
        open_flags.setdefault(flag.engagement_id or 0, []).append(flag)
    with_primary = set(
        CalendarSettings.objects.filter(
            user_id__in={e.host_id for group in by_session.values() for e in group}, primary_calendar__isnull=False
        ).values_list("user_id", flat=True)
    )
    result: dict[int, dict[str, list[dict[str, Any]]]] = {}
    for appointment in found:
        group = by_session.get(appointment.session_id, [])
        result[appointment.pk] = {
            "icloud": [_icloud(appointment, e, rows.get(e.pk), with_primary, now=now) for e in group],
            "flags": [
                {"code": flag.code, "host": e.host_id, "attention": flag, "since": flag.since}
                for e in group
                for flag in open_flags.get(e.pk, [])
            ],
        }
    return result


def _newest_copies(engagement_ids: list[int]) -> QuerySet[SyncedEvent]:
    rows = SyncedEvent.objects.filter(engagement_id__in=engagement_ids).select_related("calendar__connection")
    # Event and account are wide; what is told of them is little.
    rows = rows.only(
        "engagement_id", "calendar_id", "state", "due_at", "failure", "written_at",
        "calendar__connection_id", "calendar__connection__status",
    )  # fmt: skip
    # The live copy comes last and wins; without one the newest closed one tells what became of it.
    return rows.annotate(live=Q(state__in=LIVE_STATES)).order_by("live", "pk")


def _icloud(
    appointment: Appointment, engagement: Engagement, row: SyncedEvent | None, with_primary: set[int], *, now: datetime
) -> dict[str, Any]:
    state, detail = _state(appointment, engagement, row, with_primary, now=now)
    shown = row if row is not None and state != "not_applicable" else None
    return {
        "host": engagement.host_id,
        "state": state,
        "calendar": shown.calendar_id if shown else None,
        "written_at": row.written_at if row and state == "written" else None,
        "detail": detail,
    }


def _state(
    appointment: Appointment, engagement: Engagement, row: SyncedEvent | None, with_primary: set[int], *, now: datetime
) -> tuple[str, str]:
    """Return the state of contract.md and a code of its reason ('' when there is nothing to say)."""
    if not CalendarType(engagement.calendar.type).accepts_icloud:
        return "not_applicable", "simple"
    if appointment.status == AppointmentStatus.CANCELLED:
        return "not_applicable", "cancelled"
    if not engagement.calendar.icloud_enabled:
        return "not_applicable", "icloud_off"
    if row is None or row.state in (EventState.GONE, EventState.DELETING):
        if engagement.host_id not in with_primary:
            return "not_applicable", "no_primary_calendar"
        # Only what is to come is written when a primary calendar is chosen or iCloud is turned on.
        return ("not_applicable", "past") if engagement.end <= now else ("pending", "")
    if row.calendar.connection.status == ConnectionStatus.DISCONNECTED:
        return "not_applicable", "no_primary_calendar"
    if row.state == EventState.LEFT_OFF:
        return "not_applicable", "left_off"
    if row.state == EventState.PENDING or (row.state == EventState.WRITTEN and row.due_at is not None):
        # Of all that makes a write wait, this alone is for the owner to mend (reliability F13).
        return "pending", STORAGE_FULL if row.failure == STORAGE_FULL else ""
    if row.state == EventState.FAILED:
        return "failed", row.failure
    return str(row.state), ""


def open_attention(*, user_id: int | None) -> QuerySet[Attention]:
    """Return what needs a person, newest first; everybody's for None."""
    rows = Attention.objects.filter(resolved_at__isnull=True).select_related(
        "user", "connection", "calendar", "engagement__session", "engagement__host", "engagement__calendar"
    )
    return rows if user_id is None else rows.filter(user_id=user_id)


def journal(*, user_id: int | None) -> QuerySet[JournalEntry]:
    """Return the journal, newest first; everybody's for None."""
    rows = JournalEntry.objects.select_related("connection", "calendar").order_by("-pk")
    return rows if user_id is None else rows.filter(user_id=user_id)


def may_see_titles(*, viewer_id: int, owner_id: int) -> bool:
    """Return whether somebody may read the titles of a user's private events (rule P15)."""
    return viewer_id == owner_id or owner_id in sharing_titles([owner_id])


def sharing_titles(user_ids: Iterable[int]) -> set[int]:
    """Return which of these users show the titles of their private events to others."""
    rows = CalendarSettings.objects.filter(user_id__in=list(user_ids), share_titles=True)
    return set(rows.values_list("user_id", flat=True))


@dataclass(frozen=True, slots=True)
class Preview:
    """What an account's events do to the week, in numbers of events."""

    events: int
    blocking: int
    all_day_free: int
    unreadable: int


def preview(connection: ICloudConnection, *, now: datetime) -> Preview:
    """Return how many of an account's coming events block, and how many all-day ones are marked Free."""
    events = ICloudEvent.objects.filter(calendar__connection=connection)
    slots = BlockedSlot.objects.filter(external_id__in=events.values("pk"), end__gt=now)
    counted = slots.aggregate(
        events=Count("external_id", distinct=True),
        blocking=Count("external_id", distinct=True, filter=Q(blocks=True)),
        free=Count("external_id", distinct=True, filter=Q(all_day=True, code="FREE")),
    )
    return Preview(
        events=counted["events"],
        blocking=counted["blocking"],
        all_day_free=counted["free"],
        unreadable=events.exclude(unreadable__in=["", NOT_AN_EVENT]).count(),
    )


def free_all_day(user_id: int, *, now: datetime, days: int = 60) -> list[BlockedSlot]:
    """Return coming all-day events marked Free that lie over hours clients can book (features.md §3.2)."""
    slots = BlockedSlot.objects.filter(
        user_id=user_id, source="icloud", all_day=True, code="FREE", end__gt=now, start__lt=now + timedelta(days=days)
    ).order_by("start")
    weekdays = set(
        WeeklyHours.objects.filter(calendar__members__user_id=user_id, calendar__icloud_enabled=True).values_list(
            "weekday", flat=True
        )
    )
    found: dict[int, BlockedSlot] = {}
    for slot in slots:
        if slot.external_id not in found and _touches(slot, weekdays):
            found[slot.external_id or 0] = slot
    return list(found.values())


def _touches(slot: BlockedSlot, weekdays: set[int]) -> bool:
    length = max(1, (slot.end - slot.start).days)
    return any(
        (slot.start + timedelta(days=offset, hours=12)).weekday() in weekdays for offset in range(min(length, 7))
    )


@dataclass(frozen=True, slots=True)
class Health:
    """How sync stands as a whole, for /readyz and /metrics."""

    by_status: dict[str, int]
    oldest_due: datetime | None
    oldest_data: datetime | None
    open_cases: int


def health() -> Health:
    """Return the state of all accounts in four queries; ids and Apple IDs stay out of it (S40)."""
    by_status = dict(
        ICloudConnection.objects.values_list("status").annotate(number=Count("pk")).values_list("status", "number")
    )
    active = ICloudConnection.objects.filter(status__in=[ConnectionStatus.CONNECTED, ConnectionStatus.UNREACHABLE])
    return Health(
        by_status=by_status,
        oldest_due=SyncedEvent.objects.filter(due_at__isnull=False).aggregate(at=Min("due_at"))["at"],
        oldest_data=active.aggregate(at=Min("data_as_of"))["at"],
        open_cases=Attention.objects.filter(resolved_at__isnull=True).aggregate(number=Count("pk"))["number"],
    )
