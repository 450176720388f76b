"""One Monday, and clients for it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from leadmagicx.accounts.models import User
from leadmagicx.accounts.services import issue_token
from tests.factories import StaffFactory, UserFactory


def next_monday(*, after: datetime) -> datetime:
    """Return a Monday's midnight (UTC) at least a week away."""
    day = (after + timedelta(days=7)).replace(hour=0, minute=0, second=0, microsecond=0)
    return day + timedelta(days=-day.weekday() % 7)


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def monday(now: datetime) -> datetime:
    return next_monday(after=now)


@pytest.fixture
def ada(db: None) -> User:
    return UserFactory(username="ada", first_name="Ada")


@pytest.fixture
def bea(db: None) -> User:
    return UserFactory(username="bea", first_name="Bea")


@pytest.fixture
def cleo(db: None) -> User:
    return UserFactory(username="cleo", first_name="Cleo")


@pytest.fixture
def staff(db: None) -> User:
    return StaffFactory(username="staff")


@pytest.fixture
def api() -> Callable[[User], Any]:
    """Return a REST client that sends a user's token."""

    def signed_in(user: User) -> APIClient:
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Token {issue_token(user)}")
        return client

    return signed_in
