"""Appointments: book, look at, move, change, cancel, and decide about one that iCloud changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.forms import Form
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from calendars.api.fields import LONGEST_ID
from calendars.choices import AppointmentStatus, CalendarType
from calendars.models import Appointment
from calendars.selectors import appointments_of, host_name, offer_of, with_details
from calendars.services import booking as own_booking
from calendars.services.contacts import ContactInput
from calendars.services.errors import Refused, SlotUnavailable
from icloud_sync import selectors
from icloud_sync.messages import copy_detail, flag_text
from icloud_sync.models import ICloudCalendar
from icloud_sync.services import InvalidState, booking, flags
from leadmagicx.accounts.models import User
from leadmagicx.accounts.requests import SignedInRequest
from leadmagicx.pages import attention, availability
from leadmagicx.pages.forms import AppointmentForm, DetailsForm, MoveForm
from leadmagicx.pages.profile import next_page

DECISIONS: dict[str, Callable[..., None]] = {
    "put-back": flags.put_back,
    "leave-off": flags.leave_off,
    "retry": flags.retry,
}
CHOOSES_HOST = {CalendarType.ROUND_ROBIN, CalendarType.SERVICE}


def appointment_of(request: SignedInRequest, pk: int) -> Appointment:
    """Return an appointment the user may see; others do not exist."""
    found = with_details(appointments_of(request.user)).filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


@login_required
@require_http_methods(["GET", "POST"])
def new(request: SignedInRequest) -> HttpResponse:
    """Book: calendar and day, then one of the open times, then the client."""
    user, now, day = request.user, timezone.now(), availability.chosen_day(request)
    calendars, calendar = availability.chosen_calendar(request)
    context: dict[str, Any] = {
        "section": "week",
        "calendars": calendars,
        "self_url": reverse("pages:appointment-new"),
        "back": f"/?date={day}",
    }
    if calendar is None:
        return render(request, "appointments/new.html", context)
    offer = offer_of(calendar.pk)
    hosts = offer.names if calendar.kind in CHOOSES_HOST else {}
    form = AppointmentForm(request.POST if request.method == "POST" else None, hosts=hosts)
    if form.is_valid() and _book(form, calendar_id=calendar.pk, user=user, context=context):
        messages.success(request, _("Booked."))
        return redirect("pages:appointment", context["booked"].pk)
    context |= {"form": form, **availability.times(user, offer, day, now=now)}
    return render(request, "appointments/new.html", context)


def _book(form: AppointmentForm, *, calendar_id: int, user: User, context: dict[str, Any]) -> bool:
    """Book what the form says; a refusal becomes its error."""
    given = form.cleaned_data
    try:
        context["booked"] = booking.book(
            calendar_id=calendar_id,
            start=given["start"],
            contact=ContactInput(given["name"], given["email"], given["phone"]),
            by=user,
            now=timezone.now(),
            host_id=given.get("host"),
            title=given["title"],
            location=given["location"],
            notes=given["notes"],
        )
    except (Refused, ValidationError) as error:
        refuse(form, error, context)
        return False
    return True


def refuse(form: Form, error: Refused | ValidationError, context: dict[str, Any]) -> None:
    """Put a refusal where people see it; the reasons of a closed slot become a list."""
    if isinstance(error, SlotUnavailable):
        context["reasons"] = list(dict.fromkeys(reason["text"] for reason in error.reasons))
        form.add_error(None, _("This time is not open any more. Choose another one."))
    else:
        form.add_error(None, error if isinstance(error, ValidationError) else error.text)


@login_required
@require_GET
def show(request: SignedInRequest, pk: int) -> HttpResponse:
    """One appointment, how it stands in iCloud, and what can be done."""
    return _page(request, appointment_of(request, pk))


def _page(request: SignedInRequest, appointment: Appointment, **more: Any) -> HttpResponse:
    user = request.user
    overlay = selectors.overlay([appointment])[appointment.pk]
    session = appointment.session
    hosts = {held.host_id: host_name(held.host) for held in session.engagements.all() if held.host}
    seats = session.appointments.filter(status=AppointmentStatus.CONFIRMED).select_related("contact")
    context: dict[str, Any] = {
        "section": "week",
        "appointment": appointment,
        "heading": f"{appointment.calendar.name}: {appointment.title}" if session.is_class else appointment.title,
        "cancelled": appointment.status == AppointmentStatus.CANCELLED,
        "hosts": list(hosts.values()),
        "icloud": _lines(overlay["icloud"], hosts, viewer=user),
        "participants": list(seats.order_by("seat")) if session.is_class else [],
        "flags": [
            {
                "label": attention.label(flag["code"]),
                "text": flag_text(flag["code"], flag["attention"].values),
                "actions": _choices(flag, appointment, user),
            }
            for flag in overlay["flags"]
        ],
        "back": f"/?date={timezone.localtime(session.start).date()}",
    }
    return render(request, "appointments/appointment.html", context | more)


def _choices(flag: dict[str, Any], appointment: Appointment, user: User) -> list[attention.Choice]:
    if flag["host"] not in (None, user.pk) and not user.is_staff:
        return []
    # Move, cancel and the page itself stand below; what only the flag offers stands beside it.
    found = attention.appointment_actions(flag["code"], appointment.pk, host=flag["host"])
    return [choice for choice in found if choice.post]


def _lines(rows: list[dict[str, Any]], hosts: dict[int | None, str], *, viewer: User) -> list[str]:
    """Return how the event of each host stands in iCloud; the calendar's name is for its owner."""
    mine = [row["calendar"] for row in rows if row["host"] == viewer.pk and row["calendar"]]
    names = {calendar.pk: str(calendar) for calendar in ICloudCalendar.objects.filter(pk__in=mine)}
    lines = []
    for row in rows:
        said = " ".join(
            filter(None, [state_text(row["state"], names.get(row["calendar"], "")), copy_detail(row["detail"])])
        )
        lines.append(said if len(rows) == 1 else f"{hosts.get(row['host'], '')}: {said}")
    return lines


