"""Whether two versions of an event differ in anything that matters (fact 7.16).

An ETag only says "look": iCloud re-stamps, re-orders and rewrites events without anybody having edited them.
"""

from __future__ import annotations

import hashlib
from typing import Any

from icloud_sync.ical.event import ScannedComponent, ScannedEvent
from icloud_sync.ical.values import Moment, shifted
from icloud_sync.ical.zones import known_name


def fingerprint(event: ScannedEvent) -> str:
    """Return 64 hexadecimal digits that are equal for equal meanings.

    Counts: UID, times and zones, recurrence, title, place, TRANSP, STATUS, CLASS, answers to the invitation,
    travel time. Noise: DTSTAMP, LAST-MODIFIED, SEQUENCE, other X- properties, alarms, order, spelling of known
    zones, VTIMEZONEs of known zones, and values that are spelled out but are the default anyway.
    """
    meaning: list[Any] = [event.uid, sorted(_meaning(component) for component in event.components)]
    if event.zones:
        meaning.append([[tzid, [repr(part) for part in sorted(parts)]] for tzid, parts in sorted(event.zones)])
    # repr tells text from numbers and one list from two, as JSON does, for a third of its time.
    return hashlib.sha256(repr(meaning).encode()).hexdigest()


def _meaning(component: ScannedComponent) -> list[Any]:
    start, end = component.start, component.end
    span = component.duration
    if span is not None:
        # DURATION or DTEND is a matter of taste.
        end = start._replace(local=shifted(start.local, days=span.days, seconds=span.seconds))
    elif start.all_day and (end is None or end.local <= start.local):
        end = start._replace(local=shifted(start.local, days=1))
    replaced = component.recurrence_id
    essence: list[Any] = [
        _moment(replaced) if replaced is not None else "",
        component.range_this_and_future,
        _moment(start),
        _moment(end) if end is not None and end != start else "",
        component.summary,
        component.location,
        "" if component.transp == "OPAQUE" else component.transp,
        "" if component.status == "CONFIRMED" else component.status,
        "" if component.classification == "PUBLIC" else component.classification,
        int(component.travel_before.total_seconds()),
        int(component.travel_after.total_seconds()),
        sorted([list(addresses), partstat] for addresses, partstat in component.attendees),
    ]
    if component.recurring or component.exdates:
        essence += [
            sorted(_rule(text) for text in component.rrules),
            sorted(_extra(extra) for extra in component.rdates),
            sorted(_moment(moment) for moment in component.exdates),
        ]
    return essence


def _moment(moment: Moment) -> str:
    if not moment.tzid or moment.tzid == "UTC":
        return moment.text()
    return f"{moment.text()}@{known_name(moment.tzid) or moment.tzid}"


def _rule(text: str) -> str:
    parts = {part for part in text.split(";") if part and part != "INTERVAL=1" and part != "WKST=MO"}
    return ";".join(sorted(parts))


def _extra(extra: Any) -> str:
    return "/".join(
        [
            _moment(extra.start),
            _moment(extra.end) if extra.end is not None else "",
            repr(tuple(extra.span)) if extra.span is not None else "",
        ]
    )
