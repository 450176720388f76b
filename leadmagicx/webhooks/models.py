"""Webhooks and their deliveries; a delivery row is the outbox."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from icloud_sync.fields import SecretField


class Webhook(models.Model):
    """An address of another service, the events it wants, and the secret its deliveries are signed with.

    `busy_until` is the claim of the one worker that delivers to it, so a slow receiver holds one worker at most.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="webhooks")
    url = models.URLField(max_length=1000)
    events = models.JSONField(default=list)
    secret = SecretField()
    active = models.BooleanField(default=True)
    busy_until = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.url


class Delivery(models.Model):
    """One event for one webhook; `next_try_at` is empty once it is delivered or given up."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    event = models.CharField(max_length=60)
    payload = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)
    attempts = models.PositiveIntegerField(default=0)
    status_code = models.PositiveSmallIntegerField(null=True, blank=True)
    error = models.CharField(max_length=40, blank=True, help_text="Why the last try got no answer.")
    next_try_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        verbose_name_plural = "deliveries"
        indexes = [
            models.Index(fields=["next_try_at"], condition=Q(next_try_at__isnull=False), name="delivery_due"),
            models.Index(fields=["webhook", "-created_at", "-id"], name="delivery_by_webhook"),
            models.Index(fields=["created_at"], condition=Q(next_try_at__isnull=True), name="delivery_finished"),
        ]

    def __str__(self) -> str:
        return f"{self.event} to {self.webhook}"
