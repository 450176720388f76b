"""`/settings/profile/`: My Profile's frame with the time zone; what is below it belongs to icloud_sync."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET, require_http_methods

from calendars.zones import zone_names
from icloud_sync.views import card
from leadmagicx.accounts.requests import SignedInRequest
from leadmagicx.accounts.services import change_timezone
from leadmagicx.pages.forms import ZoneForm


@login_required
@require_http_methods(["GET", "POST"])
def profile(request: SignedInRequest) -> HttpResponse:
    """Show My Profile; a POST saves the time zone."""
    form = ZoneForm(request.POST if request.method == "POST" else None, initial={"timezone": request.user.timezone})
    if form.is_valid():
        change_timezone(user_id=request.user.pk, timezone=form.cleaned_data["timezone"])
        text = _("Times are now shown in %(zone)s.") % {"zone": form.cleaned_data["timezone"]}
        messages.success(request, text)
        return redirect(next_page(request, default=reverse("pages:profile")))
    return card.page(request, zone_form=form, zone_choices_url=reverse("pages:zones"))


def next_page(request: SignedInRequest, *, default: str) -> str:
    """Return where a form wants to go back to; only addresses of this site are followed."""
    wanted = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()):
        return wanted
    return default


@login_required
@cache_control(max_age=86_400, private=True)
@require_GET
def zones(request: SignedInRequest) -> HttpResponse:
    """The names to choose from, fetched when the field is entered: they weigh more than the page."""
    names = sorted(name for name in zone_names() if "/" in name and not name.startswith(("Etc/", "posix/", "right/")))
    return render(request, "profile/_zones.html", {"names": ["UTC", *names]})
