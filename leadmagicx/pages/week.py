"""`/`: the signed-in user's week; on a phone, one day of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, overload

from django.contrib.auth.decorators import login_required
from django.db.models import Prefetch
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from calendars.choices import AppointmentStatus, SlotSource
from calendars.models import Appointment, BlockedSlot, Engagement
from icloud_sync import selectors
from leadmagicx.accounts.models import User
from leadmagicx.accounts.requests import SignedInRequest
from leadmagicx.pages import attention, geometry

SATURDAY = 5
EARLIEST, LATEST = date(1990, 1, 8), date(2200, 1, 1)


@dataclass(frozen=True, slots=True)
class Entry:
    """One appointment or blocked slot as the week shows it; `kind` names its look in app.css."""

    kind: str
    title: str
    note: str
    url: str
    start: datetime
    end: datetime
    all_day: bool = False
    flagged: bool = False


@login_required
@require_GET
def week(request: SignedInRequest) -> HttpResponse:
    """Show the week of `?date=`; without it this week, or the next one once this one is over."""
    user = request.user
    now = timezone.now().astimezone(user.zone)
    asked = chosen_date(request.GET.get("date", ""), default=None)
    chosen = asked or now.date()
    dates, entries = _week_with(user, chosen)
    over = asked is None and is_over(entries, now=now)
    if over:
        chosen = dates[0] + timedelta(days=7)
        dates, entries = _week_with(user, chosen)
    days = [geometry.day_of(day, entries, zone=user.zone) for day in dates]
    first, last = geometry.hours_shown(days)
    context: dict[str, Any] = {
        "section": "week",
        "days": days,
        "chosen": chosen,
        "today": now.date(),
        "first": first,
        "long": last - first,
        "hours": range(first, last),
        "now_classes": f"h{now.hour} m{now.minute // 5 * 5}" if first <= now.hour < last else "",
        "over": over,
        "previous": chosen - timedelta(days=7),
        "next": chosen + timedelta(days=7),
        "uses_icloud": selectors.connections(user_id=user.pk).exists(),
    }
    return render(request, "week/week.html", context)


def _week_with(user: User, day: date) -> tuple[list[date], list[Entry]]:
    dates = geometry.week_of(day)
    return dates, entries_of(user, dates[0], dates[-1] + timedelta(days=1))


def is_over(entries: Sequence[Entry], *, now: datetime) -> bool:
    """Say whether a week has nothing more to show: it is Saturday evening or Sunday, and all that is in it is past.

    Who looks on a Sunday wants to know what comes; an empty week behind them tells nothing.
    """
    begun = (now.weekday(), now.hour) >= (SATURDAY, geometry.LAST_HOUR)
    return begun and all(entry.end <= now for entry in entries)


@overload
def chosen_date(text: str, *, default: date) -> date: ...
@overload
def chosen_date(text: str, *, default: None) -> date | None: ...
def chosen_date(text: str, *, default: date | None) -> date | None:
    """Return the date of an address; anything that is none, or absurdly far away, means the default."""
    try:
        found = parse_date(text)
    except ValueError:
        found = None
    return found if found and EARLIEST <= found <= LATEST else default


def entries_of(user: User, first: date, after: date) -> list[Entry]:
    """Return what takes or shows time between two dates of the user's zone (`after` is not part of it)."""
    start = datetime.combine(first, time(), tzinfo=user.zone)
    end = datetime.combine(after, time(), tzinfo=user.zone)
    slots = BlockedSlot.objects.filter(user=user, start__lt=end, end__gte=start)
    return _appointments(user, start, end) + [_slot(slot) for slot in slots]


def _appointments(user: User, start: datetime, end: datetime) -> list[Entry]:
    seats = Appointment.objects.filter(status=AppointmentStatus.CONFIRMED).select_related("contact", "session")
    found = (
        Engagement.objects.filter(host=user, active=True, start__lt=end, end__gt=start)
        .select_related("session", "calendar")
        .prefetch_related(Prefetch("session__appointments", queryset=seats, to_attr="booked"))
    )
    held = [(engagement, engagement.session.booked) for engagement in found]  # type: ignore[attr-defined]
    overlay = selectors.overlay([booked[0] for _engagement, booked in held if booked])
    return [_appointment(user, engagement, booked, overlay) for engagement, booked in held if booked]


def _appointment(user: User, engagement: Engagement, booked: list[Appointment], overlay: dict[int, Any]) -> Entry:
    first, session = booked[0], engagement.session
    flags = [flag for flag in overlay.get(first.pk, {}).get("flags", []) if flag["host"] in (user.pk, None)]
    title = f"{engagement.calendar.name} ({len(booked)}/{session.seats})" if session.is_class else first.title
    return Entry(
        kind="appointment",
        title=title,
        note=attention.label(flags[0]["code"]) if flags else ("" if session.is_class else engagement.calendar.name),
        url=reverse("pages:appointment", args=[first.pk]),
        start=engagement.start,
        end=engagement.end,
        flagged=bool(flags),
    )


def _slot(slot: BlockedSlot) -> Entry:
    removed = slot.removed_at is not None
    own = slot.source == SlotSource.LEADMAGICX
    note = _("Deleted in iCloud") if removed and slot.blocks else str(slot.get_code_display())
    if slot.blocks and slot.busy_start < slot.start:
        travel = _("travel from %(time)s") % {"time": date_format(localtime(slot.busy_start), "TIME_FORMAT")}
        note = f"{note}, {travel}"
    return Entry(
        kind=("own-block" if own else "busy") if slot.blocks else "open",
        title=slot.title or (_("Blocked") if own else _("Untitled event")),
        note=note if not own else _("Blocked in LeadMagicX"),
        url=reverse("pages:blocked-slot", args=[slot.pk]),
        start=slot.start,
        end=slot.end,
        all_day=slot.all_day,
        flagged=removed and slot.blocks,
    )
