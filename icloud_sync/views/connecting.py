"""Connect, reconnect, disconnect, and see how far a sync is."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.forms import Form
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from icloud_sync import errors, selectors
from icloud_sync.forms import ConnectForm, DisconnectForm, PasswordForm
from icloud_sync.messages import error_text
from icloud_sync.models import ICloudConnection
from icloud_sync.services import InvalidState, syncing
from icloud_sync.services import connecting as acts
from icloud_sync.services.attempts import TooManyAttempts, limited
from icloud_sync.tasks import sync_soon
from icloud_sync.views import card
from leadmagicx.accounts.requests import SignedInRequest

# Errors that are about one field; the others are about the whole attempt.
FIELDS: dict[type[Exception], str] = {
    errors.NotAnAppSpecificPassword: "app_specific_password",
    errors.AlreadyConnected: "apple_id",
}


def to_card(part: str = "icloud") -> HttpResponse:
    """Go back to a part of Calendar Settings."""
    return redirect(f"{reverse('pages:profile')}#{part}")


def done(request: SignedInRequest, text: str, *, part: str = "icloud") -> HttpResponse:
    """Go back to the part that was changed, and say there what was done."""
    messages.success(request, text, extra_tags=part)
    return to_card(part)


def connection_of(request: SignedInRequest, pk: int) -> ICloudConnection:
    """Return the user's own connection; anybody else's does not exist."""
    found = selectors.connections(user_id=request.user.pk).filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def _tried(form: Form, act: Callable[[], ICloudConnection], *, user_id: int, apple_id: str) -> ICloudConnection | None:
    """Do what needs a password, counted as REST counts it; what goes wrong becomes an error of the form."""
    try:
        with limited(user_id=user_id, apple_id=apple_id, now=timezone.now()):
            return act()
    except errors.ICloudError as error:
        form.add_error(FIELDS.get(type(error)), error_text(error))
    except TooManyAttempts as error:
        form.add_error(None, str(error.text))
    except InvalidState as error:
        form.add_error(None, str(error))
    return None


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
@sensitive_post_parameters("app_specific_password")
def connect(request: SignedInRequest) -> HttpResponse:
    """My Profile → Calendar Settings → iCloud Calendar → Connect (rule C1)."""
    form = ConnectForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        user, apple_id = request.user, form.cleaned_data["apple_id"]
        password = form.cleaned_data["app_specific_password"]
        act = partial(acts.connect, user=user, apple_id=apple_id, password_text=password, now=timezone.now())
        connection = _tried(form, act, user_id=user.pk, apple_id=apple_id)
        if connection is not None:
            sync_soon(connection.pk)
            return done(request, _("Your iCloud account is set up. Now choose your primary calendar."))
    return card.page(request, panel="connect", form=form)


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
@sensitive_post_parameters("app_specific_password")
def reconnect(request: SignedInRequest, pk: int) -> HttpResponse:
    """Go on with a new app-specific password (rule C5)."""
    connection = connection_of(request, pk)
    form = PasswordForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        password = form.cleaned_data["app_specific_password"]
        act = partial(acts.reconnect, connection_id=pk, password_text=password, now=timezone.now())
        if _tried(form, act, user_id=request.user.pk, apple_id=connection.apple_id):
            sync_soon(pk)
            return done(request, _("The new password works. Syncing goes on where it stopped."))
    return card.page(request, panel="reconnect", panel_id=pk, form=form)


@login_required
@require_http_methods(["GET", "POST"])
def disconnect(request: SignedInRequest, pk: int) -> HttpResponse:
    """Stop, with a choice for what is in iCloud already (rule C6)."""
    connection = connection_of(request, pk)
    form = DisconnectForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        choice = form.cleaned_data["written_events"]
        acts.disconnect(connection_id=connection.pk, written_events=choice, now=timezone.now())
        text = _("iCloud is off, and the password is erased here. Please revoke it at appleid.apple.com as well.")
        return done(request, text)
    return card.page(request, panel="disconnect", panel_id=pk, form=form)


@login_required
@require_POST
def sync(request: SignedInRequest, pk: int) -> HttpResponse:
    """Look at the account now."""
    connection = connection_of(request, pk)
    try:
        syncing.request_sync(connection_id=connection.pk, now=timezone.now())
        sync_soon(connection.pk)
    except InvalidState as error:
        messages.error(request, str(error), extra_tags="icloud")
    return to_card()


@login_required
@never_cache
@require_GET
def status(request: SignedInRequest, pk: int) -> HttpResponse:
    """One account's status line and progress, for the page to look at again and again; else the page itself."""
    if not request.htmx:
        return to_card()
    connection = connection_of(request, pk)
    found = next(account for account in card.accounts(request.user) if account.pk == connection.pk)
    finished = "running" in request.GET and found.run is None
    if finished:
        card.counted(found, now=timezone.now())
    return render(request, "profile/_status.html", {"account": found, "finished": finished})
