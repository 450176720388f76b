"""REPORT calendar-query: mostly the ways in which iCloud refuses it (facts 4.13-4.17, 7.11)."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import icalendar
import recurring_ical_events
from lxml import etree

from tests.fake_icloud import ics, propfind, render, served
from tests.fake_icloud.render import CALDAV, DAV
from tests.fake_icloud.state import Calendar, Obj
from tests.fake_icloud.wire import Response

if TYPE_CHECKING:
    from tests.fake_icloud.world import World

EMPTY_EVENT = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
_UTC = re.compile(r"\d{8}T\d{6}Z$")


def _c(name: str) -> str:
    return f"{{{CALDAV}}}{name}"


def wants_data(root: etree._Element) -> bool:
    return root.find(f"{{{DAV}}}prop/{_c('calendar-data')}") is not None


def is_partial(root: etree._Element) -> bool:
    """Say whether calendar-data asks for parts only, which iCloud answers with empty events (fact 4.17)."""
    data = root.find(f"{{{DAV}}}prop/{_c('calendar-data')}")
    return data is not None and data.find(_c("comp")) is not None


def calendar_query(world: World, calendar: Calendar, root: etree._Element) -> Response:
    """Answer a calendar-query on a calendar."""
    flags = world.flags
    outer = root.find(f"{_c('filter')}/{_c('comp-filter')}")
    inner = None if outer is None else outer.find(_c("comp-filter"))
    if outer is None or outer.get("name") != "VCALENDAR" or inner is None or inner.get("name") != "VEVENT":
        return Response(500)  # fact 4.13
    if root.find(f".//{_c('prop-filter')}") is not None or root.find(f".//{_c('text-match')}") is not None:
        if flags.textsearch == "empty207":
            return render.multistatus([], odd_type=flags.odd_content_type)
        return Response(412)  # fact 4.14
    window: tuple[datetime, datetime] | None = None
    limits = inner.find(_c("time-range"))
    if limits is not None:
        stamps = (limits.get("start") or "00010101T000000Z", limits.get("end") or "99991231T000000Z")
        if not all(_UTC.match(stamp) for stamp in stamps):
            return Response(400)
        start, end = (datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC) for stamp in stamps)
        if start >= end:
            return Response(500)  # fact 4.13
        window = (start, end)
    expand = root.find(f"{{{DAV}}}prop/{_c('calendar-data')}/{_c('expand')}") is not None
    if expand and flags.expand == "empty":  # fact 4.16
        return render.multistatus([], odd_type=flags.odd_content_type)
    now = world.clock.now()
    shown = [] if calendar.kind == "subscribed" else propfind.listed(calendar, now)
    chosen = [obj for obj in shown if window is None or touches(obj.seen(now)[0], *window)]
    expand = expand and flags.expand == "works"
    members = [_member(world, calendar, obj, root, window, expand=expand) for obj in chosen]
    return render.multistatus(members, odd_type=flags.odd_content_type)


def _member(
    world: World,
    calendar: Calendar,
    obj: Obj,
    root: etree._Element,
    window: tuple[datetime, datetime] | None,
    *,
    expand: bool,
) -> str:
    body, etag = obj.seen(world.clock.now())
    found = [render.element((DAV, "getetag"), etag)]
    if wants_data(root):
        if is_partial(root):
            text = EMPTY_EVENT
        elif expand and window is not None:
            text = _expanded(body, *window)
        else:
            text = _ranged(served.text(world, calendar, obj, body), window).decode("utf-8", "replace")
        found.append(render.element((CALDAV, "calendar-data"), render.cdata(text)))
    return render.member(calendar.href(obj.name), found)


def touches(body: bytes, start: datetime, end: datetime) -> bool:
    """Say whether an event has an instance in the window, all-day ones also when they end at its start (fact 4.15)."""
    try:
        root = ics.parse(body)
        events = root.named("VEVENT")
        if len(events) == 1 and not any(line.name in ("RRULE", "RDATE") for line in events[0].lines):
            first, last = ics.span(events[0])
            over = timedelta(days=1) if not isinstance(first, datetime) else timedelta()
            return (_aware(first) < end and _aware(last) + over > start) or start <= _aware(first) < end
        found = recurring_ical_events.of(icalendar.Calendar.from_ical(body)).between(start, end)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, Warning):
        return True  # what cannot be understood is not left out
    return bool(found)


def _aware(moment: date | datetime) -> datetime:
    if not isinstance(moment, datetime):
        return datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _ranged(body: bytes, window: tuple[datetime, datetime] | None) -> bytes:
    """Add the line that makes a body from a range query depend on the range (fact 7.11)."""
    if window is None or b"RRULE" not in body:
        return body
    note = f"X-RECURRENCE-EXCEPTION:{ics.utc(window[0])}\r\nEND:VEVENT".encode()
    return body.replace(b"END:VEVENT", note, 1)


def _expanded(body: bytes, start: datetime, end: datetime) -> str:
    calendar = icalendar.Calendar.from_ical(body)
    instances = recurring_ical_events.of(calendar).between(start, end)
    whole = icalendar.Calendar()
    whole.add("version", "2.0")
    whole.add("prodid", "-//Apple Inc.//iCloud//EN")
    for instance in instances:
        whole.add_component(instance)
    return str(whole.to_ical().decode())
