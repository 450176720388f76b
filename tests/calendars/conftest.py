"""One Monday, and clients for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from calendars import signals
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


@pytest.fixture
def settled() -> Iterator[list[int]]:
    """Engagements whose clash ended."""
    found: list[int] = []

    def note(engagement_ids: list[int], **kwargs: Any) -> None:
        found.extend(engagement_ids)

    signals.clashes_settled.connect(note)
    yield found
    signals.clashes_settled.disconnect(note)


@pytest.fixture
def told() -> Iterator[list[tuple[Any, ...]]]:
    """What was told of sessions, appointments and calendars, in order."""
    found: list[tuple[Any, ...]] = []

    def sessions(session_ids: list[int], dropped: list[tuple[int, int]], **kwargs: Any) -> None:
        found.append(("sessions", session_ids, dropped))

    def appointment(appointment_id: int, event: str, **kwargs: Any) -> None:
        found.append((event, appointment_id))

    def calendar(calendar_id: int, **kwargs: Any) -> None:
        found.append(("calendar", calendar_id))

    receivers = [
        (signals.sessions_changed, sessions),
        (signals.appointment_changed, appointment),
        (signals.calendar_changed, calendar),
    ]
    for signal, receiver in receivers:
        signal.connect(receiver)
    yield found
    for signal, receiver in receivers:
        signal.disconnect(receiver)
