"""Whose is what: a plain user's rows are theirs, staff see all; the rest does not exist (reliability S20)."""

from __future__ import annotations

from rest_framework.request import Request

from leadmagicx.accounts.models import User


def user_of(request: Request) -> User:
    """Return the signed-in user; requests without one are refused before they get here."""
    assert isinstance(request.user, User)
    return request.user


def scope_of(request: Request) -> int | None:
    """Return whose rows may be seen: the user's id, or None for staff, who see everybody's."""
    user = user_of(request)
    return None if user.is_staff else user.pk
