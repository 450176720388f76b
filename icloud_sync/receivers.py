"""What changes in calendars reaches the outbox in the same transaction; what the outbox holds rings the queue."""

from __future__ import annotations

from typing import Any

from django.db.models.signals import post_save
from django.dispatch import receiver
from django.utils import timezone

from calendars import signals as calendars_signals
from calendars.models import Calendar
from icloud_sync import signals, tasks
from icloud_sync.local import attention, outbox
from icloud_sync.services import choosing, rolling
from leadmagicx.accounts.signals import timezone_changed


@receiver(calendars_signals.sessions_changed, dispatch_uid="icloud_sync.sessions_changed")
def on_sessions_changed(sender: object, session_ids: list[int], **kwargs: Any) -> None:
    """Appointments were made, moved, edited, reassigned or cancelled (W1, W2)."""
    outbox.refresh(session_ids, now=timezone.now())


@receiver(calendars_signals.clashes_settled, dispatch_uid="icloud_sync.clashes_settled")
def on_clashes_settled(sender: object, engagement_ids: list[int], **kwargs: Any) -> None:
    """A clash made on the phone is resolved (P7)."""
    attention.resolve_engagements(engagement_ids, [attention.CLASH], now=timezone.now())


@receiver(calendars_signals.calendar_changed, dispatch_uid="icloud_sync.calendar_changed")
def on_calendar_changed(sender: object, calendar_id: int, **kwargs: Any) -> None:
    """iCloud was turned on or off for a calendar, or what its events say changed."""
    outbox.refresh_future_in(calendar_id, now=timezone.now())


@receiver(post_save, sender=Calendar, dispatch_uid="icloud_sync.calendar_saved")
def on_calendar_saved(sender: object, instance: Calendar, **kwargs: Any) -> None:
    """A wider booking window needs blocks further ahead (P13)."""
    if rolling.too_short_for(instance.booking_window_days, now=timezone.now()):
        tasks.roll_soon()


@receiver(signals.outbox_filled, dispatch_uid="icloud_sync.outbox_filled")
def on_outbox_filled(sender: object, connection_ids: set[int], **kwargs: Any) -> None:
    """Send at once, after the commit."""
    tasks.push_soon(set(connection_ids))


@receiver(timezone_changed, dispatch_uid="icloud_sync.timezone_changed")
def on_timezone_changed(sender: object, user_id: int, **kwargs: Any) -> None:
    """All-day and floating events lie elsewhere now (P11)."""
    choosing.timezone_changed(user_id, now=timezone.now())


@receiver(signals.look_wanted, dispatch_uid="icloud_sync.look_wanted")
def on_look_wanted(sender: object, connection_ids: set[int], **kwargs: Any) -> None:
    """Look at once, after the commit."""
    for connection_id in sorted(connection_ids):
        tasks.sync_soon(connection_id)
