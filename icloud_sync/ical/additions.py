"""What a user added to one of our events, for the event that is written in its place (rules W5, W6, K8).

Alarms, travel time, URL, "Free", the pin of the place, lines below the marker, properties nobody knows. Never taken:
what we write ourselves, what names the old event or its series, and all about invitations, for iCloud would mail them.
"""

from __future__ import annotations

import re
from typing import Final

from icloud_sync.errors import ItemUnreadable
from icloud_sync.ical.document import Document, Line, content_line, read_document
from icloud_sync.ical.lines import MAX_BYTES, split_line
from icloud_sync.ical.text import clean_line, clean_text, has_all, separated
from icloud_sync.ical.values import unescaped

Additions = dict[str, list[str]]
"""By kind: content lines without folding (an alarm is many, LF between them), or plain texts; no kind is empty."""

ALARMS, PROPERTIES, PINS, PLACE, BELOW = "alarms", "properties", "pins", "place", "below"

MOST: Final = 65_536
"""Characters that are taken over; an attachment in the text of an event may be as large as it likes."""

FREE: Final = b"TRANSP:TRANSPARENT"

_OURS: Final = frozenset(
    ("UID", "DTSTAMP", "CREATED", "LAST-MODIFIED", "SEQUENCE", "DTSTART", "DTEND", "DURATION", "SUMMARY", "LOCATION")
) | {"DESCRIPTION", "X-ALT-DESC", "STATUS", "TRANSP", "TZID"}
_OF_SERIES: Final = frozenset(("RRULE", "RDATE", "EXRULE", "EXDATE", "RECURRENCE-ID", "RELATED-TO"))
_PINS: Final = frozenset(("GEO", "X-APPLE-STRUCTURED-LOCATION"))
_NOT_THE_USERS: Final = (
    "METHOD", "REQUEST-STATUS", "X-CALENDARSERVER-", "X-MICROSOFT-", "X-MS-", "X-RECURRENCE-", "X-APPLE-CREATOR-",
    "X-APPLE-HOSTED-", "X-APPLE-NEEDS-REPLY", "X-APPLE-SCHEDUL",
)  # fmt: skip
_NAME = re.compile(r"[A-Z0-9-]+\Z")
_PEOPLE = re.compile(r"ATTENDEE|ORGANI[SZ]ER|INVIT")
# Of an invitation, of a file that lies beside the old event, or of a zone that the new one does not describe.
_PARAMETERS = re.compile(
    r"(?:^|;)\s*(?:PARTSTAT|RSVP|CUTYPE|SENT-BY|DELEGATED-\w+|SCHEDULE-[\w-]+|MANAGED-ID|TZID)\s*=", re.IGNORECASE
)
_BROKEN = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\ufffd\ufffe\uffff]")
_ALARMS_THAT_MAIL: Final = frozenset(("EMAIL", "PROCEDURE"))


def additions_of(body: bytes, *, previous_details: tuple[str, ...] = (), max_bytes: int = MAX_BYTES) -> Additions:
    """Return what the user added to an event of ours; `previous_details` are the generated lines last written.

    Raises ItemUnreadable.
    """
    if len(body) > max_bytes:
        raise ItemUnreadable("too_large")
    document = read_document(body)
    properties, pins = _properties(document)
    place = document.first("LOCATION")
    found = {
        ALARMS: _alarms(document),
        PROPERTIES: properties,
        PINS: pins,
        BELOW: _below(document, previous_details),
        PLACE: [clean_line(unescaped(place.value)) if place else ""] if pins else [],
    }
    return _as_much_as_fits(found)


def content_lines(additions: Additions, *, location: str) -> list[bytes]:
    """Return the lines to write into a new event, folded. A pin belongs to the place it was set for."""
    kept = additions.get(PROPERTIES, [])
    if additions.get(PLACE) == [location]:
        kept = kept + additions.get(PINS, [])
    texts = [*kept, *(line for alarm in additions.get(ALARMS, []) for line in alarm.split("\n"))]
    return [_folded(text) for text in texts]


def lines_below(additions: Additions) -> tuple[str, ...]:
    """Return what the user wrote below the marker line (decision 0023)."""
    return tuple(additions.get(BELOW, ()))


def _properties(document: Document) -> tuple[list[str], list[str]]:
    """Return the event's own properties that are taken over, and those that hold for its place only."""
    kept: dict[str, None] = {}
    pins: dict[str, None] = {}
    for index in document.own:
        line = document.lines[index]
        if line.name == "TRANSP" and line.value.strip().upper() == "TRANSPARENT":
            kept[FREE.decode()] = None
        elif line.name not in _OURS | _OF_SERIES and _is_harmless(line):
            (pins if line.name in _PINS else kept)[_text(line)] = None
    return list(kept), list(pins)


def _alarms(document: Document) -> list[str]:
    """Return the alarms of the event itself, each once."""
    own = set(document.own)
    found: dict[str, None] = {}
    alarm: list[Line] = []
    depth = 0
    for index in range(document.begin + 1, document.end):
        line = document.lines[index]
        if index in own:
            continue
        depth += (line.name == "BEGIN") - (line.name == "END")
        if line.value:
            alarm.append(line)
        if depth <= 0:
            if len(alarm) > 1 and _is_the_users(alarm):
                found["\n".join(map(_text, alarm))] = None
            alarm, depth = [], 0
    return list(found)


def _is_the_users(alarm: list[Line]) -> bool:
    """Whether this is a whole alarm that the user set and that reaches nobody else. Default alarms are made anew by
    whoever made them (fact 7.13)."""
    first, *lines, last = alarm
    edges = [(line.name, line.value.strip().upper()) for line in (first, last)]
    values = {line.name: line.value.strip().upper() for line in lines}
    return (
        edges == [("BEGIN", "VALARM"), ("END", "VALARM")]
        and {"ACTION", "TRIGGER"} <= values.keys()
        and values["ACTION"] not in _ALARMS_THAT_MAIL
        and values.get("X-APPLE-DEFAULT-ALARM") != "TRUE"
        and "BEGIN" not in values
        and all(map(_is_harmless, lines))
    )


def _is_harmless(line: Line) -> bool:
    """Whether a line can stand in another event: readable, says something, and has nothing to do with other people."""
    return not (
        not line.value.strip()
        or _NAME.match(line.name) is None
        or line.name.startswith(_NOT_THE_USERS)
        or _PEOPLE.search(line.name)
        or _PARAMETERS.search(line.parameters)
        or "mailto:" in f"{line.parameters};{line.value}".lower()
        or _BROKEN.search(_text(line))
    )


def _below(document: Document, previous: tuple[str, ...]) -> list[str]:
    """Return the user's lines below the marker, told from the generated ones as `patch` tells them."""
    line = document.first("DESCRIPTION")
    present = clean_text(unescaped(line.value)) if line else ""
    generated = tuple(clean_line(detail) for detail in previous)
    if not generated or not has_all(present, ()):
        return []
    return list(separated(present, generated)[1])


def _as_much_as_fits(found: Additions) -> Additions:
    """Leave out what is too long, and kinds with nothing in them. An attachment must not cost the alarms."""
    left = MOST
    fitting: Additions = {}
    for kind, texts in found.items():
        for text in texts:
            if len(text) <= left:
                left -= len(text)
                fitting.setdefault(kind, []).append(text)
    return fitting


def _text(line: Line) -> str:
    head = f"{line.name};{line.parameters}" if line.parameters else line.name
    return f"{head}:{line.value}"


def _folded(text: str) -> bytes:
    name, parameters, value = split_line(text)
    return content_line(name, value, parameters=parameters)
