"""The user and API tokens; below every other app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "leadmagicx.accounts"
    label = "accounts"

    def ready(self) -> None:
        from leadmagicx.accounts import schema  # noqa: F401 - registers itself
