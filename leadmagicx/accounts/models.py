"""The user of LeadMagicX, with a time zone, and the tokens other services use."""

from __future__ import annotations

import hashlib
from zoneinfo import ZoneInfo

from django.contrib.auth.models import AbstractUser
from django.db import models

from calendars.zones import validate_zone


class User(AbstractUser):
    """Somebody who gives appointments, or staff. All-day and floating iCloud times are in `timezone` (rule P11)."""

    timezone = models.CharField(max_length=64, default="UTC", validators=[validate_zone])

    class Meta(AbstractUser.Meta):
        pass

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


def hash_key(key: str) -> str:
    """Return what is stored of a token's key: its SHA-256; a key has 256 random bits, so no salt is needed."""
    return hashlib.sha256(key.encode()).hexdigest()


class ApiToken(models.Model):
    """A key for REST. Only its hash is kept (reliability S31)."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    key_hash = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_on = models.DateField(null=True, blank=True)

    def __str__(self) -> str:
        return f"Token {self.pk} of {self.user}"
