"""REST for webhooks/: what another service wants to hear, and what was sent to it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import exceptions, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from icloud_sync.api.fields import SecretTextField
from leadmagicx.webhooks import addresses
from leadmagicx.webhooks.addresses import AddressRefused
from leadmagicx.webhooks.events import EVENTS
from leadmagicx.webhooks.models import Delivery, Webhook


@extend_schema_field({"type": "string", "format": "uri", "maxLength": addresses.MAX_URL})
class AddressField(serializers.CharField):
    """An http or https address; a host that is plainly private is refused at once."""

    def to_internal_value(self, data: Any) -> str:
        url: str = super().to_internal_value(data)
        try:
            addresses.check(url, allow_private=settings.WEBHOOK_ALLOW_PRIVATE_HOSTS)
        except AddressRefused as error:
            raise exceptions.ValidationError(str(error), code=error.code) from None
        return url


class WebhookSerializer(serializers.ModelSerializer):
    """A webhook; its secret can be written, never read."""

    url = AddressField(max_length=addresses.MAX_URL)
    events = serializers.ListField(
        child=serializers.ChoiceField(choices=EVENTS), allow_empty=False, max_length=len(EVENTS)
    )
    secret = SecretTextField(max_length=200)

    class Meta:
        model = Webhook
        fields = ["id", "url", "events", "secret", "active", "created_at"]
        read_only_fields = ["id", "created_at"]

    def validate_events(self, value: list[str]) -> list[str]:
        return sorted(set(value), key=EVENTS.index)


class DeliverySerializer(serializers.ModelSerializer):
    """One event for one webhook, and how far it got."""

    class Meta:
        model = Delivery
        fields = [
            "id",
            "event",
            "status_code",
            "error",
            "attempts",
            "next_try_at",
            "delivered_at",
            "created_at",
        ]
        read_only_fields = fields


@extend_schema_view(
    list=extend_schema(summary="Webhooks"),
    create=extend_schema(summary="Add a webhook"),
    retrieve=extend_schema(summary="One webhook"),
    update=extend_schema(summary="Replace a webhook"),
    partial_update=extend_schema(summary="Change a webhook"),
    destroy=extend_schema(summary="Remove a webhook and its deliveries"),
)
class WebhookViewSet(viewsets.ModelViewSet):
    """A plain user's webhooks hear of what is theirs; staff's webhooks hear of everything."""

    serializer_class = WebhookSerializer
    queryset = Webhook.objects.none()

    def get_queryset(self) -> QuerySet[Webhook]:
        assert self.request.user.is_authenticated
        webhooks = Webhook.objects.defer("secret").order_by("pk")
        return webhooks if self.request.user.is_staff else webhooks.filter(user=self.request.user)

    def perform_create(self, serializer: Any) -> None:
        serializer.save(user=self.request.user)

    @extend_schema(summary="What was sent, newest first", responses=DeliverySerializer(many=True))
    @action(detail=True, serializer_class=DeliverySerializer)
    def deliveries(self, request: Request, pk: str) -> Response:
        sent = Delivery.objects.filter(webhook=self.get_object()).order_by("-created_at", "-pk")
        page = self.paginate_queryset(sent)
        return self.get_paginated_response(DeliverySerializer(page, many=True).data)