def state_text(state: str, calendar: str) -> str:
    """Return a state of contract.md in words; nothing where its detail says it all."""
    texts = {
        "pending": _("Will be written in a moment."),
        "written": _("Written to “%(calendar)s”.") % {"calendar": calendar} if calendar else _("Written."),
        "failed": _("Could not be written."),
        "removed_in_icloud": _("Deleted in iCloud."),
    }
    return texts.get(state, "")


@login_required
@require_http_methods(["GET", "POST"])
def move(request: SignedInRequest, pk: int) -> HttpResponse:
    """Move to another open time; hosts and everything else stay."""
    appointment, user = appointment_of(request, pk), request.user
    context: dict[str, Any] = {"panel": "move", "self_url": reverse("pages:appointment-move", args=[pk])}
    form = MoveForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            moved = booking.edit(appointment_id=pk, by=user, now=timezone.now(), start=form.cleaned_data["start"])
        except (Refused, ValidationError) as error:
            refuse(form, error, context)
        else:
            messages.success(request, _("Moved."))
            return redirect("pages:appointment", moved.pk)
    day = availability.chosen_day(request) if "date" in request.GET else timezone.localtime(appointment.start).date()
    offer = offer_of(appointment.calendar_id)
    return _page(request, appointment, form=form, **context, **availability.times(user, offer, day, now=timezone.now()))


@login_required
@require_http_methods(["GET", "POST"])
def edit(request: SignedInRequest, pk: int) -> HttpResponse:
    """Change title, place and notes."""
    appointment = appointment_of(request, pk)
    initial = {name: getattr(appointment, name) for name in ("title", "location", "notes")}
    form = DetailsForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_valid():
        context: dict[str, Any] = {}
        given = {**form.cleaned_data, "title": form.cleaned_data["title"] or appointment.contact.name}
        try:
            booking.edit(appointment_id=pk, by=request.user, now=timezone.now(), **given)
        except (Refused, ValidationError) as error:
            refuse(form, error, context)
        else:
            messages.success(request, _("Saved."))
            return redirect("pages:appointment", pk)
    return _page(request, appointment, panel="edit", form=form)


@login_required
@require_http_methods(["GET", "POST"])
def cancel(request: SignedInRequest, pk: int) -> HttpResponse:
    """Ask, then cancel; the event disappears from iCloud (rule W2)."""
    appointment = appointment_of(request, pk)
    if request.method == "POST":
        own_booking.cancel(appointment_id=pk, by=request.user, now=timezone.now())
        messages.success(request, _("The appointment is cancelled."))
        return redirect(f"/?date={timezone.localtime(appointment.start).date()}")
    return _page(request, appointment, panel="cancel")


@login_required
@require_POST
def decide(request: SignedInRequest, pk: int, action: str) -> HttpResponse:
    """Put back, leave off or retry (rules P4, W9); for the host that is named, else for every host it applies to."""
    act = DECISIONS.get(action)
    if act is None:
        raise Http404
    appointment = appointment_of(request, pk)
    user, host = request.user, request.POST.get("host", "")
    if len(host) > LONGEST_ID:
        raise Http404
    host_id: int | None = int(host) if host.isdecimal() else None
    try:
        # What stands in somebody else's iCloud is theirs, or staff's, to decide.
        act(appointment_id=appointment.pk, now=timezone.now(), host_id=host_id if user.is_staff else user.pk)
    except InvalidState as error:
        messages.error(request, str(error))
    else:
        messages.success(request, DONE[action]())
    return redirect(next_page(request, default=reverse("pages:appointment", args=[pk])))


DONE: dict[str, Callable[[], str]] = {
    "put-back": lambda: _("It is written to iCloud again."),
    "leave-off": lambda: _("It stays off iCloud. The appointment stands."),
    "retry": lambda: _("LeadMagicX tries again now."),
}
