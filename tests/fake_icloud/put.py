"""PUT of one event: the refusals of emulator section 6 in their order, then what Apple does with the body."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.fake_icloud import ics, render, state
from tests.fake_icloud.propfind import target_of
from tests.fake_icloud.render import CALDAV, DAV
from tests.fake_icloud.state import Calendar, Obj
from tests.fake_icloud.wire import Request, Response

if TYPE_CHECKING:
    from tests.fake_icloud.account import Account
    from tests.fake_icloud.world import World

_NAME = re.compile(r"[A-Za-z0-9._-]+\.ics")
_SCHEDULING = ("ORGANIZER", "ATTENDEE")


@dataclass
class Put:
    """One PUT being judged. `root` is None until the text is known to parse."""

    world: World
    account: Account
    request: Request
    calendar: Calendar
    name: str
    root: ics.Component | None = None

    @property
    def obj(self) -> Obj | None:
        return self.calendar.store.objects.get(self.name)

    @property
    def events(self) -> list[ics.Component]:
        return [] if self.root is None else self.root.named("VEVENT")

    @property
    def uid(self) -> str:
        found = [child.value("UID") for child in (self.root.children if self.root else [])]
        return next((uid for uid in found if uid), self.name)

    @property
    def if_match(self) -> str | None:
        return self.request.headers.get("if-match")

    @property
    def if_none_match(self) -> str | None:
        return self.request.headers.get("if-none-match")


def answer(world: World, account: Account, request: Request) -> Response:
    """Answer a PUT of a path under the account."""
    target = target_of(account, request.path)
    if target.kind != "object":
        return Response(403)
    if target.calendar is None:
        return Response(world.flags.unknown_calendar_status)  # row 1
    put = Put(world, account, request, target.calendar, target.name)
    _watch(put)
    for check in _CHECKS:
        refusal = check(put)
        if refusal is not None:
            return refusal
    return _store(put)


def _watch(put: Put) -> None:
    """Note what a polite client does not do, whatever the answer will be."""
    violate = put.world.violate
    if put.if_match == "*":
        violate(2, f"If-Match: * on {put.request.path}")
    if (put.if_match is None) == (put.if_none_match is None):
        violate(2, f"PUT {put.request.path} needs exactly one of If-Match and If-None-Match")
    allowed = put.account.writes_expected
    if allowed is not None and not {put.calendar.name, put.calendar.path_id} & allowed:
        violate(6, f"PUT outside the primary calendar: {put.request.path}")
    uid = ics.uid_of(put.request.body) or put.name
    if put.obj is None and (put.name in put.calendar.store.tombstones or uid in put.account.tombstones):
        violate(5, f"PUT re-uses a deleted name or UID: {put.request.path}")
    if put.if_none_match is not None:
        first = put.world.created_names.setdefault((put.account.dsid, uid), put.request.path)
        if first != put.request.path:
            violate(5, f"UID {uid} created under {first} and under {put.request.path}")
    before = put.obj.body.upper() if put.obj else b""
    for word in (b"ORGANIZER", b"ATTENDEE", b"METHOD"):
        pattern = re.compile(rb"^" + word + rb"[;:]", re.MULTILINE)
        if pattern.search(put.request.body.upper()) and not pattern.search(before):
            violate(4, f"{word.decode()} in our PUT {put.request.path}")


# -- the rows of the table, in order; each returns a refusal or None --------------------------------


def _right(put: Put) -> Response | None:  # row 2, fact 5.15
    if put.calendar.writable:
        return None
    condition = (DAV, "need-privileges") if put.world.flags.readonly_error_body else None
    return render.error(403, condition)


def _name(put: Put) -> Response | None:  # row 3, fact 5.2
    return None if _NAME.fullmatch(put.name) else Response(400)


def _preconditions(put: Put) -> Response | None:  # rows 4-7, facts 5.4-5.6
    obj = put.obj
    if put.if_match == "*":
        return None if obj is None else Response(412)
    if put.if_none_match is not None and put.if_none_match.strip() == "*" and obj is not None:
        return Response(412)
    if put.if_match is not None and (obj is None or put.if_match.strip() != obj.etag):
        return Response(412)
    unconditional = put.if_match is None and put.if_none_match is None
    if put.world.flags.touched_412 and unconditional and obj is not None and obj.touched:
        return Response(412)
    return None


def _tombstone(put: Put) -> Response | None:  # row 8, fact 5.7
    if not put.world.flags.tombstones or put.obj is not None:
        return None
    uid = ics.uid_of(put.request.body)
    dead = put.name in put.calendar.store.tombstones or uid in put.account.tombstones
    return Response(412) if dead else None


def _content_type(put: Put) -> Response | None:  # row 9, fact 5.1
    kind = put.request.headers.get("content-type", "").split(";")[0].strip().lower()
    return None if kind == "text/calendar" else render.error(403, (CALDAV, "supported-calendar-data"))


def _text(put: Put) -> Response | None:  # row 10
    try:
        put.root = ics.parse(put.request.body)
        for event in put.events:
            ics.span(event)
    except ValueError:
        return render.error(403, (CALDAV, "valid-calendar-data"))
    uids = {child.value("UID") for child in put.root.children if child.name != "VTIMEZONE"}
    if len(uids) != 1 or None in uids:
        return render.error(403, (CALDAV, "valid-calendar-object-resource"))
    if put.world.flags.refuse_method and put.root.get("METHOD") is not None:  # fact 5.17
        return render.error(403, (CALDAV, "valid-calendar-object-resource"))
    return None


def _component(put: Put) -> Response | None:  # row 11, fact 3.8
    wanted = "VTODO" if put.calendar.kind == "tasks" else "VEVENT"
    kinds = {child.name for child in put.root.children} - {"VTIMEZONE"} if put.root else set()
    return None if kinds == {wanted} else render.error(403, (CALDAV, "supported-calendar-component"))


def _end(put: Put) -> Response | None:  # row 12, fact 5.3
    for event in put.events:
        if event.get("DTEND") is None and event.get("DURATION") is None:
            return Response(put.world.flags.no_dtend_status)
    return None


def _zones(put: Put) -> Response | None:  # row 13, fact 5.16
    if not put.world.flags.vtimezone_required or put.root is None:
        return None
    known = {zone.value("TZID") for zone in put.root.named("VTIMEZONE")}
    used = {line.param("TZID") for event in put.events for line in event.lines} - {None}
    return Response(400) if used - known else None


def _values(put: Put) -> Response | None:  # row 14, fact 5.16
    if not put.world.flags.strict_values:
        return None
    for event in put.events:
        status = event.value("STATUS") or ""
        stamps = [event.value(name) for name in ("DTSTAMP", "CREATED", "LAST-MODIFIED")]
        if status != status.upper() or any(stamp and not stamp.endswith("Z") for stamp in stamps):
            return Response(403)
    return None


def _uid(put: Put) -> Response | None:  # rows 15 and 16, fact 5.11
    for calendar in put.account.calendars:
        if calendar.store is not put.calendar.store and put.uid in calendar.store.names:
            return Response(put.world.flags.uid_elsewhere_status)
    other = put.calendar.store.names.get(put.uid)
    if other is None or other == put.name:
        return None
    place = put.calendar.href(other)
    if put.world.flags.uid_conflict_status == 412:
        return Response(412)
    refusal = render.error(403, (CALDAV, "no-uid-conflict"), render.href(place))
    refusal.headers.append(("Location", place))
    return refusal


def _size(put: Put) -> Response | None:  # row 17, fact 3.9
    if len(put.request.body) <= put.world.flags.max_size:
        return None
    if put.world.flags.max_size_status == 413:
        return Response(413)
    return render.error(403, (CALDAV, "max-resource-size"))


_CHECKS: tuple[Callable[[Put], Response | None], ...] = (
    _right,
    _name,
    _preconditions,
    _tombstone,
    _content_type,
    _text,
    _component,
    _end,
    _zones,
    _values,
    _uid,
    _size,
)


# -- row 18: store ---------------------------------------------------------------------------------


def _store(put: Put) -> Response:
    world, flags, now = put.world, put.world.flags, put.world.clock.now()
    body, etag_told = put.request.body, True
    if _invite(put):
        body, etag_told = ics.serialise(_apple_scheduling(put)), False
    world.puts += 1
    etag_told = etag_told and (flags.put_etag == "always" or (flags.put_etag == "alternate" and world.puts % 2 == 0))
    rewritten = flags.rewrite_body and (not etag_told or flags.put_etag == "always")
    if rewritten:
        body, etag_told = _rewritten(world, put.root), False
    created = put.obj is None
    before = None if created else put.calendar.body(put.name)
    obj = put.calendar.store.write(put.name, body, put.uid)
    obj.touched = False
    if put.calendar.access != "owner":
        keep_personal(put.calendar, obj, before)
    if created:
        _lag(world, put.calendar, obj)
    elif flags.stale_reads:  # fact 4.9
        obj.stale_until = now + flags.stale_reads
        put.calendar.store.later(obj.stale_until, obj.name, new_etag=False)
    if rewritten:
        put.calendar.store.later(now + 1, obj.name, new_etag=True)  # Apple's housekeeping, fact 4.8
    world.ours[put.calendar.path + put.name] = put.request.body
    headers = [("ETag", obj.etag)] if etag_told else []
    return Response(201 if created else 204, headers)


def _lag(world: World, calendar: Calendar, obj: Obj) -> None:
    now, flags = world.clock.now(), world.flags
    if flags.listing_lag:  # fact 4.9
        obj.listing_from = now + flags.listing_lag
        calendar.store.later(obj.listing_from, obj.name, new_etag=False)
    if flags.multiget_lag:
        obj.multiget_from = now + flags.multiget_lag


def keep_personal(calendar: Calendar, obj: Obj, before: bytes | None) -> None:
    """A sharee's TRANSP and alarms are the sharee's own; the owner keeps what was there (fact 7.4)."""
    obj.overlays[calendar.account.dsid] = state.overlay_of(obj.body)
    if before is not None and obj.previous is not None:
        obj.body = state.overlaid(obj.body, state.overlay_of(obj.previous[0]))


def _invite(put: Put) -> bool:
    """Do what scheduling does on a PUT; return whether the body holds scheduling properties (facts 6.1-6.3)."""
    involved = False
    for event in put.events:
        people = event.all("ATTENDEE")
        involved = involved or bool(people)
        if event.get("ORGANIZER") is None:
            continue
        for line in people:
            agent = (line.param("SCHEDULE-AGENT") or "SERVER").upper()
            address = line.value.lower().removeprefix("mailto:")
            silent = put.world.flags.honour_schedule_agent and agent in ("CLIENT", "NONE")
            if not silent and address != put.account.apple_id.lower():
                put.world.send_mail("REQUEST", put.uid, address)
    return involved


def _apple_scheduling(put: Put) -> ics.Component:
    """Return the body as Apple keeps it: attendees without organizer are dropped, else X- lines are added."""
    root = put.root or ics.Component("VCALENDAR")
    for event in put.events:
        if event.get("ORGANIZER") is None:
            event.drop("ATTENDEE")
        elif event.get("X-APPLE-HOSTED-STATUS") is None:
            event.add("X-APPLE-HOSTED-STATUS", "NONE")
            event.add("X-APPLE-NEEDS-REPLY", "FALSE")
    return root


def _rewritten(world: World, root: ics.Component | None) -> bytes:
    """Return the same event in another order, with a new stamp (fact 5.10)."""
    root = root or ics.Component("VCALENDAR")
    for event in root.named("VEVENT"):
        event.lines.sort(key=lambda line: line.name)
        event.set("DTSTAMP", ics.utc(world.clock.moment()))
        event.set("LAST-MODIFIED", ics.utc(world.clock.moment()))
    return ics.serialise(root)


def has_people(body: bytes) -> bool:
    """Say whether deleting this text sends cancellations (fact 6.1)."""
    try:
        events = ics.parse(body).named("VEVENT")
    except ics.BadIcs:
        return False
    return any(event.get(name) is not None for event in events for name in _SCHEDULING)
