"""What other services are told, signed and retried."""

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "leadmagicx.webhooks"
    label = "webhooks"

    def ready(self) -> None:
        from leadmagicx.webhooks import receivers  # noqa: F401 - connects them
