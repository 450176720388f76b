"""Read a fetched calendar object once, line by line, for what availability needs.

Plain Python on purpose: an object model of all properties costs twenty times as much, a third of it for
VTIMEZONEs that most objects repeat (performance d2). Only VTIMEZONEs of unknown TZIDs are looked into.

Reason codes of ItemUnreadable: too_large, not_a_calendar, truncated, end_mismatch, nested_too_deep,
not_an_event, no_event, no_uid, several_uids, no_start, bad_date, bad_duration, negative_length,
start_end_mismatch, duplicate_property, malformed_line, too_many_exceptions, bad_rule, rule_unsupported,
rule_too_frequent, rule_too_costly, unexpected. `ours` adds no_master.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from icloud_sync.errors import ItemUnreadable
from icloud_sync.ical.component import MOST_EXCEPTIONS, Properties, read_component
from icloud_sync.ical.event import ScannedComponent, ScannedEvent
from icloud_sync.ical.lines import MAX_BYTES, decoded, split_line
from icloud_sync.ical.vtimezone import Observance, parse_vtimezone
from icloud_sync.ical.zones import known_name

UNEXPECTED: Final = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What a resource nobody foresaw may raise; it stays one unreadable event (rule P14)."""

NOT_AN_EVENT: Final = "not_an_event"
"""A task or the like, such as upgraded Reminders leave behind (fact 3.4): it takes no time, and nobody need be told."""

_GLANCE = 65_536  # bytes in which a UID is looked for without reading the rest
_DEEPEST = 4  # VCALENDAR, and three levels in it (reliability §4)
_MOST_ZONES = 20  # VTIMEZONEs that are looked into; real objects have one or two
_BEGIN, _END, _KEPT, _TEXT = 1, 2, 3, 4
_KINDS: Final[dict[str, int]] = {
    "BEGIN": _BEGIN,
    "END": _END,
    **dict.fromkeys(
        ("UID", "DTSTART", "DTEND", "DURATION", "RECURRENCE-ID", "RRULE", "RDATE", "EXDATE", "TRANSP", "STATUS"), _KEPT
    ),
    **dict.fromkeys(
        (
            "SUMMARY",
            "LOCATION",
            "CLASS",
            "ATTENDEE",
            "X-APPLE-TRAVEL-DURATION",
            "X-APPLE-TRAVEL-RETURN-DURATION",
            "X-APPLE-NEEDS-REPLY",
        ),
        _TEXT,
    ),
}
# The commonest names that say nothing about time, so that they need no second look-up.
_NOISE: Final = frozenset(
    (
        "DTSTAMP",
        "CREATED",
        "LAST-MODIFIED",
        "SEQUENCE",
        "DESCRIPTION",
        "URL",
        "PRODID",
        "VERSION",
        "CALSCALE",
        "ACTION",
        "TRIGGER",
        "X-WR-ALARMUID",
        "ORGANIZER",
        "X-APPLE-TRAVEL-ADVISORY-BEHAVIOR",
        "",
    )
)


def scan(body: bytes, *, max_bytes: int = MAX_BYTES) -> ScannedEvent:
    """Return the one event that a calendar object resource holds (RFC 4791 §4.1).

    Tolerated: any line end, a BOM, bad UTF-8, control characters, lower-case names, a missing VERSION, METHOD,
    unknown lines and properties (fact 7.13). Refused, with a reason code: whatever leaves the event's time or
    identity open. A refused event keeps blocking as before (rule P14).
    """
    try:
        return _scan(decoded(body, max_bytes=max_bytes))
    except UNEXPECTED as error:
        raise ItemUnreadable("unexpected") from error


def uid_at_a_glance(body: bytes) -> str:
    """Return the first UID in a body that must not be read (fault F38) or cannot be (P14), or ''.

    Ours are never folded.
    """
    found = re.search(rb"^UID:([!-~]{1,200})\r?$", body[:_GLANCE], flags=re.MULTILINE)
    return found[1].decode("ascii") if found else ""


def _scan(text: str) -> ScannedEvent:
    text, zone_lines = _without_zones(text)
    events, others = _events(iter(text.split("\n")), zone_lines)
    if not events:
        raise ItemUnreadable(NOT_AN_EVENT if others else "no_event")
    if len(events) > MOST_EXCEPTIONS:
        raise ItemUnreadable("too_many_exceptions")
    uid = _uid(events)
    components = [read_component(properties) for properties in events]
    if len(components) > 1:
        # Masters first, as a patch takes them too, then by what the others replace.
        components = sorted(dict.fromkeys(components), key=_place)
    zones = _embedded_zones(zone_lines, components) if zone_lines else ()
    return ScannedEvent(uid, tuple(components), zones)


def _place(component: ScannedComponent) -> str:
    return component.recurrence_id.text() if component.recurrence_id is not None else ""


