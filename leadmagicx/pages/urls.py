"""Addresses of the pages (contract.md, "Pages")."""

from __future__ import annotations

from django.urls import path

from leadmagicx.pages import appointments, attention, availability, blocked, profile, week

# REST has names such as appointment-cancel as well.
app_name = "pages"

urlpatterns = [
    path("", week.week, name="week"),
    path("appointments/new/", appointments.new, name="appointment-new"),
    path("appointments/<int:pk>/", appointments.show, name="appointment"),
    path("appointments/<int:pk>/move/", appointments.move, name="appointment-move"),
    path("appointments/<int:pk>/edit/", appointments.edit, name="appointment-edit"),
    path("appointments/<int:pk>/cancel/", appointments.cancel, name="appointment-cancel"),
    path("appointments/<int:pk>/icloud/<slug:action>/", appointments.decide, name="appointment-decide"),
    path("blocked-slots/new/", blocked.new, name="blocked-slot-new"),
    path("blocked-slots/<int:pk>/", blocked.show, name="blocked-slot"),
    path("blocked-slots/<int:pk>/delete/", blocked.delete, name="blocked-slot-delete"),
    path("blocked-slots/<int:pk>/release/", blocked.release, name="blocked-slot-release"),
    path("availability/", availability.why, name="why"),
    path("attention/", attention.attention, name="attention"),
    path("attention/<int:pk>/acknowledge/", attention.acknowledge, name="attention-acknowledge"),
    path("attention/<int:pk>/retry/", attention.retry, name="attention-retry"),
    path("settings/profile/", profile.profile, name="profile"),
    path("settings/profile/time-zones/", profile.zones, name="zones"),
]
