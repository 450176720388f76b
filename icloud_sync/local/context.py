"""What the blocks of one user depend on, read once for each run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Max

from calendars.models import Calendar
from icloud_sync.models import CalendarSettings, DeletedInICloud, ICloudConnection

# Rule P13: at least this far ahead, whatever the calendars' booking windows are.
LEAST_DAYS_AHEAD = 400
# How much of the past is kept for the week page.
PAST = timedelta(days=31)
# A lone event is kept wherever it lies; only series need a window.
FAR_PAST, FAR_FUTURE = timedelta(days=365 * 20), timedelta(days=365 * 20)


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockContext:
    """A user's zone, choices, own addresses, and the window in which series are expanded."""

    user_id: int
    zone: ZoneInfo
    travel_time_blocks: bool
    release_deleted: bool
    own_addresses: frozenset[str]
    start: datetime
    horizon: datetime

    @property
    def series_window(self) -> tuple[datetime, datetime]:
        return self.start, self.horizon

    @property
    def single_window(self) -> tuple[datetime, datetime]:
        return self.start - FAR_PAST, self.start + FAR_FUTURE


def least_horizon(now: datetime) -> datetime:
    """Return how far ahead blocks are kept whatever is booked."""
    return now + timedelta(days=LEAST_DAYS_AHEAD + 2)


def horizon_from(now: datetime) -> datetime:
    """Return how far ahead blocks are kept: the widest booking window, at least 400 days, and a day to roll in."""
    widest = Calendar.objects.aggregate(days=Max("booking_window_days"))["days"] or 0
    return max(least_horizon(now), now + timedelta(days=widest + 2))


def block_context(connection: ICloudConnection, *, now: datetime) -> BlockContext:
    """Return what the blocks of a connection's user depend on."""
    settings = CalendarSettings.objects.filter(user_id=connection.user_id).first() or CalendarSettings()
    return BlockContext(
        user_id=connection.user_id,
        zone=ZoneInfo(connection.user.timezone),
        travel_time_blocks=settings.travel_time_blocks,
        release_deleted=settings.deleted_in_icloud == DeletedInICloud.RELEASE,
        own_addresses=frozenset(connection.addresses) | {connection.apple_id.lower()},
        start=now - PAST,
        horizon=horizon_from(now),
    )
