"""Open times of one calendar on one day, and why the others are closed (rule A6)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from calendars.messages import explained
from calendars.models import Calendar
from calendars.rules.reasons import Code
from calendars.selectors import Offer, calendars_of, free_slots, offer_of
from icloud_sync import selectors
from leadmagicx.accounts.models import User
from leadmagicx.accounts.requests import SignedInRequest
from leadmagicx.pages.week import chosen_date

DAYS_AHEAD = 28


@dataclass(frozen=True, slots=True)
class Line:
    """One start of the grid: open, or the sentences that say why not. `hours`: the whole day is outside the hours."""

    start: datetime
    open: bool
    texts: list[str]
    hours: bool


def chosen_calendar(request: SignedInRequest) -> tuple[list[Calendar], Calendar | None]:
    """Return the calendars the user may book in, and the one of the address or form (else the first)."""
    found = list(calendars_of(request.user))
    wanted = request.POST.get("calendar") or request.GET.get("calendar") or ""
    return found, next((one for one in found if str(one.pk) == wanted), found[0] if found else None)


def chosen_day(request: SignedInRequest) -> date:
    """Return the day of the address, today in the user's zone without one."""
    return chosen_date(request.GET.get("date", ""), default=timezone.now().astimezone(request.user.zone).date())


def _freshness(offer: Offer) -> selectors.Freshness:
    """Return the age of what closes the offer's times; iCloud closes none where it is turned off (rule K2)."""
    return selectors.freshness(host_ids=offer.member_ids if offer.calendar.icloud_enabled else [])


def times(user: User, offer: Offer, day: date, *, now: datetime) -> dict[str, Any]:
    """Return what availability/_slots.html shows: the open times of a day, and the next open day when there is none."""
    fresh = _freshness(offer)
    ask = partial(free_slots, offer, zone=user.zone, now=now, horizon=fresh.horizon)
    slots = ask(first=day, last=day).days[day]
    next_open = None
    if not slots:
        later = ask(first=day + timedelta(days=1), last=day + timedelta(days=DAYS_AHEAD)).days
        next_open = next((other for other, found in later.items() if found), None)
    return {
        "slots": slots,
        "next_open": next_open,
        "stale": fresh.stale,
        "calendar": offer.calendar,
        "calendar_id": offer.calendar.pk,
        "day": day,
    }


@login_required
@require_GET
def why(request: SignedInRequest) -> HttpResponse:
    """Say for each time of a day whether it is open, and if not, why."""
    user, day = request.user, chosen_day(request)
    calendars, calendar = chosen_calendar(request)
    context: dict[str, Any] = {
        "section": "week",
        "calendars": calendars,
        "calendar": calendar,
        "day": day,
        "self_url": reverse("pages:why"),
        "back": f"/?date={day}",
    }
    if calendar is not None:
        offer, now = offer_of(calendar.pk), timezone.now()
        fresh = _freshness(offer)
        context |= {"stale": fresh.stale, "lines": _lines(user, offer, day, now=now, horizon=fresh.horizon)}
    return render(request, "availability/why.html", context)


def _lines(user: User, offer: Offer, day: date, *, now: datetime, horizon: dict[int, datetime]) -> list[Line]:
    found = free_slots(offer, first=day, last=day, zone=user.zone, now=now, explain=True, horizon=horizon)
    lines = []
    for one in found.explanations[day]:
        reasons = explained(one.reasons, names=offer.names, zone=user.zone)
        texts = [f"{text}." for text in dict.fromkeys(reason["text"] for reason in reasons)]
        whole_day = len(found.explanations[day]) == 1 and [reason.code for reason in one.reasons] == [Code.HOURS]
        lines.append(Line(one.start, one.open, texts, whole_day))
    return lines
