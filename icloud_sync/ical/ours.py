"""Our own appointment events: written, changed in the text that iCloud has, and read back (rules W1, W5, W6).

| our field | property |
|---|---|
| title, location | SUMMARY, LOCATION |
| notes | DESCRIPTION above the line `--- LeadMagicX ---` |
| details (generated) | DESCRIPTION below that line |
| start, end | DTSTART, DTEND: TZID with its VTIMEZONE, or UTC |

No ORGANIZER, no ATTENDEE, no METHOD: iCloud would mail invitations (rule W6, facts 6.1 and 6.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from icloud_sync.errors import ItemUnreadable
from icloud_sync.ical.additions import FREE, Additions, content_lines, lines_below
from icloud_sync.ical.document import Document, content_line, escaped, read_document
from icloud_sync.ical.event import ScannedComponent, ScannedEvent
from icloud_sync.ical.expand import expand
from icloud_sync.ical.lines import MAX_BYTES
from icloud_sync.ical.occurrence import to_utc
from icloud_sync.ical.scan import scan
from icloud_sync.ical.text import clean_line, clean_text, has_all, joined, same_text, separated
from icloud_sync.ical.values import EARLIEST, LATEST, unescaped
from icloud_sync.ical.vtimezone import CustomZone, parse_vtimezone
from icloud_sync.ical.write_zone import vtimezone_lines
from icloud_sync.ical.zones import Zone, known_name, zone_of

PRODID: Final = "-//LeadMagicX//iCloud Calendar//EN"


@dataclass(frozen=True, slots=True)
class EventFields:
    """What we write. `start` and `end` are aware; `zone` is the IANA name that the phone shows them in."""

    title: str
    start: datetime
    end: datetime
    location: str
    notes: str
    details: tuple[str, ...]
    zone: str


@dataclass(frozen=True, slots=True)
class PhoneEvent:
    """What the phone shows of one of our events. Times are aware and in UTC."""

    uid: str
    title: str
    start: datetime
    end: datetime
    location: str
    notes: str
    all_day: bool
    recurring: bool
    cancelled: bool
    added: tuple[str, ...] = ()
    """Lines somebody wrote below the marker line; they are kept, but are not notes."""


def as_written(fields: EventFields) -> EventFields:
    """Return the fields as they will come back: whole seconds, no control characters, trimmed.

    What was pushed has to be compared in this form, or our own cleaning would look like an edit (rule W8).
    """
    return EventFields(
        title=clean_line(fields.title),
        start=fields.start.astimezone(UTC).replace(microsecond=0),
        end=fields.end.astimezone(UTC).replace(microsecond=0),
        location=clean_line(fields.location),
        notes=clean_text(fields.notes),
        details=tuple(clean_line(line) for line in fields.details),
        zone=fields.zone,
    )


def build(fields: EventFields, *, uid: str, now: datetime, additions: Additions | None = None) -> bytes:
    """Return a new calendar object with one VEVENT. `uid` may hold letters, digits, "-", "@", "." and "_" only.

    `additions`: what the user had added to the event whose place this one takes (rules W5, K8).
    DTEND is always there (fact 5.3), SEQUENCE too, stamps are in UTC (fact 5.16), no line is longer than 75
    octets. The start and end must lie in 1900..2200, the end not before the start, or ValueError.
    """
    fields = as_written(fields)
    _check(fields, uid)
    stamp = _stamp(now)
    zone = _zone_to_write(fields)
    kept = content_lines(additions or {}, location=fields.location)
    details = (*fields.details, *lines_below(additions or {}))
    lines = [
        b"BEGIN:VCALENDAR",
        b"VERSION:2.0",
        content_line("PRODID", PRODID),
        b"CALSCALE:GREGORIAN",
        *(vtimezone_lines(zone, year=fields.start.year) if zone else ()),
        b"BEGIN:VEVENT",
        content_line("UID", uid),
        content_line("DTSTAMP", stamp),
        content_line("CREATED", stamp),
        content_line("LAST-MODIFIED", stamp),
        b"SEQUENCE:0",
        _time_line("DTSTART", fields.start, zone),
        _time_line("DTEND", fields.end, zone),
        content_line("SUMMARY", escaped(fields.title)),
    ]
    if fields.location:
        lines.append(content_line("LOCATION", escaped(fields.location)))
    lines += [
        content_line("DESCRIPTION", escaped(joined(fields.notes, details))),
        b"STATUS:CONFIRMED",
        *(() if FREE in kept else (b"TRANSP:OPAQUE",)),
        *kept,
        b"END:VEVENT",
        b"END:VCALENDAR",
    ]
    return b"".join(line.replace(b"\n", b"\r\n") + b"\r\n" for line in lines)


def patch(
    body: bytes,
    fields: EventFields,
    *,
    now: datetime,
    previous_details: tuple[str, ...] = (),
    max_bytes: int = MAX_BYTES,
) -> bytes:
    """Return the fetched object with our fields in it and everything else as it is, octet for octet.

    A property whose value already says the same stays as it stands. When nothing differs, `body` itself comes
    back: nothing needs to be sent. Line ends become CRLF (an XML answer loses the CR). `previous_details`:
    the generated lines that were written last; other lines below the marker are the user's and are kept.
    To leave an all-day event as it is, pass the times that `read` gave in the zone of `fields.zone`.

    SEQUENCE grows when the time moved (RFC 5546 §2.1.4). Raises ItemUnreadable when the body is not an event.
    """
    fields = as_written(fields)
    event = scan(body, max_bytes=max_bytes)
    _check(fields, event.uid)
    document = read_document(body)
    master = _master(event)
    changed = _patch_text(document, "SUMMARY", fields.title)
    if _patch_text(document, "LOCATION", fields.location):
        # The pin of the old place would win over the new words on the phone.
        document.replace("X-APPLE-STRUCTURED-LOCATION", None)
        changed = True
    changed = _patch_description(document, fields, previous_details) or changed
    moved = _times(event, master, ZoneInfo(known_name(fields.zone) or "UTC")) != (fields.start, fields.end)
    if not (changed or moved):
        return body
    if moved or not (document.first("DTEND") or master.all_day):
        # iCloud refuses an event without DTEND (fact 5.3), whoever made it so.
        _patch_times(document, fields, event, master)
    if moved:
        _bump(document)
    document.replace("LAST-MODIFIED", content_line("LAST-MODIFIED", _stamp(now)))
    document.replace("DTSTAMP", content_line("DTSTAMP", _stamp(now)))
    return document.to_bytes()


def read(body: bytes, *, zone: ZoneInfo, details: tuple[str, ...] = (), max_bytes: int = MAX_BYTES) -> PhoneEvent:
    """Return what the phone shows of our event; `zone` is the user's, `details` what we generated last.

    The notes are the text above the marker line. When somebody took the marker out, they are the whole
    description less the lines that we had generated. Raises ItemUnreadable.
    """
    event = scan(body, max_bytes=max_bytes)
    master = _master(event)
    start, end = _times(event, master, zone)
    document = read_document(body)
    notes, added = separated(_text(document, "DESCRIPTION"), tuple(clean_line(line) for line in details))
    return PhoneEvent(
        uid=event.uid,
        title=clean_line(_text(document, "SUMMARY")),
        start=start,
        end=end,
        location=clean_line(_text(document, "LOCATION")),
        notes=notes,
        all_day=master.all_day,
        recurring=master.recurring or len(event.components) > 1,
        cancelled=master.status == "CANCELLED",
        added=added,
    )


def _check(fields: EventFields, uid: str) -> None:
    if not uid or not uid.isprintable() or len(uid) > 255:
        raise ValueError("A UID is printable text")
    if fields.end < fields.start:
        raise ValueError("An appointment ends after it starts")
    if not (EARLIEST.replace(tzinfo=UTC) <= fields.start and fields.end <= LATEST.replace(tzinfo=UTC)):
        raise ValueError("An appointment lies between 1900 and 2200")


def _stamp(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _zone_to_write(fields: EventFields) -> str | None:
    """Return the TZID to write; None is UTC, also when a wall clock would not say which of two times is meant."""
    name = known_name(fields.zone)
    if name is None or name in _UTC_NAMES:
        return None
    return name if _clear(fields, ZoneInfo(name)) else None


def _clear(fields: EventFields, zone: Zone) -> bool:
    """Whether the wall clocks of a zone say which times are meant: an hour that is repeated does not."""
    return all(
        to_utc(moment.astimezone(zone).replace(tzinfo=None, fold=fold), zone) == moment
        for moment in (fields.start, fields.end)
        for fold in (0, 1)
    )


_UTC_NAMES: Final = frozenset({"UTC", "Etc/UTC", "UCT", "Etc/UCT", "Zulu", "Etc/Zulu", "Universal", "Etc/Universal"})


def _time_line(name: str, moment: datetime, tzid: str | None) -> bytes:
    if tzid is None:
        return content_line(name, _stamp(moment))
    local = moment.astimezone(ZoneInfo(tzid))
    return content_line(name, f"{local:%Y%m%dT%H%M%S}", parameters=f"TZID={tzid}")


def _master(event: ScannedEvent) -> ScannedComponent:
    """Return the VEVENT that is our appointment; the others replace single occurrences that somebody added."""
    for component in event.components:
        if component.recurrence_id is None:
            return component
    raise ItemUnreadable("no_master")


def _times(event: ScannedEvent, master: ScannedComponent, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the start and end of the master itself, whatever its series does."""
    alone = ScannedEvent(
        event.uid, (master._replace(rrules=(), rdates=(), exdates=(), recurrence_id=None),), event.zones
    )
    everything = (EARLIEST.replace(tzinfo=UTC), LATEST.replace(tzinfo=UTC))
    found = expand(alone, zone=zone, window=everything, own_addresses=frozenset())
    if not found:
        raise ItemUnreadable("bad_date")
    return found[0].start, found[0].end


