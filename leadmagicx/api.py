"""Every REST resource of /api/v1/ in one table."""

from __future__ import annotations

from django.urls import path
from rest_framework.routers import SimpleRouter

from icloud_sync.api.attention import AttentionViewSet
from icloud_sync.api.choosing import CalendarSettingsView, ICloudCalendarViewSet
from icloud_sync.api.connections import ConnectionViewSet, RunViewSet
from icloud_sync.api.journal import JournalViewSet
from leadmagicx.webhooks.api import WebhookViewSet

router = SimpleRouter()
router.register("icloud/connections", ConnectionViewSet, basename="icloud-connection")
router.register("icloud/runs", RunViewSet, basename="icloud-run")
router.register("icloud/calendars", ICloudCalendarViewSet, basename="icloud-calendar")
router.register("attention", AttentionViewSet, basename="attention")
router.register("journal", JournalViewSet, basename="journal")
router.register("webhooks", WebhookViewSet, basename="webhook")

urlpatterns = [
    path("me/calendar-settings/", CalendarSettingsView.as_view(), name="api-calendar-settings"),
    *router.urls,
]
