"""The pages as an app: its template tags, its mail, and the translations they need."""

from __future__ import annotations

from django.apps import AppConfig


class PagesConfig(AppConfig):
    name = "leadmagicx.pages"
    label = "pages"

    def ready(self) -> None:
        from django.conf import settings

        from leadmagicx.pages import catalogs, mail

        for folder in settings.LOCALE_PATHS:
            catalogs.compile_stale(folder)
        mail.listen()
