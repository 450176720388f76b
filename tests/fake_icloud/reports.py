"""REPORT: sync-collection and calendar-multiget (section 4 of icloud-protocol)."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from lxml import etree

from tests.fake_icloud import propfind, query, render, served
from tests.fake_icloud.render import CALDAV, DAV, Name
from tests.fake_icloud.state import Calendar, Obj
from tests.fake_icloud.wire import Request, Response

if TYPE_CHECKING:
    from tests.fake_icloud.account import Account
    from tests.fake_icloud.world import World

_DATA: Name = (CALDAV, "calendar-data")
_ETAG: Name = (DAV, "getetag")


def name_of(request: Request) -> str | None:
    """Return the local name of a REPORT's root element, or None."""
    root = render.parse(request.body) if request.method == "REPORT" and request.body else None
    return None if root is None else render.name_of(root)[1]


def answer(world: World, account: Account, request: Request) -> Response:
    """Answer a REPORT of a path under the account."""
    root = render.parse(request.body)
    if root is None:
        return Response(400)
    target = propfind.target_of(account, request.path)
    report = render.name_of(root)[1]
    if report == "principal-property-search":
        return Response(500)  # fact 4.18
    if report == "free-busy-query":
        return Response(400)  # fact 4.18
    calendar = target.calendar
    if calendar is None or target.kind != "calendar":
        return Response(404) if target.kind == "unknown" else render.error(403, (DAV, "supported-report"))
    if report == "sync-collection":
        return sync_collection(world, request, calendar, root)
    if calendar.kind in ("inbox", "outbox", "notification"):
        return render.error(403, (DAV, "supported-report"))
    if report == "calendar-multiget":
        return multiget(world, account, request, calendar, root)
    if report == "calendar-query":
        return query.calendar_query(world, calendar, root)
    return render.error(403, (DAV, "supported-report"))


# -- sync-collection -------------------------------------------------------------------------------


def sync_collection(world: World, request: Request, calendar: Calendar, root: etree._Element) -> Response:
    """RFC 6578 as iCloud does it: the collection among its members, DAV:limit ignored (facts 4.2-4.6)."""
    if root.find(f"{{{DAV}}}sync-level") is None:
        return Response(400)  # fact 4.2
    if calendar.kind in ("inbox", "outbox", "notification"):
        return render.error(403, (DAV, "supported-report"))
    flags, now = world.flags, world.clock.now()
    names = render.requested(root) or [_ETAG]
    given = (root.findtext(f"{{{DAV}}}sync-token") or "").strip()
    if calendar.kind == "subscribed":  # fact 3.3
        return render.multistatus([], token=calendar.issue(now), odd_type=flags.odd_content_type)
    base = calendar.revision(given, now=now, ttl=flags.token_ttl) if given else None
    if given and base is None and flags.token_error != "relist":
        return _lost(world)
    if base is None:
        changes = sorted((obj.rev, obj.name) for obj in propfind.listed(calendar, now))
    else:
        changes = calendar.store.since(base)
    members, last, more = _page(world, calendar, changes, names, first=base is None)
    if members or base is None:
        members.insert(0, _self_entry(calendar, names))  # fact 4.3
    members += [
        propfind.object_member(f"{calendar.path}dummy-{n}.ics", f'"dummy{n}"', names) for n in range(request.big_reply)
    ]
    status = 207
    if more:
        limit = "<number-of-matches-within-limits/>"
        members.append(render.status_member(render.quoted(request.path), 507, limit))  # RFC 6578 section 3.6
        status = 507 if flags.truncate_mode == "http507" else 207
        if flags.truncate_mode == "stuck":
            last = base or 0
    token = calendar.issue(now, last if more else None)
    return render.multistatus(members, token=token, odd_type=flags.odd_content_type, status=status)


def _lost(world: World) -> Response:
    """The token is unknown: five ways were reported (fact 4.6); `relist` is not an error and handled before."""
    kind = world.flags.token_error
    if kind == "rfc":
        return render.error(403, (DAV, "valid-sync-token"))
    return Response({"bare403": 403, "410": 410, "412": 412}[kind])


