"""Ada and her browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client
from django.utils import translation

from tests import kept
from tests.scene import Scene, full_week, person
from tests.stage import Person, Stage


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """A request leaves its language behind in the thread; every test begins in English."""
    with translation.override("en"):
        yield


@pytest.fixture
def scene(stage: Stage) -> Scene:
    return kept.beginning("week", stage, full_week)


@pytest.fixture
def ada(stage: Stage) -> Person:
    return person(stage)


@pytest.fixture
def client(request: pytest.FixtureRequest) -> Client:
    """A browser in which Ada is signed in; ask for `scene` or `ada` before it."""
    names = request.fixturenames
    user = request.getfixturevalue("scene").ada.user if "scene" in names else request.getfixturevalue("ada").user
    client = Client()
    client.force_login(user)
    return client
