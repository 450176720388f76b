"""How a case of the corpus is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

NINE = "DTSTART:20261109T090000Z\nDTEND:20261109T100000Z"
ONE = (("1109T0900", "1109T1000"),)


@dataclass(frozen=True)
class Case:
    """`refused`: the reason code. Otherwise the occurrences: all of them in `times` ("mmddThhmm"), or how many."""

    name: str
    body: bytes | Callable[[], bytes]
    refused: str = ""
    times: tuple[tuple[str, str], ...] | None = None
    count: int | None = None
    code: str = "BUSY"
    warned: bool = False
    big: bool = False

    def octets(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else self.body()


def calendar(inner: str, *, head: str = "VERSION:2.0\nPRODID:-//Test//EN\n") -> bytes:
    return f"BEGIN:VCALENDAR\n{head}{inner.strip()}\nEND:VCALENDAR\n".replace("\n", "\r\n").encode()


def vevent(lines: str, *, uid: str = "case@example.org") -> str:
    return f"BEGIN:VEVENT\nUID:{uid}\n{lines.strip()}\nEND:VEVENT\n"


def event(lines: str) -> bytes:
    return calendar(vevent(lines))


def plain(extra: str) -> bytes:
    return event(f"{NINE}\n{extra}")


def rule(text: str, *, start: str = NINE, extra: str = "") -> bytes:
    return event(f"{start}\nRRULE:{text}\n{extra}")


def series(extra: str, *overrides: str) -> bytes:
    """Mondays 09:00 UTC, four of them: 9, 16, 23 and 30 November."""
    master = vevent(f"{NINE}\nRRULE:FREQ=WEEKLY;COUNT=4\n{extra}")
    return calendar(master + "".join(vevent(override) for override in overrides))


def hours(*days: str, start: str = "0900", end: str = "1000") -> tuple[tuple[str, str], ...]:
    return tuple((f"{day}T{start}", f"{day}T{end}") for day in days)


BERLIN_WINTER = "TZID:Amt\nBEGIN:STANDARD\nDTSTART:19701025T030000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\n"
OWN_ZONE = (
    f"BEGIN:VTIMEZONE\n{BERLIN_WINTER}RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\nEND:STANDARD\n"
    "BEGIN:DAYLIGHT\nDTSTART:19700329T020000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\n"
    "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\nEND:DAYLIGHT\nEND:VTIMEZONE\n"
)


def zoned(tzid: str, *, before: str = "", quote: bool = False) -> bytes:
    name = f'"{tzid}"' if quote else tzid
    times = f"DTSTART;TZID={name}:20261109T090000\nDTEND;TZID={name}:20261109T100000"
    return calendar(before + vevent(times))


IN_BERLIN = hours("1109", start="0800", end="0900")

DAYS_SINCE_1601 = (date(2026, 11, 4) - date(1601, 1, 1)).days + 1
