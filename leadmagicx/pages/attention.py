"""`/attention/`: what only a person can decide, one line each, with its actions."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from calendars.choices import AppointmentStatus
from calendars.models import BlockedSlot
from calendars.selectors import host_name, is_shown
from icloud_sync import selectors
from icloud_sync.messages import attention_text
from icloud_sync.models import Attention
from icloud_sync.services import InvalidState, flags
from leadmagicx.accounts.models import User
from leadmagicx.accounts.requests import SignedInRequest
from leadmagicx.pages import wording
from leadmagicx.pages.profile import next_page

SHOWN = 100
MOVED = "moved_in_icloud"
# Each of these says as well that the appointment was moved: one line for one case.
MOVED_AND_MORE = ("outside_hours", "clash", "affects_others")


@dataclass(frozen=True, slots=True)
class Choice:
    """One button. `post`: it changes something at once; otherwise it leads to a page."""

    label: str
    url: str
    post: bool = False
    primary: bool = False
    danger: bool = False
    host: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One case in words; `owner` is set when it is somebody else's (staff)."""

    label: str
    text: str
    since: datetime
    owner: str = ""
    actions: list[Choice] = field(default_factory=list)


@login_required
@require_GET
def attention(request: SignedInRequest) -> HttpResponse:
    """List the user's open cases; staff see everybody's."""
    user = request.user
    cases, slots = cases_of(user), removed_slots(user, now=timezone.now())
    shown = cases.prefetch_related("engagement__session__appointments")[:SHOWN]
    lines = [line_of(case, viewer=user) for case in shown]
    lines += [_slot_line(slot) for slot in slots[: SHOWN - len(lines)]]
    lines.sort(key=lambda line: line.since, reverse=True)
    more = cases.count() + slots.count() - len(lines)
    return render(request, "attention/attention.html", {"section": "attention", "lines": lines, "more": more})


@login_required
@require_POST
def acknowledge(request: SignedInRequest, pk: int) -> HttpResponse:
    """Put a case aside that asks for nothing but to be seen, with what its line says besides."""
    case = get_object_or_404(cases_of(request.user), pk=pk)
    besides = cases_besides(case)
    try:
        for one in [case.pk, *besides]:
            flags.acknowledge(attention_id=one, now=timezone.now())
    except InvalidState as error:
        messages.error(request, error.text)
    return redirect(next_page(request, default=reverse("pages:attention")))


@login_required
@require_POST
def retry(request: SignedInRequest, pk: int) -> HttpResponse:
    """Send once more what a case says could not be written (rule W9)."""
    case = get_object_or_404(cases_of(request.user), pk=pk)
    try:
        flags.retry_case(attention_id=case.pk, now=timezone.now())
    except InvalidState as error:
        messages.error(request, error.text)
    else:
        messages.success(request, _("LeadMagicX tries again now."))
    return redirect(next_page(request, default=reverse("pages:attention")))


def cases_besides(case: Attention) -> list[int]:
    """Return what the line of a case says as well: that the appointment was moved."""
    if case.engagement is None or case.code not in MOVED_AND_MORE:
        return []
    cases = selectors.open_attention(user_id=case.user_id)
    return list(cases.filter(code=MOVED, engagement=case.engagement).values_list("pk", flat=True))


def cases_of(user: User) -> QuerySet[Attention]:
    """Return the open cases a user sees: their own, for staff all; none that another line says as well."""
    cases = selectors.open_attention(user_id=None if user.is_staff else user.pk)
    more = cases.filter(engagement=OuterRef("engagement"), user=OuterRef("user"), code__in=MOVED_AND_MORE)
    return cases.exclude(Exists(more.order_by()), code=MOVED)


def removed_slots(user: User, *, now: datetime) -> QuerySet[BlockedSlot]:
    """Return the user's blocked slots whose event is gone from iCloud and that still close coming time (rule P5)."""
    return BlockedSlot.objects.filter(user=user, blocks=True, removed_at__isnull=False, end__gt=now)


def count_of(user: User) -> int:
    """Return how many lines the page has."""
    return cases_of(user).count() + removed_slots(user, now=timezone.now()).count()


