"""The request of a page that only signed-in people reach."""

from __future__ import annotations

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from leadmagicx.accounts.models import User


class SignedInRequest(HttpRequest):
    """What a view behind `login_required` gets: the user is one of ours, `htmx` is true for a fragment's request."""

    user: User
    htmx: HtmxDetails