def _text(document: Document, name: str) -> str:
    line = document.first(name)
    return unescaped(line.value) if line is not None else ""


def _patch_text(document: Document, name: str, value: str) -> bool:
    """Write one text unless it is there already; an empty LOCATION goes. Return whether anything changed."""
    if same_text(_text(document, name), value):
        return False
    keep = bool(value) or name == "SUMMARY"
    document.replace(name, content_line(name, escaped(value)) if keep else None)
    return True


def _patch_description(document: Document, fields: EventFields, previous: tuple[str, ...]) -> bool:
    """Write notes, marker, generated lines, and below them what the user had added there."""
    present = clean_text(_text(document, "DESCRIPTION"))
    generated = tuple(clean_line(line) for line in previous) or fields.details
    kept: tuple[str, ...] = ()
    if previous or has_all(present, generated):
        _, kept = separated(present, generated)
    wanted = joined(fields.notes, (*fields.details, *kept))
    if same_text(present, wanted):
        return False
    document.replace("DESCRIPTION", content_line("DESCRIPTION", escaped(wanted)))
    return True


def _patch_times(document: Document, fields: EventFields, event: ScannedEvent, master: ScannedComponent) -> None:
    """Write the times in the zone the event has now, if that zone's VTIMEZONE can express them, else in UTC."""
    tzid = _present_zone(document, fields, event, master)
    for name, moment in (("DTSTART", fields.start), ("DTEND", fields.end)):
        if tzid is None:
            document.replace(name, content_line(name, _stamp(moment)))
            continue
        zone = zone_of(tzid, embedded=dict(event.zones), user_zone=ZoneInfo("UTC"))
        quoted = f'"{tzid}"' if any(letter in tzid for letter in ":;,") else tzid
        local = f"{moment.astimezone(zone):%Y%m%dT%H%M%S}"
        document.replace(name, content_line(name, local, parameters=f"TZID={quoted}"))
    document.replace("DURATION", None)


