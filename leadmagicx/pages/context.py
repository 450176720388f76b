"""What every page's frame shows."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from leadmagicx.accounts.models import User
from leadmagicx.pages import attention


def frame(request: HttpRequest) -> dict[str, Any]:
    """Return the number beside Attention; counted only when a page shows it."""
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return {}
    return {"attention_count": SimpleLazyObject(lambda: attention.count_of(user))}
