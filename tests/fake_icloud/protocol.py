"""What happens to a request: the order of checks of emulator section 4, then the method."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.fake_icloud import faults, ics, politeness, propfind, put, render, reports, served
from tests.fake_icloud.render import DAV
from tests.fake_icloud.state import Calendar
from tests.fake_icloud.wire import Record, Request, Response

if TYPE_CHECKING:
    from tests.fake_icloud.account import Account
    from tests.fake_icloud.world import World

_CHALLENGES = ('X-MobileMe-AuthToken realm="MMCalDav"', 'Basic realm="MMCalDav"')
_ALLOW = "OPTIONS, PROPFIND, PROPPATCH, REPORT, GET, HEAD, PUT, DELETE, MOVE, MKCALENDAR, POST"
_CLASSES = (
    "1, access-control, calendar-access, calendar-schedule, calendar-auto-schedule, calendarserver-sharing, "
    "extended-mkcol"
)


def unauthorized(world: World) -> Response:
    """A 401 with two challenges and nothing else (facts 2.4, 2.5)."""
    order = reversed(_CHALLENGES) if world.flags.basic_first else _CHALLENGES
    headers = [("WWW-Authenticate", challenge) for challenge in order]
    headers += [
        ("X-Responding-Instance", "caldavj:fake"),
        ("X-Apple-Request-UUID", str(uuid.uuid4())),
        ("x-apple-user-partition", "1"),
    ]
    return Response(401, headers)


def respond(world: World, request: Request, record: Record) -> Response:
    """Return the answer to a request and complete its record. Call it with the world's lock held."""
    if request.role == "evil":
        politeness.watch_evil(world, request)
        return unauthorized(world)  # asks for the password, as a thief would
    account = world.by_apple_id(request.username) if request.username else None
    record.username = request.username
    record.dsid = account.dsid if account else None
    record.report = request.report = reports.name_of(request)
    politeness.watch_request(world, request)
    if world.outage:
        return Response(503)
    if world.flags.throttle is not None:
        refusal = faults.throttled(world, request, world.throttled, *world.flags.throttle)
        if refusal is not None:
            return refusal
    rule = world.faults.match(request)
    if rule is None:
        return _answer(world, account, request)
    record.fault = rule.action.name
    if rule.action.tweak is not None:
        rule.action.tweak(request)
    applied = _answer(world, account, request) if rule.after_apply else None
    replaced = rule.action.instead(world, request) if rule.action.instead else None
    if replaced is not None:
        return replaced
    response = applied or _answer(world, account, request)
    return rule.action.change(world, request, response) if rule.action.change else response


def _answer(world: World, account: Account | None, request: Request) -> Response:
    now = world.clock.now()
    if not request.headers.get("user-agent"):
        return Response(403)  # fact 1.9
    if "//" in request.path or (request.method in ("PROPFIND", "REPORT") and not _sound_xml(request.body)):
        return Response(400)  # fact 1.9
    if request.path == "/.well-known/caldav":
        return Response(501) if world.flags.well_known == "501" else Response(301, [("Location", "/")])  # fact 1.1
    redirected = _redirect(world, account, request)
    if redirected is not None and request.role == "discovery":
        return redirected
    if account is None or request.password not in account.passwords:
        politeness.watch_refusal(world, request)
        return unauthorized(world)
    politeness.watch_success(world, request)
    if account.locked:
        return Response(403)
    first = request.path.split("/")[1]
    if first and first != account.dsid:
        return Response(403)  # fact 2.6
    if request.role in ("p1", "p2") and request.role != account.partition and redirected is not None:
        return redirected
    method = _METHODS.get(request.method)
    if method is None:
        return Response(405, [("Allow", _ALLOW)])
    for calendar in account.calendars:
        calendar.store.settle(now)
    return method(world, account, request)


def _sound_xml(body: bytes) -> bool:
    return not body or (body.startswith(b"<") and render.parse(body) is not None)


def _redirect(world: World, account: Account | None, request: Request) -> Response | None:
    """Return where the request should have gone: from discovery (fact 1.7) or from a wrong partition (fact 1.6)."""
    partition = account.partition if account else "p1"
    place = [("Location", world.base_url(partition) + request.target)]
    if request.role == "discovery":
        code = world.flags.redirect_discovery
        return None if code == "off" else Response(int(code), place)
    flag = world.flags.wrong_partition
    if flag == "ok":
        return None
    if flag == "refuse":
        return Response(0, silence="close")
    return Response(421) if flag == "421" else Response(301, place)


# -- methods ---------------------------------------------------------------------------------------


def _options(_world: World, _account: Account, _request: Request) -> Response:
    return Response(200, [("DAV", _CLASSES), ("Allow", _ALLOW)])


