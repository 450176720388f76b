"""Primary calendar, conflict calendars, further settings."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.forms import BaseForm
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from icloud_sync import selectors
from icloud_sync.errors import ICloudError
from icloud_sync.forms import ConflictCalendarsForm, FurtherSettingsForm, PrimaryCalendarForm
from icloud_sync.messages import error_text
from icloud_sync.models import ICloudCalendar
from icloud_sync.services import InvalidState, previewing, syncing
from icloud_sync.services import choosing as acts
from icloud_sync.views import card
from icloud_sync.views.connecting import done, to_card
from leadmagicx.accounts.requests import SignedInRequest


def _calendars(request: SignedInRequest) -> QuerySet[ICloudCalendar]:
    return selectors.calendars(user_id=request.user.pk)


def _change(request: SignedInRequest, form: BaseForm, **choice: Any) -> bool:
    """Apply a choice; a refusal becomes an error of the form."""
    try:
        acts.change_settings(user=request.user, now=timezone.now(), **choice)
    except ICloudError as error:
        form.add_error(None, error_text(error))
        return False
    return True


def _show_progress(calendars: Iterable[ICloudCalendar]) -> None:
    """Let the page show how far the sync is that a choice starts."""
    for connection_id in {calendar.connection_id for calendar in calendars}:
        with suppress(InvalidState):
            syncing.request_sync(connection_id=connection_id, now=timezone.now())


@login_required
@require_http_methods(["GET", "POST"])
def primary_calendar(request: SignedInRequest) -> HttpResponse:
    """Primary Calendar → Edit: account, then calendar (rule K3). `?account=` is the account that was chosen."""
    if not selectors.connections(user_id=request.user.pk).exists():
        return to_card()
    form = PrimaryCalendarForm(request.POST if request.method == "POST" else None, calendars=_calendars(request))
    if form.is_valid():
        chosen = form.cleaned_data["primary_calendar"]
        if _change(request, form, primary_calendar_id=chosen.pk if chosen else None):
            if chosen is None:
                return done(request, _("Appointments are no longer written to iCloud."), part="primary")
            _show_progress([chosen])
            # The sync it starts is shown in the card of the account: that is where to look now.
            text = _("Appointments are now written to “%(name)s”.") % {"name": chosen}
            return done(request, text, part="icloud")
    return card.page(request, panel="primary", form=form)


@login_required
@never_cache
@require_GET
def preview(request: SignedInRequest) -> HttpResponse:
    """What the first sync of `?primary_calendar=` would do; nothing is chosen by asking. A fragment for htmx."""
    form = PrimaryCalendarForm(request.GET, calendars=_calendars(request))
    calendar = form.cleaned_data["primary_calendar"] if form.is_valid() else None
    seen: dict[str, Any] = {"looked_at": calendar}
    if calendar is not None:
        try:
            seen["preview"] = previewing.preview_of(calendar=calendar, now=timezone.now())
        except ICloudError as error:
            seen["no_preview"] = error_text(error)
        except InvalidState:
            seen["no_preview"] = _("What will happen cannot be counted just now. You can save all the same.")
    if request.htmx:
        return render(request, "profile/_before.html", seen)
    seen["chosen_calendar"] = calendar.pk if calendar else None
    return card.page(request, panel="primary", form=PrimaryCalendarForm(calendars=_calendars(request)), **seen)


@login_required
@require_http_methods(["GET", "POST"])
def conflict_calendars(request: SignedInRequest) -> HttpResponse:
    """The calendars whose busy events block (rules K4, K5)."""
    form = ConflictCalendarsForm(request.POST if request.method == "POST" else None, calendars=_calendars(request))
    if form.is_valid():
        chosen = form.cleaned_data["conflict_calendars"]
        if _change(request, form, conflict_calendar_ids=[calendar.pk for calendar in chosen]):
            _show_progress(chosen)
            return done(request, _("Conflict calendars saved."), part="conflicts")
    return card.page(request, panel="conflicts", form=form)


@login_required
@require_http_methods(["GET", "POST"])
def further_settings(request: SignedInRequest) -> HttpResponse:
    """Deleted events, travel time, titles (rules P5, P12, P15)."""
    form = FurtherSettingsForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and _change(request, form, **form.cleaned_data):
        return done(request, _("Settings saved."), part="further")
    return card.page(request, panel="further", form=form)
