"""Addresses of Calendar Settings, below My Profile. A GET shows the page with that form open in its place."""

from __future__ import annotations

from django.urls import path

from icloud_sync.views import choosing, connecting

urlpatterns = [
    path("icloud/connect/", connecting.connect, name="icloud-connect"),
    path("icloud/<int:pk>/reconnect/", connecting.reconnect, name="icloud-reconnect"),
    path("icloud/<int:pk>/disconnect/", connecting.disconnect, name="icloud-disconnect"),
    path("icloud/<int:pk>/sync/", connecting.sync, name="icloud-sync"),
    path("icloud/<int:pk>/status/", connecting.status, name="icloud-status"),
    path("primary-calendar/", choosing.primary_calendar, name="primary-calendar"),
    path("primary-calendar/preview/", choosing.preview, name="primary-calendar-preview"),
    path("conflict-calendars/", choosing.conflict_calendars, name="conflict-calendars"),
    path("further-settings/", choosing.further_settings, name="further-settings"),
]
