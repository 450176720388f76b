"""Fixtures every part of the suite shares."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache

from tests import night
from tests.fake_icloud import FakeICloud
from tests.stage import Stage

# Users are made in nearly every test; how slowly their passwords are hashed is Django's business.
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Each test client builds its middleware anew; WhiteNoise would look through all static files each time.
settings.WHITENOISE_AUTOREFRESH = True

pytest_plugins = ["tests.fake_icloud.plugin"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what does not run now; the last lines of a run say how much. The longest tests begin, so that no
    process waits for the other at the end."""
    if late := night.left_out(items):
        items[:] = [item for item in items if item not in late]
        config.hook.pytest_deselected(items=late)
    if hasattr(config, "workeroutput"):
        config.workeroutput[night.LEFT_OUT] = len(late)
    items.sort(key=lambda item: not item.get_closest_marker("slow"))


@pytest.fixture(autouse=True)
def _nothing_counted() -> None:
    """No test begins with the rejected passwords of the one before it."""
    cache.clear()


@pytest.fixture
def stage(db: None, icloud_settings: FakeICloud, settings: Any) -> Stage:
    """A stage over an empty emulator; listings are believed at once, and no budget slows a story down."""
    settings.ICLOUD_SETTLE_SECONDS = 0
    settings.ICLOUD_REQUESTS_PER_MINUTE = 0
    settings.ICLOUD_POLL_SECONDS = 1
    return Stage(icloud_settings)
