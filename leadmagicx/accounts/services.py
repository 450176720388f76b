"""What people ask of accounts: a token, another time zone."""

from __future__ import annotations

import secrets

from django.db import transaction

from leadmagicx.accounts.models import ApiToken, User, hash_key
from leadmagicx.accounts.signals import timezone_changed


def issue_token(user: User) -> str:
    """Return a new key for REST; it is shown this once. Earlier keys stay valid."""
    key = secrets.token_hex(32)
    ApiToken.objects.create(user=user, key_hash=hash_key(key))
    return key


@transaction.atomic
def change_timezone(*, user_id: int, timezone: str) -> User:
    """Give a user another zone, and tell the apps above in the same transaction. Raises ValidationError."""
    user = User.objects.select_for_update(no_key=True).get(pk=user_id)
    if user.timezone != timezone:
        former, user.timezone = user.timezone, timezone
        user.full_clean(exclude=["password"])
        user.save(update_fields=["timezone"])
        timezone_changed.send(sender=User, user_id=user.pk, former=former)
    return user
