"""What needs a person: opened by sync, resolved by sync or by what the person does."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Exists, QuerySet

from calendars.models import Engagement
from icloud_sync.models import Attention, ICloudCalendar, ICloudConnection, ICloudEvent

# Flags of one appointment, in the words of contract.md.
REMOVED, MOVED = "removed_in_icloud", "moved_in_icloud"
OUTSIDE_HOURS, CLASH, AFFECTS_OTHERS = "outside_hours", "clash", "affects_others"
UNSUPPORTED, WRITE_FAILED = "unsupported_edit", "write_failed"
FLAGS = (REMOVED, MOVED, OUTSIDE_HOURS, CLASH, AFFECTS_OTHERS, UNSUPPORTED, WRITE_FAILED)
# Cases of an account, a calendar or an event.
NEEDS_PASSWORD, UNREACHABLE, PRIMARY_LOST, UNREADABLE = (
    "needs_password",
    "unreachable",
    "primary_lost",
    "unreadable_event",
)


def about_engagement(engagement: Engagement, code: str, *, now: datetime, **values: Any) -> bool:
    """Flag one host's appointment; return whether the flag is new."""
    assert engagement.host_id is not None
    key = _key(engagement)
    return _open(engagement.host_id, code, key, now=now, values=values, engagement_id=engagement.pk)


def about_connection(connection: ICloudConnection, code: str, *, now: datetime, **values: Any) -> bool:
    """Open a case about an account; return whether it is new."""
    values.setdefault("apple_id", connection.apple_id)
    key = _key(connection)
    return _open(connection.user_id, code, key, now=now, values=values, connection_id=connection.pk)


def about_calendar(calendar: ICloudCalendar, code: str, *, now: datetime, **values: Any) -> bool:
    """Open a case about a calendar; return whether it is new."""
    values.setdefault("calendar", calendar.name)
    ids = {"connection_id": calendar.connection_id, "calendar_id": calendar.pk}
    return _open(calendar.connection.user_id, code, _key(calendar), now=now, values=values, **ids)


def about_event(event: ICloudEvent, code: str, *, now: datetime, **values: Any) -> bool:
    """Open a case about one event made in iCloud; return whether it is new."""
    values.setdefault("calendar", event.calendar.name)
    values.setdefault("href", event.path)
    ids = {"connection_id": event.calendar.connection_id, "calendar_id": event.calendar_id}
    return _open(event.calendar.connection.user_id, code, _key(event), now=now, values=values, **ids)


def resolve(
    subject: Engagement | ICloudConnection | ICloudCalendar | ICloudEvent,
    *codes: str,
    now: datetime,
    unless: Exists | None = None,
) -> int:
    """Close the open cases of a subject with these codes, `unless` such rows exist; return how many there were."""
    cases = _open_cases(codes).filter(key=_key(subject))
    return (cases if unless is None else cases.filter(~unless)).update(resolved_at=now)


def resolve_engagements(engagement_ids: Iterable[int], codes: Iterable[str], *, now: datetime) -> None:
    """Close the open flags of many appointments."""
    keys = [f"engagement:{pk}" for pk in engagement_ids]
    if keys:
        _open_cases(codes).filter(key__in=keys).update(resolved_at=now)


def resolve_events(event_ids: Iterable[int], *codes: str, now: datetime) -> None:
    """Close the open cases of many events made in iCloud."""
    keys = [f"event:{pk}" for pk in event_ids]
    if keys:
        _open_cases(codes).filter(key__in=keys).update(resolved_at=now)


def resolve_all_of(connection: ICloudConnection, *, now: datetime) -> None:
    """Close every case of an account, its calendars and events: it is disconnected."""
    Attention.objects.filter(connection=connection, resolved_at__isnull=True).update(resolved_at=now)


def _open_cases(codes: Iterable[str]) -> QuerySet[Attention]:
    return Attention.objects.filter(code__in=list(codes), resolved_at__isnull=True)


def _key(subject: Engagement | ICloudConnection | ICloudCalendar | ICloudEvent) -> str:
    kinds = {Engagement: "engagement", ICloudConnection: "connection", ICloudCalendar: "calendar", ICloudEvent: "event"}
    return f"{kinds[type(subject)]}:{subject.pk}"


def _open(user_id: int, code: str, key: str, *, now: datetime, values: dict[str, Any], **ids: int) -> bool:
    row = Attention(user_id=user_id, code=code, key=key, values=values, since=now, **ids)
    if Attention.objects.filter(code=code, key=key, resolved_at__isnull=True).exists():
        return False
    # Two workers may meet here: the partial unique index lets one of them in.
    return bool(Attention.objects.bulk_create([row], ignore_conflicts=True))
