"""pytest begins here: servers and settings, before any other conftest imports a model."""

import django

from tests import servers

servers.provide()
django.setup()


def pytest_unconfigure() -> None:
    """Stop what this session started."""
    servers.release()