def _without_zones(text: str) -> tuple[str, list[list[str]]]:
    """Cut the VTIMEZONEs out in one go: half of a small event, and seldom looked at."""
    zones: list[list[str]] = []
    begin = text.find("\nBEGIN:VTIMEZONE\n")
    if begin < 0:
        return text, zones
    kept, after = [], 0
    while begin >= 0:
        end = text.find("\nEND:VTIMEZONE\n", begin)
        cut = text[begin:end]
        if end < 0 or ":VEVENT\n" in cut:
            break  # The line by line reading says what is wrong.
        zones.append(cut.split("\n"))
        kept.append(text[after:begin])
        after = end + len("\nEND:VTIMEZONE")
        begin = text.find("\nBEGIN:VTIMEZONE\n", after)
    kept.append(text[after:])
    return "".join(kept), zones


def _events(lines: Iterator[str], zones: list[list[str]]) -> tuple[list[Properties], bool]:
    """Return the properties of each VEVENT, and whether other components were there.

    VTIMEZONEs that `_without_zones` did not see are added to `zones`.
    """
    _expect_calendar(lines)
    events: list[Properties] = []
    others = False
    path = ["VCALENDAR"]
    current: Properties = {}
    in_event = False
    for line in lines:
        name, colon, value = line.partition(":")
        parameters = ""
        if ";" in name:
            if '"' in name:
                name, parameters, value = split_line(line)
            else:
                name, _, parameters = name.partition(";")
        kind = _KINDS.get(name)
        if kind is None:
            if name in _NOISE:
                continue
            name = name.strip().upper()
            kind = _KINDS.get(name)
            if kind is None:
                continue
        if kind >= _KEPT:
            if in_event:
                if not colon and kind == _KEPT:
                    raise ItemUnreadable("malformed_line")
                if name in current:
                    current[name].append((parameters, value))
                else:
                    current[name] = [(parameters, value)]
            continue
        value = value.strip().upper()
        if kind == _END:
            if not path or path.pop() != value:
                raise ItemUnreadable("end_mismatch")
            if in_event:
                events.append(current)
        elif value == "VTIMEZONE" and len(path) == 1:
            zones.append(_zone_lines(lines))
            continue
        else:
            others = _begin(path, value) or others
            if value == "VEVENT":
                current = {}
        in_event = len(path) == 2 and path[1] == "VEVENT"
    if path:
        raise ItemUnreadable("truncated")
    return events, others


def _expect_calendar(lines: Iterator[str]) -> None:
    """Take off the first line that is not blank; it has to open a VCALENDAR."""
    for line in lines:
        if line.strip():
            if line.strip().upper() != "BEGIN:VCALENDAR":
                break
            return
    raise ItemUnreadable("not_a_calendar")


def _begin(path: list[str], name: str) -> bool:
    """Go one component deeper. Return whether it is one beside VEVENT that holds something else."""
    path.append(name)
    if len(path) > _DEEPEST:
        raise ItemUnreadable("nested_too_deep")
    if name == "VEVENT" and len(path) != 2:
        raise ItemUnreadable("end_mismatch")
    return name != "VEVENT" and len(path) == 2


def _zone_lines(lines: Iterator[str]) -> list[str]:
    """Take the lines of a VTIMEZONE off; what they mean is looked at only when its TZID is unknown."""
    taken: list[str] = []
    for line in lines:
        if line[:4] in ("END:", "end:", "End:", "BEGI", "begi", "Begi"):
            edge = line.strip().upper()
            if edge == "END:VTIMEZONE":
                return taken
            if edge in ("BEGIN:VEVENT", "END:VEVENT", "END:VCALENDAR"):
                raise ItemUnreadable("end_mismatch")
        taken.append(line)
    raise ItemUnreadable("truncated")


def _uid(events: list[Properties]) -> str:
    found: set[str] = set()
    for properties in events:
        values = properties.get("UID")
        if values is None:
            raise ItemUnreadable("no_uid")
        for _, value in values:
            found.add(value.strip())
    if "" in found:
        raise ItemUnreadable("no_uid")
    if len(found) > 1:
        raise ItemUnreadable("several_uids")
    return found.pop()


def _embedded_zones(
    zone_lines: list[list[str]], components: list[ScannedComponent]
) -> tuple[tuple[str, tuple[Observance, ...]], ...]:
    wanted = {tzid for tzid in _tzids(components) if tzid and known_name(tzid) is None}
    if not wanted:
        return ()
    found: dict[str, tuple[Observance, ...]] = {}
    for lines in zone_lines[:_MOST_ZONES]:
        tzid, observances = parse_vtimezone(lines)
        if tzid in wanted and observances:
            found.setdefault(tzid, observances)
    return tuple(sorted(found.items()))


def _tzids(components: list[ScannedComponent]) -> set[str]:
    found: set[str] = set()
    for component in components:
        found.add(component.start.tzid)
        if component.end is not None:
            found.add(component.end.tzid)
        if component.recurrence_id is not None:
            found.add(component.recurrence_id.tzid)
        if component.rdates:
            found.update(extra.start.tzid for extra in component.rdates)
            found.update(extra.end.tzid for extra in component.rdates if extra.end is not None)
        if component.exdates:
            found.update(moment.tzid for moment in component.exdates)
    return found