def _get(world: World, account: Account, request: Request) -> Response:
    target = propfind.target_of(account, request.path)
    if target.kind in ("root", "principal", "home", "calendar"):
        return Response(405, [("Allow", _ALLOW)])
    obj = target.calendar.store.objects.get(target.name) if target.calendar else None
    if obj is None or target.calendar is None:
        return Response(404)
    body, etag = obj.seen(world.clock.now())
    headers = [("ETag", etag), ("Content-Type", "text/calendar; charset=utf-8")]  # no Schedule-Tag, fact 5.19
    return Response(200, headers, served.text(world, target.calendar, obj, body))


def _delete(world: World, account: Account, request: Request) -> Response:
    if "depth" in request.headers:
        world.violate(2, f"Depth on DELETE {request.path}")
        return Response(400)  # fact 5.14
    target = propfind.target_of(account, request.path)
    if target.kind == "calendar" and target.calendar is not None:
        world.destructive_log.append(f"DELETE {request.path}")
        account.delete_calendar(target.calendar)
        return Response(204)
    obj = target.calendar.store.objects.get(target.name) if target.calendar else None
    if obj is None or target.calendar is None:
        return Response(404)
    calendar = target.calendar
    allowed = account.writes_expected
    if allowed is not None and not {calendar.name, calendar.path_id} & allowed:
        world.violate(6, f"DELETE outside the primary calendar: {request.path}")
    if not calendar.writable:
        return render.error(403, (DAV, "need-privileges"))
    given = request.headers.get("if-match")
    if given is not None and given.strip() != obj.etag:
        return Response(412)  # fact 5.14
    send_cancellations(world, account, obj.uid, obj.body)
    calendar.store.remove(obj.name)
    return Response(204)


def send_cancellations(world: World, account: Account, uid: str, body: bytes) -> None:
    if not put.has_people(body):
        return
    for event in ics.parse(body).named("VEVENT")[:1]:
        organizer = (event.value("ORGANIZER") or "").lower().removeprefix("mailto:")
        if organizer == account.apple_id.lower():
            for line in event.all("ATTENDEE"):
                world.send_mail("CANCEL", uid, line.value.lower().removeprefix("mailto:"))


def _move(world: World, account: Account, request: Request) -> Response:
    source = propfind.target_of(account, request.path)
    goal = propfind.target_of(account, Request("MOVE", request.headers.get("destination", ""), {}, b"", "p1").path)
    if source.kind == "calendar":
        world.destructive_log.append(f"MOVE {request.path}")
        return Response(403)
    if source.calendar is None or source.name not in source.calendar.store.objects:
        return Response(404)
    if goal.kind != "object" or goal.calendar is None:
        return Response(409)
    if world.flags.move != 201:  # fact 5.13
        return Response(world.flags.move)
    if not (source.calendar.writable and goal.calendar.writable):
        return render.error(403, (DAV, "need-privileges"))
    move(source.calendar, source.name, goal.calendar, goal.name)
    return Response(201)


def move(source: Calendar, name: str, goal: Calendar, new_name: str) -> None:
    """Move an event: a 404 in the source's log and a new entry in the target's, same UID (fact 5.12)."""
    obj = source.store.remove(name, bury_uid=False)
    goal.store.tombstones.discard(new_name)
    goal.store.write(new_name, obj.body, obj.uid).touched = obj.touched


def _mkcalendar(world: World, account: Account, request: Request) -> Response:
    world.destructive_log.append(f"MKCALENDAR {request.path}")
    parts = [part for part in request.path.split("/") if part]
    if len(parts) != 3 or account.by_path_id(parts[2]) is not None:
        return Response(405)
    account.add_calendar(parts[2], path_id=parts[2])
    return Response(201)


def _proppatch(world: World, account: Account, request: Request) -> Response:
    world.destructive_log.append(f"PROPPATCH {request.path}")
    target = propfind.target_of(account, request.path)
    root = render.parse(request.body)
    if target.calendar is None or target.kind != "calendar" or root is None:
        return Response(404)
    name = root.findtext(f".//{{{DAV}}}displayname")
    if name is not None:
        account.rename_calendar(target.calendar, name)
    done = [render.element(render.name_of(node[0])) for node in root.iter(f"{{{DAV}}}prop") if len(node)]
    return render.multistatus([render.member(request.path, done)], odd_type=world.flags.odd_content_type)


def _post(world: World, _account: Account, request: Request) -> Response:
    world.destructive_log.append(f"POST {request.path}")
    return Response(405, [("Allow", _ALLOW)])


_METHODS: dict[str, Callable[[World, Account, Request], Response]] = {
    "OPTIONS": _options,
    "PROPFIND": propfind.answer,
    "REPORT": reports.answer,
    "GET": _get,
    "HEAD": _get,
    "PUT": put.answer,
    "DELETE": _delete,
    "MOVE": _move,
    "MKCALENDAR": _mkcalendar,
    "PROPPATCH": _proppatch,
    "POST": _post,
}
