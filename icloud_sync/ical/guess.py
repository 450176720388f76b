"""The time an unreadable event most likely takes, so that one seen for the first time can block it (rule P14)."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from icloud_sync.errors import ItemUnreadable
from icloud_sync.ical.component import Properties, read_component
from icloud_sync.ical.event import ScannedEvent
from icloud_sync.ical.expand import expand
from icloud_sync.ical.lines import MAX_BYTES, decoded, split_line

_TIMES: Final = frozenset({"DTSTART", "DTEND", "DURATION"})
_REPEATS: Final = frozenset({"RRULE", "RDATE", "RECURRENCE-ID"})
_CUT: Final = 65_536


def best_guess(body: bytes, *, zone: ZoneInfo, window: tuple[datetime, datetime]) -> tuple[datetime, datetime] | None:
    """Return (start, end) in UTC of the only VEVENT, if its times can be read and it does not repeat.

    `zone` is the user's. None when there is nothing to go by, or when it lies outside the window. Only the first
    64 KiB are looked at: a body may be unreadable because it is huge.
    """
    properties = _times_of_only_event(body[:_CUT])
    if properties is None:
        return None
    try:
        event = ScannedEvent("guess", (read_component(properties),))
        found = expand(event, zone=zone, window=window, own_addresses=frozenset())
    except ItemUnreadable:
        return None
    if len(found) != 1 or found[0].end <= found[0].start:
        return None
    return found[0].start, found[0].end


def _times_of_only_event(body: bytes) -> Properties | None:
    properties: Properties = {}
    events = inside = 0
    for line in decoded(body, max_bytes=MAX_BYTES).split("\n"):
        name, parameters, value = split_line(line)
        if name == "BEGIN":
            inside += bool(inside)
            if value.strip().upper() == "VEVENT":
                events += 1
                inside = 1
        elif name == "END":
            inside -= bool(inside)
        elif inside == 1 and name in _REPEATS:
            return None
        elif inside == 1 and name in _TIMES:
            properties.setdefault(name, []).append((parameters, value))
    return properties if events == 1 else None