def _present_zone(document: Document, fields: EventFields, event: ScannedEvent, master: ScannedComponent) -> str | None:
    tzid = master.start.tzid
    if tzid in ("", "UTC") or '"' in tzid or not _describes(document, tzid, fields):
        return None
    return tzid if _clear(fields, zone_of(tzid, embedded=dict(event.zones), user_zone=ZoneInfo("UTC"))) else None


def _describes(document: Document, tzid: str, fields: EventFields) -> bool:
    """Whether the object has a VTIMEZONE for this TZID that agrees with the zone at the new times.

    A TZID without one is refused (fact 5.16), and one that covers only last year would show a wrong hour.
    """
    taken: list[str] = []
    inside = False
    for line in document.lines:
        edge = (line.name, line.value.strip().upper())
        if edge == ("BEGIN", "VTIMEZONE"):
            taken, inside = [], True
        elif edge == ("END", "VTIMEZONE"):
            name, observances = parse_vtimezone(taken)
            if name == tzid and observances:
                embedded = CustomZone(observances)
                zone = zone_of(tzid, embedded={tzid: observances}, user_zone=ZoneInfo("UTC"))
                return all(
                    moment.astimezone(zone).replace(tzinfo=None) == moment.astimezone(embedded).replace(tzinfo=None)
                    for moment in (fields.start, fields.end)
                )
            inside = False
        elif inside:
            taken.append(
                f"{line.name};{line.parameters}:{line.value}" if line.parameters else f"{line.name}:{line.value}"
            )
    return False


def _bump(document: Document) -> None:
    line = document.first("SEQUENCE")
    text = line.value.strip() if line is not None else ""
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0
    document.replace("SEQUENCE", content_line("SEQUENCE", str(number + 1)))
