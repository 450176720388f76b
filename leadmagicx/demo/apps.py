"""What fills a demo in."""

from django.apps import AppConfig


class DemoConfig(AppConfig):
    name = "leadmagicx.demo"
    label = "demo"
