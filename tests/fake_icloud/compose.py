"""Event text as an iPhone writes it."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.fake_icloud import ics, zones
from tests.fake_icloud.ics import Component, Moment

TEAM = "0000000000"
CREATOR = "com.apple.mobilecal"


@dataclass(kw_only=True)
class Draft:
    """What the user types. A date as `start` means all day, with `end` exclusive; a naive datetime floats."""

    title: str
    start: Moment
    end: Moment | None = None
    all_day: bool | None = None
    free: bool = False
    location: str | None = None
    notes: str | None = None
    rrule: str | None = None
    exdates: Sequence[Moment] = ()
    rdates: Sequence[Moment] = ()
    status: str | None = None
    alarms: Sequence[timedelta] = ()  # before the start when negative
    travel: timedelta | None = None
    travel_return: timedelta | None = None
    organizer: str | None = None
    attendees: Sequence[str] = ()
    partstat: str | None = None  # of the account itself, when somebody else organises
    url: str | None = None
    extra: Sequence[str] = ()  # further content lines, as they are

    def __post_init__(self) -> None:
        if self.all_day and isinstance(self.start, datetime):
            self.start = self.start.date()
            self.end = self.end.date() if isinstance(self.end, datetime) else self.end
        if self.end is None:
            step = timedelta(hours=1) if isinstance(self.start, datetime) else timedelta(days=1)
            self.end = self.start + step


def calendar_text(draft: Draft, *, uid: str, me: str, now: datetime) -> Component:
    """Return a VCALENDAR with the event and the VTIMEZONE it needs."""
    root = Component("VCALENDAR")
    root.add("CALSCALE", "GREGORIAN")
    root.add("PRODID", "-//Apple Inc.//iOS 18.5//EN")
    root.add("VERSION", "2.0")
    root.children.append(_event(draft, uid=uid, me=me, now=now))
    add_zones(root)
    return root


def _event(draft: Draft, *, uid: str, me: str, now: datetime) -> Component:
    event = Component("VEVENT")
    stamp = ics.utc(now)
    event.add("CREATED", stamp)
    put_times(event, draft.start, draft.end or draft.start)
    event.add("DTSTAMP", stamp)
    event.add("LAST-MODIFIED", stamp)
    event.add("SEQUENCE", "0")
    event.add("SUMMARY", ics.escape(draft.title))
    event.add("TRANSP", "TRANSPARENT" if draft.free else "OPAQUE")
    event.add("UID", uid)
    _details(event, draft)
    _people(event, draft, me)
    for length in draft.alarms:
        event.children.append(alarm(length))
    for line in draft.extra:
        event.lines.append(ics.parse(f"BEGIN:VCALENDAR\n{line}\nEND:VCALENDAR\n".encode()).lines[0])
    creator(event)
    return event


def _details(event: Component, draft: Draft) -> None:
    for name, text in (("LOCATION", draft.location), ("DESCRIPTION", draft.notes)):
        if text is not None:
            event.add(name, ics.escape(text))
    for name, value in (("RRULE", draft.rrule), ("STATUS", draft.status)):
        if value is not None:
            event.add(name, value)
    if draft.url is not None:
        event.add("URL", draft.url, ";VALUE=URI")
    add_dates(event, "EXDATE", draft.exdates)
    add_dates(event, "RDATE", draft.rdates)
    put_travel(event, draft.travel, draft.travel_return)


def _people(event: Component, draft: Draft, me: str) -> None:
    guests = list(draft.attendees)
    organizer = draft.organizer or (me if guests else None)
    if organizer is None and draft.partstat is None:
        return
    organizer = organizer or "someone@else.example"
    event.add("ORGANIZER", f"mailto:{organizer}")
    if organizer != me:
        state = draft.partstat or "NEEDS-ACTION"
        event.add("ATTENDEE", f"mailto:{me}", f";CUTYPE=INDIVIDUAL;PARTSTAT={state};ROLE=REQ-PARTICIPANT")
    for guest in guests:
        event.add("ATTENDEE", f"mailto:{guest}", ";CUTYPE=INDIVIDUAL;PARTSTAT=NEEDS-ACTION;RSVP=TRUE")


def put_times(event: Component, start: Moment, end: Moment) -> None:
    event.drop("DURATION")
    event.set("DTEND", *ics.stamp(end))
    event.set("DTSTART", *ics.stamp(start))


def put_travel(event: Component, before: timedelta | None, after: timedelta | None) -> None:
    """Write Apple's travel time (fact 7.5)."""
    event.drop("X-APPLE-TRAVEL-DURATION", "X-APPLE-TRAVEL-RETURN-DURATION")
    if before is not None:
        event.add("X-APPLE-TRAVEL-DURATION", ics.duration_text(before), ";VALUE=DURATION")
    if after is not None:
        event.add("X-APPLE-TRAVEL-RETURN-DURATION", ics.duration_text(after), ";VALUE=DURATION")


def add_dates(event: Component, name: str, moments: Iterable[Moment]) -> None:
    """Add EXDATE or RDATE lines, one for each date, as Apple does (fact 7.9)."""
    for moment in moments:
        event.add(name, *ics.stamp(moment))


def creator(event: Component) -> None:
    """Add the lines an Apple device leaves behind (fact 7.14)."""
    event.set("X-APPLE-CREATOR-IDENTITY", CREATOR)
    event.set("X-APPLE-CREATOR-TEAM-IDENTITY", TEAM)


def alarm(length: timedelta) -> Component:
    part = Component("VALARM")
    part.add("ACTION", "DISPLAY")
    part.add("DESCRIPTION", "Reminder")
    part.add("TRIGGER", ics.duration_text(length))
    return part


def add_zones(root: Component) -> None:
    """Put in the VTIMEZONE of every zone the text names and does not define."""
    known = {zone.value("TZID") for zone in root.named("VTIMEZONE")}
    for event in root.named("VEVENT"):
        for line in event.lines:
            tzid = line.param("TZID") if ";TZID=" in line.params else None
            if tzid and tzid not in known:
                known.add(tzid)
                root.children.insert(0, copy.deepcopy(zones.vtimezone(tzid)))


def as_written(master: Component, at: Moment) -> Moment:
    """Return the moment in the form of the event's DTSTART: DATE, UTC, the same zone, or floating."""
    line = master.get("DTSTART")
    start = ics.moment(line) if line else at
    if not isinstance(start, datetime):
        return at.date() if isinstance(at, datetime) else at
    if not isinstance(at, datetime):
        return datetime.combine(at, start.timetz())
    if start.tzinfo is None:
        return at.replace(tzinfo=None)
    return at.astimezone(start.tzinfo) if at.tzinfo else at.replace(tzinfo=start.tzinfo)


def same(one: Moment, other: Moment) -> bool:
    """Say whether two moments name the same instant or the same date."""
    if isinstance(one, datetime) != isinstance(other, datetime):
        return False
    if isinstance(one, datetime) and isinstance(other, datetime) and bool(one.tzinfo) != bool(other.tzinfo):
        return False
    return one == other


def before(one: Moment, other: Moment) -> bool:
    """Say whether one moment of an event comes before another of the same form."""
    if isinstance(one, datetime) and isinstance(other, datetime):
        return one < other
    day = one.date() if isinstance(one, datetime) else one
    return day < (other.date() if isinstance(other, datetime) else other)
