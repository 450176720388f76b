"""The user and API tokens; below every other app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "leadmagicx.accounts"
    label = "accounts"
