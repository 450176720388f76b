"""Two-way iCloud sync."""

from django.apps import AppConfig


class ICloudSyncConfig(AppConfig):
    name = "icloud_sync"
    verbose_name = "iCloud"

    def ready(self) -> None:
        from icloud_sync import checks, lookups, receivers  # noqa: F401
