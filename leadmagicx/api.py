"""Every REST resource of /api/v1/ in one table."""

from __future__ import annotations

from typing import Any

from django.urls import path, re_path
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.routers import SimpleRouter
from rest_framework.views import APIView

from calendars.api.views import ContactViewSet
from icloud_sync.api.appointments import ICloudAppointmentViewSet
from icloud_sync.api.attention import AttentionViewSet
from icloud_sync.api.choosing import CalendarSettingsView, ICloudCalendarViewSet
from icloud_sync.api.connections import ConnectionViewSet, RunViewSet
from icloud_sync.api.journal import JournalViewSet
from icloud_sync.api.slots import ICloudBlockedSlotViewSet, ICloudCalendarsViewSet
from leadmagicx.accounts.api import MeView, UserViewSet
from leadmagicx.webhooks.api import WebhookViewSet


@extend_schema(exclude=True)
class Nowhere(APIView):
    """An address that does not exist: 404 in the shape of every error, instead of a page."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise exceptions.NotFound


router = SimpleRouter()
router.register("users", UserViewSet, basename="user")
router.register("contacts", ContactViewSet, basename="contact")
router.register("calendars", ICloudCalendarsViewSet, basename="calendar")
router.register("appointments", ICloudAppointmentViewSet, basename="appointment")
router.register("blocked-slots", ICloudBlockedSlotViewSet, basename="blocked-slot")
router.register("icloud/connections", ConnectionViewSet, basename="icloud-connection")
router.register("icloud/runs", RunViewSet, basename="icloud-run")
router.register("icloud/calendars", ICloudCalendarViewSet, basename="icloud-calendar")
router.register("attention", AttentionViewSet, basename="attention")
router.register("journal", JournalViewSet, basename="journal")
router.register("webhooks", WebhookViewSet, basename="webhook")

urlpatterns = [
    path("me/", MeView.as_view(), name="me"),
    path("me/calendar-settings/", CalendarSettingsView.as_view(), name="api-calendar-settings"),
    *router.urls,
    re_path(r"^.*/$", Nowhere.as_view()),
]
