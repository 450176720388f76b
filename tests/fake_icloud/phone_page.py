"""The phone in a browser: what a user does in Apple's Calendar, as plain forms. For the demo on loopback only."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit
from zoneinfo import ZoneInfo

from tests.fake_icloud import phone_html
from tests.fake_icloud.phone_event import PhoneEvent
from tests.fake_icloud.wire import Request, Response

if TYPE_CHECKING:
    from tests.fake_icloud.account import Account
    from tests.fake_icloud.world import World

ROOT = "/phone/"
Fields = dict[str, str]


def answer(world: World, request: Request) -> Response:
    """Show the page of an account, or carry out an action and go back to it."""
    if request.method == "POST":
        if not _from_here(request):
            return Response(403)
        return _act(world, request)
    if request.method not in ("GET", "HEAD"):
        return Response(405, [("Allow", "GET, HEAD, POST")])
    query = dict(parse_qsl(urlsplit(request.target).query))
    with world.lock:
        account = world.accounts.get(query.get("account", "")) or next(iter(world.accounts.values()), None)
        page = phone_html.page(world, account, said=query.get("said", ""))
    headers = [("Content-Type", "text/html; charset=utf-8"), ("Cache-Control", "no-store")]
    return Response(200, headers, page.encode())


def _from_here(request: Request) -> bool:
    """Refuse forms of other sites: a page in the same browser could post to loopback."""
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


def _act(world: World, request: Request) -> Response:
    fields = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
    parts = [part for part in request.path.removeprefix(ROOT).split("/") if part]
    account = world.accounts.get(parts[0]) if len(parts) == 2 else None
    action = _ACTIONS.get(parts[1]) if account else None
    if account is None or action is None:
        return Response(404)
    try:
        with world.lock:
            said = action(account, fields)
    except (LookupError, ValueError, PermissionError) as error:
        said = f"Not possible: {error}"
    back = urlencode({"account": account.dsid, "said": said})
    return Response(303, [("Location", f"{ROOT}?{back}")])


def _event(account: Account, fields: Fields) -> PhoneEvent:
    event = PhoneEvent(account.phone, account.calendar(fields["calendar"]), fields["name"])
    event.obj  # noqa: B018 (raises when the event is gone)
    return event


# -- actions: each returns what to tell the user -----------------------------------------------------


def _create(account: Account, fields: Fields) -> str:
    zone = ZoneInfo(account.world.zone)
    day = date.fromisoformat(fields["date"])
    start: date | datetime = day
    end: date | datetime = day + timedelta(days=1)
    if "all_day" not in fields:
        start = datetime.fromisoformat(f"{fields['date']}T{fields['start']}").replace(tzinfo=zone)
        end = datetime.fromisoformat(f"{fields['date']}T{fields['end']}").replace(tzinfo=zone)
        if end <= start:
            end += timedelta(days=1)
    title = fields["title"].strip() or "New Event"
    rule = (
        f"FREQ=WEEKLY;BYDAY={['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'][day.weekday()]}" if "weekly" in fields else None
    )
    account.phone.create(
        fields["calendar"], title=title, start=start, end=end, free=fields.get("show") == "free", rrule=rule
    )
    return f"Created “{title}”"


def _shift(account: Account, fields: Fields) -> str:
    event = _event(account, fields)
    step = timedelta(hours=1) if fields.get("by") == "hour" else timedelta(days=1)
    if event.all_day and fields.get("by") == "hour":
        raise ValueError("an all-day event has no hour")
    event.edit(start=event.start + step)
    return f"Moved “{event.summary}”"


def _title(account: Account, fields: Fields) -> str:
    event = _event(account, fields)
    event.edit(title=fields["title"])
    return f"Renamed to “{fields['title']}”"


def _show(account: Account, fields: Fields) -> str:
    event = _event(account, fields)
    event.edit(free=fields.get("as") == "free")
    return f"“{event.summary}” is now shown as {'Free' if event.free else 'Busy'}"


def _delete(account: Account, fields: Fields) -> str:
    event = _event(account, fields)
    title = event.summary
    event.delete()
    return f"Deleted “{title}”"


def _delete_one(account: Account, fields: Fields) -> str:
    event = _event(account, fields)
    event.delete_occurrence(datetime.fromisoformat(fields["at"]))
    return f"Deleted one occurrence of “{event.summary}”"


def _move(account: Account, fields: Fields) -> str:
    event = _event(account, fields)
    goal = account.calendar(fields["to"])
    event.move(goal)
    return f"Moved “{event.summary}” to {goal.name}"


def _decline(account: Account, fields: Fields) -> str:
    event = _event(account, fields)
    event.decline()
    return f"Declined “{event.summary}”"


def _revoke(account: Account, _fields: Fields) -> str:
    account.revoke_all()
    return "Every app-specific password is revoked"


def _password(account: Account, _fields: Fields) -> str:
    account.new_password()
    return "A new app-specific password is ready"


def _outage(account: Account, fields: Fields) -> str:
    account.world.outage = fields.get("on") == "yes"
    account.world.changed()
    return "iCloud answers 503 now" if account.world.outage else "iCloud answers again"


_ACTIONS: dict[str, Callable[[Account, Fields], str]] = {
    "create": _create,
    "shift": _shift,
    "title": _title,
    "show": _show,
    "delete": _delete,
    "delete-one": _delete_one,
    "move": _move,
    "decline": _decline,
    "revoke": _revoke,
    "password": _password,
    "outage": _outage,
}
