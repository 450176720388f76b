"""What people ask of accounts: a token."""

from __future__ import annotations

import secrets

from leadmagicx.accounts.models import ApiToken, User, hash_key


def issue_token(user: User) -> str:
    """Return a new key for REST; it is shown this once. Earlier keys stay valid."""
    key = secrets.token_hex(32)
    ApiToken.objects.create(user=user, key_hash=hash_key(key))
    return key
