"""`Authorization: Token <key>` for REST."""

from __future__ import annotations

from django.utils import timezone
from rest_framework import authentication, exceptions
from rest_framework.request import Request

from leadmagicx.accounts.models import ApiToken, User, hash_key


class TokenAuthentication(authentication.BaseAuthentication):
    """Find the user of a key by the key's hash; inactive users are refused like unknown keys."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        words = authentication.get_authorization_header(request).split()
        if not words or words[0].lower() != b"token":
            return None
        if len(words) != 2:
            raise exceptions.AuthenticationFailed("Send the header as: Authorization: Token <key>.")
        key = words[1].decode("latin-1")
        token = ApiToken.objects.select_related("user").filter(key_hash=hash_key(key)).first()
        if token is None or not token.user.is_active:
            raise exceptions.AuthenticationFailed("This token is not known.")
        today = timezone.now().date()
        if token.last_used_on != today:
            ApiToken.objects.filter(pk=token.pk).update(last_used_on=today)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return "Token"
