"""Why a slot is closed (rule A6), as values; calendars.messages turns them into sentences."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Code(StrEnum):
    """In the order of the checks of rule A2."""

    HOURS = "HOURS"
    NOTICE = "NOTICE"
    TOO_FAR = "TOO_FAR"
    DAY_LIMIT = "DAY_LIMIT"
    BOOKED = "BOOKED"
    BUFFER = "BUFFER"
    BLOCKED = "BLOCKED"
    ICLOUD_BUSY = "ICLOUD_BUSY"
    SEATS = "SEATS"
    COLLECTIVE = "COLLECTIVE"
    NO_MEMBER = "NO_MEMBER"
    HORIZON = "HORIZON"


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason. `start`/`end` are the time that is in the way; `place` names an iCloud calendar, never an event.

    `hosts` are the people a COLLECTIVE reason waits for.
    """

    code: Code
    host: int | None = None
    start: int | None = None
    end: int | None = None
    place: str = ""
    limit: int | None = None
    hosts: tuple[int, ...] = ()
