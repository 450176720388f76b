"""Busy days counted the slow and obvious way, from the slots themselves."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, date, timedelta

from calendars.models import BlockedSlot, BusyDay

Key = tuple[int, bool, date]
Pieces = list[tuple[int, int]]


def counted() -> dict[Key, Pieces]:
    """Return what the busy days should be."""
    found: dict[Key, Pieces] = {}
    for slot in BlockedSlot.objects.filter(blocks=True):
        if timedelta(0) < slot.busy_end - slot.busy_start <= timedelta(days=2):
            key = (slot.user_id, slot.source == "icloud", slot.busy_start.astimezone(UTC).date())
            piece = math.floor(slot.busy_start.timestamp()), math.ceil(slot.busy_end.timestamp())
            found.setdefault(key, []).append(piece)
    return {key: joined(pieces) for key, pieces in found.items()}


def kept() -> dict[Key, Pieces]:
    """Return what the busy days are."""
    rows = BusyDay.objects.values_list("user_id", "from_icloud", "day", "busy")
    return {(user, icloud, day): [(piece.lower, piece.upper) for piece in busy] for user, icloud, day, busy in rows}


def joined(pieces: Iterable[tuple[int, int]]) -> Pieces:
    """Return the pieces in order, those that overlap or touch as one."""
    found: Pieces = []
    for start, end in sorted(pieces):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((start, end))
    return found
