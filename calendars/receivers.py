"""What accounts tells reaches the rows here in the same transaction."""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from calendars.services import blocked
from leadmagicx.accounts.signals import timezone_changed


@receiver(timezone_changed, dispatch_uid="calendars.timezone_changed")
def on_timezone_changed(sender: object, user_id: int, former: str, **kwargs: Any) -> None:
    """The days somebody blocked begin and end at other midnights now."""
    blocked.move_to_zone(user_id=user_id, former=former)
