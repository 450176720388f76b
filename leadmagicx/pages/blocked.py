"""Blocked slots: why one blocks or not, make and remove those of LeadMagicX, free one that was deleted in iCloud."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from calendars.choices import SlotSource
from calendars.messages import busy, why
from calendars.models import BlockedSlot
from calendars.selectors import blocked_slots_of, host_name
from calendars.services import blocked as own_blocked
from icloud_sync import selectors
from icloud_sync.services import InvalidState
from icloud_sync.services import blocked as icloud_blocked
from leadmagicx.accounts.requests import SignedInRequest
from leadmagicx.pages.availability import chosen_day
from leadmagicx.pages.forms import BlockForm
from leadmagicx.pages.profile import next_page


def slot_of(request: SignedInRequest, pk: int) -> BlockedSlot:
    """Return a slot the user may see; others do not exist."""
    found = blocked_slots_of(request.user).select_related("user").filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def _back_to(moment: datetime) -> str:
    return f"/?date={timezone.localtime(moment).date()}"


@login_required
@require_GET
def show(request: SignedInRequest, pk: int) -> HttpResponse:
    """One blocked slot and why it blocks, or does not (rule A6). Its title is the owner's (rule P15)."""
    slot = slot_of(request, pk)
    own = slot.source == SlotSource.LEADMAGICX
    mine = slot.user_id == request.user.pk
    named = own or mine or selectors.may_see_titles(viewer_id=request.user.pk, owner_id=slot.user_id)
    context: dict[str, Any] = {
        "section": "week",
        "slot": slot,
        "own": own,
        "heading": (slot.title or (_("Blocked") if own else _("Untitled event"))) if named else busy(),
        "owner": "" if mine else host_name(slot.user),
        "why": f"{why(slot.code, place=slot.place if mine else '')}.",
        "travel": (slot.busy_start, slot.busy_end) != (slot.start, slot.end) and slot.blocks and not slot.all_day,
        "removed": slot.removed_at is not None and slot.blocks,
        "back": _back_to(slot.start),
    }
    return render(request, "blocked/slot.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def new(request: SignedInRequest) -> HttpResponse:
    """Block time; nothing of it goes to iCloud (rule W3)."""
    day = chosen_day(request)
    start = datetime.combine(day, time(12), tzinfo=request.user.zone)
    initial = {"start": start, "end": start + timedelta(hours=1)}
    form = BlockForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_valid():
        try:
            slot = own_blocked.create(user=request.user, **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, _("The time is blocked."))
            return redirect(_back_to(slot.start))
    context = {"section": "week", "form": form, "back": f"/?date={day}"}
    return render(request, "blocked/new.html", context)


@login_required
@require_POST
def delete(request: SignedInRequest, pk: int) -> HttpResponse:
    """Remove a block of LeadMagicX; those of iCloud are changed in iCloud."""
    slot = slot_of(request, pk)
    back = _back_to(slot.start)
    try:
        own_blocked.delete(slot_id=slot.pk)
    except own_blocked.ReadOnly:
        messages.error(request, _("This comes from iCloud. Change or delete it on your iPhone."))
    else:
        messages.success(request, _("The block is removed."))
    return redirect(back)


@login_required
@require_POST
def release(request: SignedInRequest, pk: int) -> HttpResponse:
    """Free this time: its event was deleted in iCloud (rule P5)."""
    slot = slot_of(request, pk)
    try:
        icloud_blocked.release(slot_id=slot.pk, now=timezone.now())
    except InvalidState as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The time is open for bookings again."))
    return redirect(next_page(request, default=_back_to(slot.start)))
