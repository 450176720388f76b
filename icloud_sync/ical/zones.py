"""From the name of a time zone to the zone (rule P11, fact 7.7).

Order: a name of the tz database → its last path segments (vendor prefixes) → the VTIMEZONE that came with
the event → Windows names → the user's zone, with a warning. TZIDs are hostile input: only names that are in
the list of the tz database ever reach `ZoneInfo`, so no other file is opened.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from icloud_sync.ical.vtimezone import CustomZone, Observance
from icloud_sync.ical.windows_zones import WINDOWS_ZONES

Zone = ZoneInfo | CustomZone
Embedded = Mapping[str, tuple[Observance, ...]]

MOST_WARNINGS = 20
_LONGEST_NAME = 255
# These are files beside the database that mean "this machine" or nothing at all.
_NOT_ZONES = frozenset({"localtime", "Factory", "posixrules"})


@lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    """Return the names of the tz database by their lower-case form."""
    return {name.lower(): name for name in available_timezones() if name not in _NOT_ZONES}


@lru_cache(maxsize=1)
def _windows() -> dict[str, str]:
    return {name.lower(): zone for name, zone in WINDOWS_ZONES.items()}


def known_name(tzid: str) -> str | None:
    """Return the tz database's name for a TZID, vendor prefixes taken off; None when there is none.

    >>> known_name("/freeassociation.sourceforge.net/Tzfile/Europe/Berlin"), known_name("Mars/Olympus")
    ('Europe/Berlin', None)
    """
    return _known(tzid) if len(tzid) <= _LONGEST_NAME else None


@lru_cache(maxsize=2048)
def _known(tzid: str) -> str | None:
    names = _names()
    text = tzid.strip().lower()
    found = names.get(text)
    if found is not None or "/" not in text:
        return found
    segments = text.split("/")
    for count in (3, 2):
        found = names.get("/".join(segments[-count:])) if len(segments) >= count else None
        if found is not None:
            return found
    # One segment alone says enough only behind a registered prefix: "/mozilla.org/20070129_1/UTC".
    return names.get(segments[-1]) if text.startswith("/") else None


def zone_of(tzid: str, *, embedded: Embedded, user_zone: ZoneInfo, warnings: list[str] | None = None) -> Zone:
    """Return the zone that a TZID stands for; "" is floating, and so the user's zone.

    A TZID that nothing explains is taken as the user's zone and noted in `warnings`.
    """
    if not tzid:
        return user_zone
    name = known_name(tzid)
    if name is not None:
        return ZoneInfo(name)
    observances = embedded.get(tzid)
    if observances:
        return custom_zone(observances)
    windows = _windows().get(tzid.strip().lower()) if len(tzid) <= _LONGEST_NAME else None
    if windows is not None:
        return ZoneInfo(windows)
    if warnings is not None:
        shown = "".join(letter for letter in tzid[:64] if letter.isprintable())
        warning = f"unknown_timezone: {shown}"
        if len(warnings) < MOST_WARNINGS and warning not in warnings:
            warnings.append(warning)
    return user_zone


@lru_cache(maxsize=128)
def custom_zone(observances: tuple[Observance, ...]) -> CustomZone:
    """Return the zone of an embedded VTIMEZONE; its transitions are worked out once a year asked for."""
    return CustomZone(observances)