def line_of(case: Attention, *, viewer: User) -> Line:
    """Return one case with what can be done about it."""
    return Line(
        label=label(case.code),
        text=attention_text(case, zone=viewer.zone),
        since=case.since,
        owner=host_name(case.user) if case.user_id != viewer.pk else "",
        actions=_actions(case, viewer=viewer),
    )


def _slot_line(slot: BlockedSlot) -> Line:
    when = wording.span(slot.start, slot.end, all_day=slot.all_day)
    values = {"title": slot.title or _("Untitled event"), "when": when}
    assert slot.removed_at is not None
    return Line(
        label=_("Deleted in iCloud"),
        text=_("“%(title)s” (%(when)s) was deleted in iCloud. The time is still closed for bookings.") % values,
        since=slot.removed_at,
        actions=[
            Choice(_("Free this time"), reverse("pages:blocked-slot-release", args=[slot.pk]), post=True, primary=True),
            Choice(_("Show"), reverse("pages:blocked-slot", args=[slot.pk])),
        ],
    )


def _actions(case: Attention, *, viewer: User) -> list[Choice]:
    own = case.user_id == viewer.pk
    if case.code == "needs_password" and own:
        url = reverse("icloud-reconnect", args=[case.connection_id]) + "#icloud"
        return [Choice(_("Reconnect"), url, primary=True)]
    if case.code == "unreachable" and own:
        return [Choice(_("Try now"), reverse("icloud-sync", args=[case.connection_id]), post=True)]
    if case.code == "primary_lost" and own:
        return [Choice(_("Choose another calendar"), reverse("primary-calendar") + "#primary", primary=True)]
    if case.engagement is None:
        return []
    booked = case.engagement.session.appointments.all()
    shown = [one for one in booked if is_shown(viewer, one, engagement=case.engagement)]
    standing = sorted(one.pk for one in shown if one.status == AppointmentStatus.CONFIRMED)
    actions = appointment_actions(case.code, standing[0], host=case.user_id) if standing else []
    if case.code == "write_failed":
        # Of the case, not of the appointment: that may be deleted, or another host's by now.
        retry = Choice(_("Try again"), reverse("pages:attention-retry", args=[case.pk]), post=True, primary=True)
        actions = [retry, *(one for one in actions if not one.post)]
    if flags.acknowledgeable(case):
        actions.append(Choice(_("Got it"), reverse("pages:attention-acknowledge", args=[case.pk]), post=True))
    return actions


def appointment_actions(code: str, appointment_id: int, *, host: int | None) -> list[Choice]:
    """Return what can be done about one flag of an appointment (rules P4, P7, W9)."""

    def act(name: str, text: str, *, primary: bool = False) -> Choice:
        url = reverse("pages:appointment-decide", args=[appointment_id, name])
        return Choice(text, url, post=True, primary=primary, host=host)

    cancel = Choice(_("Cancel appointment"), reverse("pages:appointment-cancel", args=[appointment_id]), danger=True)
    show = Choice(_("Show appointment"), reverse("pages:appointment", args=[appointment_id]))
    move = Choice(_("Move"), reverse("pages:appointment-move", args=[appointment_id]))
    match code:
        case "removed_in_icloud":
            return [act("put-back", _("Put it back"), primary=True), act("leave-off", _("Leave it off")), cancel]
        case "write_failed":
            return [act("retry", _("Try again"), primary=True), show]
        case "clash" | "outside_hours":
            return [move, cancel, show]
        case _:
            return [show]


def label(code: str) -> str:
    """Return a case in a word or three."""
    labels = {
        "removed_in_icloud": _("Removed in iCloud"),
        "moved_in_icloud": _("Moved in iCloud"),
        "outside_hours": _("Outside opening hours"),
        "clash": _("Clashes with something"),
        "affects_others": _("Affects others"),
        "unsupported_edit": _("Edit not taken over"),
        "write_failed": _("Not in iCloud"),
        "needs_password": _("Needs a new password"),
        "unreachable": _("iCloud cannot be reached"),
        "primary_lost": _("Primary calendar lost"),
        "unreadable_event": _("Unreadable event"),
    }
    return labels.get(code, code)
