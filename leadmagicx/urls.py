"""Addresses of the whole product (contract.md)."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth import views as auth
from django.urls import include, path
from django.views.i18n import set_language
from drf_spectacular.views import SpectacularAPIView

from leadmagicx import health
from leadmagicx.reference import views as reference

admin.site.site_header = admin.site.site_title = "LeadMagicX"

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("admin/", admin.site.urls),
    path("", include("leadmagicx.pages.urls")),
    path("settings/profile/", include("icloud_sync.urls")),
    path("accounts/login/", auth.LoginView.as_view(template_name="accounts/login.html"), name="login"),
    path("accounts/logout/", auth.LogoutView.as_view(), name="logout"),
    path("language/", set_language, name="set_language"),
    path("api/v1/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/v1/docs/", reference.docs, name="docs"),
    path("api/v1/", include("leadmagicx.api")),
]