def _self_entry(calendar: Calendar, names: list[Name]) -> str:
    return propfind.object_member(calendar.path, f'"{calendar.token}"', names)


def _page(
    world: World, calendar: Calendar, changes: list[tuple[int, str]], names: list[Name], *, first: bool
) -> tuple[list[str], int, bool]:
    """Return members of one page, the revision it reaches, and whether more follow (fact 4.5)."""
    flags, now = world.flags, world.clock.now()
    limit = flags.truncate_at
    more = limit is not None and len(changes) > limit
    members: list[str] = []
    last = 0
    for rev, name in changes[:limit] if more else changes:
        last = rev
        obj = calendar.store.objects.get(name)
        path = calendar.href(name)
        if obj is None:
            members.append(render.status_member(path, 404))
        elif obj.listing_from <= now:
            if flags.duplicate_hrefs and not first:  # fact 4.10: the last one counts
                old = obj.previous[1] if obj.previous else '"0"'
                members.append(propfind.object_member(path, old, names))
            members.append(propfind.object_member(path, obj.seen(now)[1], names))
    return members, last, more


# -- calendar-multiget -----------------------------------------------------------------------------


def multiget(world: World, account: Account, request: Request, calendar: Calendar, root: etree._Element) -> Response:
    """Bodies by href; a missing one is a 404 of its own (fact 4.19)."""
    flags = world.flags
    hrefs = [(node.text or "").strip() for node in root.findall(f"{{{DAV}}}href")]
    if flags.multiget_max is not None and len(hrefs) > flags.multiget_max:
        return Response(507)
    members: list[str] = []
    spoiled = False
    for href in hrefs:
        obj = _object_at(account, calendar, href)
        if _is_self(calendar, href):
            members.append(render.member(href, [render.element(_ETAG, f'"{calendar.token}"')], [_DATA]))
        elif obj is None:
            members.append(render.status_member(href, 404))
        elif obj.multiget_from > world.clock.now():  # fact 4.9
            if not flags.multiget_omit:
                members.append(render.status_member(href, 404))
        elif flags.multiget_member_status and not spoiled:  # fact 9.10
            spoiled = True
            members.append(render.status_member(href, flags.multiget_member_status))
        else:
            members.append(_data_member(world, calendar, obj, href, request, root))
    return render.multistatus(members, odd_type=flags.odd_content_type)


def _path_of(href: str) -> str:
    return unquote("/" + href.split("://", 1)[1].partition("/")[2] if "://" in href else href)


def _is_self(calendar: Calendar, href: str) -> bool:
    return _path_of(href).rstrip("/") == calendar.path.rstrip("/")


def _object_at(account: Account, calendar: Calendar, href: str) -> Obj | None:
    path = _path_of(href)
    folder, _, name = path.rpartition("/")
    same = folder + "/" == calendar.path
    if not same and calendar.access != "owner":  # the owner's href of a shared calendar names the same event
        owner = calendar.store.owner
        same = any(folder + "/" == one.path for one in owner.calendars if one.store is calendar.store)
    return calendar.store.objects.get(name) if same else None


def _data_member(world: World, calendar: Calendar, obj: Obj, href: str, request: Request, root: etree._Element) -> str:
    now = world.clock.now()
    body, etag = obj.seen(now)
    if query.is_partial(root):
        text = query.EMPTY_EVENT  # fact 4.17
    else:
        text = served.text(world, calendar, obj, body).decode("utf-8", "replace")
    if request.bad_member is not None:
        text, request.bad_member = request.bad_member.decode("utf-8", "replace"), None
    if world.flags.multiget_other_href and calendar.access != "owner":  # fact 3.5
        mine = next(one for one in calendar.store.owner.calendars if one.store is calendar.store)
        href = mine.href(obj.name)
    wanted = render.requested(root)
    found = [render.element(_ETAG, etag)]
    if _DATA in wanted or not wanted:
        found.append(render.element(_DATA, render.cdata(text)))
    missing = [name for name in wanted if name not in (_ETAG, _DATA)]
    return render.member(href, found, missing)
