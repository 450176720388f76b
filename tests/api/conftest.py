"""People, their REST clients, and a connected iCloud."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from icloud_sync.models import ICloudConnection
from icloud_sync.services import connecting, syncing
from leadmagicx.accounts.models import User
from leadmagicx.accounts.services import issue_token

# An app-specific password that must be found nowhere (reliability, section 5).
CANARY = "qwer-tyui-opas-dfgh"

ClientOf = Callable[[User], APIClient]


@pytest.fixture(autouse=True)
def _rows(db: None) -> None:
    """Every test here has a database."""


@pytest.fixture(autouse=True)
def rung(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """No test fills the broker's queue: bells that would ring there are written down."""
    from celery.app.task import Task

    bells: list[str] = []
    monkeypatch.setattr(Task, "apply_async", lambda self, args=(), **_options: bells.append(f"{self.name}{args}"))
    return bells


def person(username: str, **fields: Any) -> User:
    """Return a user without a password: hashing one takes longer than the test."""
    return User.objects.create(username=username, email=f"{username}@leadmagicx.example", password="!", **fields)


@pytest.fixture
def ada() -> User:
    return person("ada", timezone="Europe/Berlin", first_name="Ada")


@pytest.fixture
def ben() -> User:
    return person("ben", timezone="America/New_York", first_name="Ben")


@pytest.fixture
def staff() -> User:
    return person("staff", is_staff=True)


@pytest.fixture
def client_of() -> ClientOf:
    """Return a REST client that carries a token of a user."""

    def client(user: User) -> APIClient:
        found = APIClient()
        found.credentials(HTTP_AUTHORIZATION=f"Token {issue_token(user)}")
        return found

    return client


@pytest.fixture
def account(icloud_settings: Any) -> Any:
    """Ada's iCloud account, with the calendars Home and Work."""
    return icloud_settings.account("ada@icloud.example", name="Ada", calendars=("Home", "Work"), password=CANARY)


@pytest.fixture
def connection(ada: User, account: Any) -> ICloudConnection:
    return connecting.connect(user=ada, apple_id=account.apple_id, password_text=CANARY, now=timezone.now())


@pytest.fixture
def pull(connection: ICloudConnection) -> Callable[[], None]:
    """Look at Ada's account, as the worker does."""
    return lambda: syncing.pull(connection.pk)


@pytest.fixture
def service_of() -> Callable[..., Any]:
    """Return a service calendar, open day and night, that these users give."""
    from calendars.services import calendars
    from calendars.services.calendar_rules import HoursInput, MemberInput

    always = tuple(HoursInput(weekday=weekday, start=0, end=1440) for weekday in range(7))

    def make(*users: User, **values: Any) -> Any:
        members = [MemberInput(user_id=user.pk, is_primary=n == 0) for n, user in enumerate(users)]
        defaults = {"name": "Consultation", "type": "service", "timezone": "UTC", "booking_window_days": 365}
        return calendars.create(values=defaults | values, members=members, hours=always)

    return make
