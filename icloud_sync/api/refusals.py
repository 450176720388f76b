"""What each error becomes over REST: one table, so that no endpoint has an opinion of its own."""

from __future__ import annotations

import math
from typing import Any

from rest_framework import exceptions
from rest_framework.response import Response

from calendars.api.errors import Refusal
from icloud_sync import errors
from icloud_sync.messages import error_text
from icloud_sync.services.attempts import TooManyAttempts
from icloud_sync.services.choosing import UnknownCalendar

# The nearest class upwards decides: (status, code).
ANSWERS: dict[type[errors.ICloudError], tuple[int, str]] = {
    errors.NotAnAppSpecificPassword: (400, "not_an_app_specific_password"),
    errors.PasswordRejected: (400, "password_rejected"),
    errors.AlreadyConnected: (400, "already_connected"),
    errors.DifferentAccount: (400, "different_account"),
    errors.CredentialsUnreadable: (409, "credentials_unreadable"),
    errors.WriterAccessRequired: (400, "writer_access_required"),
    errors.SubscriptionNotSupported: (400, "subscription_not_supported"),
    errors.SimpleCalendarNotSupported: (400, "simple_calendar_not_supported"),
    errors.CalendarGone: (400, "gone"),
    errors.TryLater: (503, "icloud_unreachable"),
    errors.TokenLost: (503, "icloud_unreachable"),
    errors.ItemError: (503, "icloud_unreachable"),
}


def refusal_of(error: Exception) -> exceptions.APIException | None:
    """Return the answer for an error of iCloud or of a service; None when it is neither."""
    if isinstance(error, TooManyAttempts):
        return exceptions.Throttled(wait=math.ceil(error.wait_seconds), detail=str(error.text))
    if isinstance(error, UnknownCalendar):
        return exceptions.NotFound()
    if not isinstance(error, errors.ICloudError):
        return None
    status, code = next(ANSWERS[kind] for kind in type(error).__mro__ if kind in ANSWERS)
    return Refusal(code, error_text(error), status_code=status)


class ICloudErrors:
    """Mixin for views: errors of iCloud become answers; `Retry-After` says when Apple wants to be asked again."""

    def handle_exception(self, error: Exception) -> Response:
        answer: Response = super().handle_exception(refusal_of(error) or error)  # type: ignore[misc]
        wait: Any = getattr(error, "after_seconds", None)
        if wait and answer.status_code == 503:
            answer["Retry-After"] = str(math.ceil(wait))
        return answer
