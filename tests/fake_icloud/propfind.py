"""PROPFIND: discovery, the list of calendars, and listings of events (sections 3 and 4 of icloud-protocol)."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tests.fake_icloud import render
from tests.fake_icloud.render import APPLE, CALDAV, CS, DAV, Name, element
from tests.fake_icloud.state import Calendar, Obj
from tests.fake_icloud.wire import Request, Response

if TYPE_CHECKING:
    from tests.fake_icloud.account import Account
    from tests.fake_icloud.world import World

_RW = (
    (DAV, "read"),
    (CALDAV, "read-free-busy"),
    (DAV, "read-current-user-privilege-set"),
    (DAV, "write"),
    (DAV, "write-properties"),
    (DAV, "write-content"),
    (DAV, "bind"),
    (DAV, "unbind"),
)  # the recorded writable set, fact 3.6
_READ_ONLY = (
    (DAV, "read"),
    (CALDAV, "read-free-busy"),
    (DAV, "read-current-user-privilege-set"),
    (DAV, "write-properties"),  # sharees may rename, which is no writer's access, fact 3.6
)


@dataclass(frozen=True)
class Target:
    """What a path names."""

    kind: Literal["root", "principal", "home", "calendar", "object", "unknown"]
    calendar: Calendar | None = None
    name: str = ""


def target_of(account: Account, path: str) -> Target:
    """Return what a decoded path under this account names."""
    parts = [part for part in path.split("/") if part]
    if not parts:
        return Target("root")
    if parts[1:] == ["principal"]:
        return Target("principal")
    if parts[1:2] != ["calendars"] or len(parts) > 4:
        return Target("unknown")
    if len(parts) == 2:
        return Target("home")
    calendar = account.by_path_id(parts[2])
    if len(parts) == 3:
        return Target("calendar", calendar) if calendar else Target("unknown")
    return Target("object", calendar, parts[3])


@dataclass
class Row:
    """One resource that has properties; `calendar` is None for the home itself."""

    world: World
    account: Account
    calendar: Calendar | None

    @property
    def kind(self) -> str:
        if self.calendar is None:
            return "home"
        return "shared" if self.calendar.access != "owner" else self.calendar.kind


def answer(world: World, account: Account, request: Request) -> Response:
    """Answer a PROPFIND of a path under the account."""
    target = target_of(account, request.path)
    depth = request.headers.get("depth", "infinity")
    root = render.parse(request.body) if request.body else None
    names = [] if root is None else render.requested(root)
    odd = world.flags.odd_content_type
    if depth not in ("0", "1"):
        return render.error(403, (DAV, "propfind-finite-depth"))
    if target.kind in ("root", "principal"):
        if target.kind == "principal" and depth == "1":
            return Response(400)  # fact 1.4
        values = _principal(world, account)
        path = "/" if target.kind == "root" else account.principal_path
        return render.multistatus([_picked(path, values, names)], odd_type=odd)
    if target.kind == "home":
        return render.multistatus(_home(world, account, names, depth), odd_type=odd)
    if target.kind == "calendar" and target.calendar is not None:
        return render.multistatus(_calendar(world, account, request, target.calendar, names, depth), odd_type=odd)
    if target.kind == "object" and target.calendar is not None:
        obj = target.calendar.store.objects.get(target.name)
        if obj is not None:
            etag = obj.seen(world.clock.now())[1]
            return render.multistatus([object_member(target.calendar.href(obj.name), etag, names)], odd_type=odd)
    return Response(404)


def _picked(path: str, values: dict[Name, str], names: list[Name]) -> str:
    """Pick the named properties. Without names (allprop, propname, no body) resourcetype is missing (fact 3.1)."""
    if not names:
        return render.member(path, (value for name, value in values.items() if name != (DAV, "resourcetype")))
    return render.member(
        path, (values[name] for name in names if name in values), (name for name in names if name not in values)
    )


def _principal(world: World, account: Account) -> dict[Name, str]:
    base = "" if world.flags.home_href_path_only else account.base_url  # an explicit port, fact 1.3
    addresses = [f"mailto:{account.apple_id}", *(f"mailto:{alias}" for alias in account.aliases)]
    addresses += [f"urn:uuid:{account.dsid}", account.principal_path]
    return {
        (DAV, "resourcetype"): element((DAV, "resourcetype"), "<collection/><principal/>"),
        (DAV, "current-user-principal"): element((DAV, "current-user-principal"), render.href(account.principal_path)),
        (DAV, "principal-URL"): element((DAV, "principal-URL"), render.href(account.principal_path)),
        (DAV, "displayname"): element((DAV, "displayname"), render.escaped(account.name)),
        (CALDAV, "calendar-home-set"): element((CALDAV, "calendar-home-set"), render.href(base + account.home_path)),
        (CALDAV, "calendar-user-address-set"): element(
            (CALDAV, "calendar-user-address-set"), "".join(render.href(one) for one in addresses)
        ),
    }


def _home(world: World, account: Account, names: list[Name], depth: str) -> Iterator[str]:
    base = world.base_url("discovery") if world.flags.hrefs_on_discovery_host else ""  # fact 1.5
    rows = [Row(world, account, None)]
    if depth == "1":
        rows += [Row(world, account, calendar) for calendar in account.calendars]
    for row in rows:
        path = account.home_path if row.calendar is None else row.calendar.path
        yield _row_member(row, base + path, names)


def _row_member(row: Row, path: str, names: list[Name]) -> str:
    wanted = names or [name for name in _PROPERTIES if name != (DAV, "resourcetype")]
    found, missing = [], []
    for name in wanted:
        source = _PROPERTIES.get(name)
        value = source(row) if source else None
        if value is None:
            missing.append(name)
        else:
            found.append(element(name, value))
    return render.member(path, found, missing if names else ())


def _calendar(
    world: World, account: Account, request: Request, calendar: Calendar, names: list[Name], depth: str
) -> Iterator[str]:
    now = world.clock.now()
    yield _row_member(Row(world, account, calendar), calendar.path, names)
    if depth == "1" and calendar.kind == "event":
        for obj in listed(calendar, now):
            yield object_member(calendar.href(obj.name), obj.seen(now)[1], names)
        for number in range(request.big_reply):
            yield object_member(f"{calendar.path}dummy-{number}.ics", f'"dummy{number}"', names)


def listed(calendar: Calendar, now: float) -> list[Obj]:
    """Return the objects a full listing shows; uses up the absences asked for (fact 4.9)."""
    shown = []
    for obj in calendar.store.objects.values():
        if obj.absences:
            obj.absences -= 1
        elif obj.listing_from <= now:
            shown.append(obj)
    return shown


def object_member(path: str, etag: str, names: list[Name]) -> str:
    """Return the response of one event for a PROPFIND or a sync-collection."""
    if names == [(DAV, "getetag")]:
        return (
            f"  <response xmlns='DAV:'>\n    {render.href(path)}\n    <propstat><prop>\n"
            f"<getetag xmlns='DAV:'>{etag}</getetag>\n    </prop><status>HTTP/1.1 200 OK</status></propstat>\n"
            "  </response>\n"
        )
    values = {
        (DAV, "getetag"): element((DAV, "getetag"), etag),
        (DAV, "getcontenttype"): element((DAV, "getcontenttype"), "text/calendar; charset=utf-8"),
        (DAV, "resourcetype"): element((DAV, "resourcetype")),
    }
    return _picked(path, values, names)


# -- properties of collections: a function per property, None when the row has not got it ----------


def _resourcetype(row: Row) -> str:
    caldav = {
        "event": "calendar",
        "tasks": "calendar",
        "shared": "calendar",
        "inbox": "schedule-inbox",
        "outbox": "schedule-outbox",
    }.get(row.kind)
    inner = "<collection/>" + (element((CALDAV, caldav)) if caldav else "")
    if row.kind == "notification":
        inner += element((CS, "notification"))
    if row.kind == "subscribed":
        inner += element((CS, "subscribed"))  # and no C:calendar, fact 3.3
    if row.kind == "shared" and row.world.flags.shared_type:
        inner += element((CS, "shared"))
    if row.calendar is not None and row.calendar.shared_out and row.kind == "event":
        inner += element((CS, "shared-owner"))
    return inner


def _displayname(row: Row) -> str | None:
    name = row.account.name if row.calendar is None else row.calendar.name
    return None if name is None else render.escaped(name)


def _owner(row: Row) -> str:
    owner = row.account if row.calendar is None else row.calendar.store.owner
    return render.href(owner.principal_path)


def _components(row: Row) -> str | None:
    names = {
        "home": ("VEVENT", "VTODO", "VFREEBUSY"),
        "tasks": ("VTODO",),
        "notification": (),
        "outbox": (),
    }.get(row.kind, ("VEVENT",))
    return "".join(f"<comp name='{name}'/>" for name in names) or None


def _privileges(row: Row) -> str:
    if row.kind == "notification":
        names: tuple[Name, ...] = ((DAV, "read"), (DAV, "read-current-user-privilege-set"), (DAV, "unbind"))
    elif row.kind == "outbox":
        names = ((CALDAV, "schedule-send"),)
    elif row.kind == "subscribed":
        names = ((DAV, "read"), (DAV, "write-properties"), (DAV, "unbind"))
    elif row.calendar is not None and row.calendar.access == "shared-ro":
        names = _READ_ONLY
    elif row.kind == "inbox":
        names = (*_RW, (CALDAV, "schedule-deliver"))
    else:
        names = _RW
    return "".join(f"<privilege>{element(name)}</privilege>" for name in names)


def _token(row: Row) -> str | None:
    if row.calendar is None:
        total = sum(calendar.store.rev for calendar in row.account.calendars)
        return base64.b64encode(b"\x1f\x0a\x10\x12\x0c" + f"{row.account.dsid}/{total}".encode()).decode()
    return None if row.kind == "outbox" else row.calendar.issue(row.world.clock.now())


def _etag(row: Row) -> str | None:
    return None if row.calendar is None else f'"{row.calendar.token}"'


def _sync_token(row: Row) -> str | None:
    return _token(row) if row.kind in ("event", "tasks", "shared", "subscribed") else None


def _source(row: Row) -> str | None:
    url = row.calendar.source_url if row.calendar else None
    return None if url is None else render.href(url)


def _color(row: Row) -> str | None:
    return row.calendar.color if row.calendar and row.kind in ("event", "tasks", "shared", "subscribed") else None


def _order(row: Row) -> str | None:
    return str(row.calendar.order) if row.calendar and _color(row) else None


def _reports(row: Row) -> str | None:
    if row.calendar is None:
        return None
    names = ((DAV, "sync-collection"), (CALDAV, "calendar-query"), (CALDAV, "calendar-multiget"))
    return "".join(f"<supported-report><report>{element(name)}</report></supported-report>" for name in names)


def _principal_href(row: Row) -> str:
    return render.href(row.account.principal_path)


_PROPERTIES: dict[Name, Callable[[Row], str | None]] = {
    (DAV, "resourcetype"): _resourcetype,
    (DAV, "getetag"): _etag,
    (DAV, "displayname"): _displayname,
    (DAV, "owner"): _owner,
    (DAV, "current-user-principal"): _principal_href,
    (DAV, "current-user-privilege-set"): _privileges,
    (DAV, "sync-token"): _sync_token,
    (DAV, "supported-report-set"): _reports,
    (CALDAV, "supported-calendar-component-set"): _components,
    (CS, "getctag"): _token,
    (CS, "source"): _source,
    (APPLE, "calendar-color"): _color,
    (APPLE, "calendar-order"): _order,
}
