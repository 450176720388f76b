"""Webhooks and their deliveries for staff: what is told to whom, and whether it arrived. The secret is on no page."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from calendars.admin.access import AsksWhatIsOffered
from leadmagicx.webhooks.models import Delivery, Webhook


@admin.register(Webhook)
class WebhookAdmin(AsksWhatIsOffered, admin.ModelAdmin):
    """Made over REST; here they are looked at, turned off and deleted."""

    list_display = ("url", "user", "active", "created_at")
    list_select_related = ("user",)
    list_filter = ("active",)
    search_fields = ("url", "user__username")
    fields = ("user", "url", "events", "active", "created_at")
    readonly_fields = ("user", "url", "events", "created_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Webhook]:
        return super().get_queryset(request).defer("secret")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(Delivery)
class DeliveryAdmin(AsksWhatIsOffered, admin.ModelAdmin):
    """Read-only; what was sent is not shown, for it holds names and addresses of clients."""

    list_display = ("event", "webhook", "created_at", "attempts", "status_code", "error", "next_try_at", "delivered_at")
    list_select_related = ("webhook",)
    list_filter = ("event", "status_code")
    fields = ("id", *list_display)
    readonly_fields = fields
    show_full_result_count = False
    actions = ["try_now"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        return super().get_queryset(request).defer("webhook__secret", "payload")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Delivery | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Delivery | None = None) -> bool:
        return False

    @admin.action(description=_("Try again now"), permissions=["view"])
    def try_now(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        count = queryset.filter(delivered_at=None).update(next_try_at=timezone.now())
        self.message_user(request, _("Deliveries to be tried again now: %(count)d") % {"count": count})
