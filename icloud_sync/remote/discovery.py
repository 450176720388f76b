"""Who am I, and which calendars do I have."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from lxml import etree

from ..errors import BadAnswer, CollectionMissing
from . import bodies
from .bodies import CALDAV, CALENDARSERVER
from .connection import Answer
from .hosts import Location
from .link import Link
from .multistatus import Row, hrefs_of, text_of
from .paths import last_segment
from .statuses import GONE
from .values import Account, RemoteCalendar

_CALENDAR = CALDAV + "calendar"
_SUBSCRIBED = CALENDARSERVER + "subscribed"
_SHARED = CALENDARSERVER + "shared"
_NEVER_LISTED = frozenset(
    {CALDAV + "schedule-inbox", CALDAV + "schedule-outbox", CALENDARSERVER + "notification", CALENDARSERVER + "dropbox"}
)
_WRITER = frozenset({bodies.DAV + "write", bodies.DAV + "all", bodies.DAV + "bind"})
_COLOR = re.compile(r"#([0-9A-Fa-f]{6})(?:[0-9A-Fa-f]{2})?")
_LONGEST_NAME = 255
_LARGEST_ORDER = 2**31 - 1


def discover(link: Link) -> Account:
    """Return whom the credentials open: principal first, then its calendar home, each with Depth 0 (facts 1.2-1.4).

    Raises BadAnswer where a captive page or a broken answer would pass for an account (fact 9.12).
    """
    try:
        found = link.ask_at(link.entry.url, bodies.FIND_PRINCIPAL)
        principal = _only_href(link, found, bodies.CURRENT_USER)
        if principal.path == "/":
            raise BadAnswer("the principal's path is no principal")
        answer = link.ask_at(principal.url, bodies.FIND_HOME)
        home = _only_href(link, answer, bodies.HOME_SET)
    except CollectionMissing as error:
        raise BadAnswer(f"discovery answered {error}") from None
    props = link.rows(answer).rows[0].props
    addresses = {_address(link, answer, href) for href in hrefs_of(props.get(bodies.ADDRESS_SET))}
    return Account(
        principal=principal.path,
        home=home.url,
        addresses=frozenset(addresses | {principal.path}),
        name=_name(text_of(props.get(bodies.DISPLAY_NAME))),
    )


def calendars(link: Link, home: str, *, principal: str = "") -> list[RemoteCalendar]:
    """Return the calendars of the home, in the order the server lists them.

    One request. The one change mark that is asked for is CS:getctag: on iCloud the sync token is the same text
    (fact 4.1), Radicale takes 230 ms for it over 10 000 events, 349 ms for the token and 572 ms for both. Where a
    server has no ctag, a second request asks for sync tokens instead. Inbox, outbox, notifications and calendars
    without VEVENT (Reminders) are left out; subscribed ones are listed, to be shown with the reason (rule K6).
    """
    answer = _home_answer(link, home)
    rows = link.rows(answer).rows
    if not any(bodies.RESOURCE_TYPE in row.props for row in rows):
        raise BadAnswer("a calendar home that does not even list itself")
    owner = principal or _home_owner(link, answer, rows)
    found = [entry for row in rows if (entry := _entry(link, answer, row, principal=owner)) is not None]
    if all(entry.mark or entry.kind == "subscribed" for entry in found):
        return [entry.calendar(entry.mark, None) for entry in found]
    tokens = _tokens(link, answer.location.path)
    return [entry.calendar(entry.mark or tokens.get(entry.path, ""), tokens.get(entry.path)) for entry in found]


def _home_answer(link: Link, home: str) -> Answer:
    """Ask at the home's own host, and stay there."""
    place = link.session.trusted.locate(home, base=link.entry)
    link.settle_at(place)
    link.home = place.path
    return link.propfind(place.path, bodies.LIST_CALENDARS, depth=1)


def _only_href(link: Link, answer: Answer, name: str) -> Location:
    rows = link.rows(answer).rows
    hrefs = hrefs_of(rows[0].props.get(name)) if rows else []
    if not hrefs:
        raise BadAnswer(f"discovery answered without {etree.QName(name).localname}")
    return link.session.trusted.locate(hrefs[0], base=answer.location)


def _address(link: Link, answer: Answer, href: str) -> str:
    """Return one calendar user address: an e-mail address, a path, or what else iCloud writes (urn:uuid:...)."""
    if href.startswith("/"):
        return link.path_of(href, answer) or href
    return href.lower().removeprefix("mailto:")


def _home_owner(link: Link, answer: Answer, rows: Iterable[Row]) -> str:
    """Return the principal that owns the home itself, '' when the server does not say."""
    for row in rows:
        if link.path_of(row.href, answer) == answer.location.path:
            return _owner(link, answer, row)
    return ""


def _owner(link: Link, answer: Answer, row: Row) -> str:
    hrefs = hrefs_of(row.props.get(bodies.OWNER))
    return (link.path_of(hrefs[0], answer) or "") if hrefs else ""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A calendar before its change mark is settled."""

    path: str
    name: str
    color: str
    order: int
    kind: str
    writable: bool
    mark: str
    components: frozenset[str]

    def calendar(self, mark: str, token: str | None) -> RemoteCalendar:
        return RemoteCalendar(
            path=self.path,
            name=self.name,
            color=self.color,
            order=self.order,
            kind=self.kind,
            writable=self.writable,
            mark=mark,
            token=token,
            components=self.components,
        )


def _entry(link: Link, answer: Answer, row: Row, *, principal: str) -> _Entry | None:
    if row.status in GONE:
        return None
    if (row.status and not 200 <= row.status < 300) or any(code >= 500 for code in row.refused):
        raise BadAnswer("a calendar home with a calendar that could not be read")  # leaving it out would say: gone
    types = _children(row, bodies.RESOURCE_TYPE)
    components = frozenset(
        name.upper() for comp in row.props.get(bodies.COMPONENTS, ()) if (name := str(comp.get("name") or ""))
    )
    kind = _kind(link, answer, row, types=types, principal=principal)
    path = link.path_of(row.href, answer)
    if not kind or not path or types & _NEVER_LISTED or (components and "VEVENT" not in components):
        return None
    privileges = {str(right.tag) for group in row.props.get(bodies.PRIVILEGES, ()) for right in group}
    return _Entry(
        path=path.rstrip("/") + "/",
        name=_name(text_of(row.props.get(bodies.DISPLAY_NAME))) or last_segment(path),
        color=_color(text_of(row.props.get(bodies.COLOR))),
        order=_order(text_of(row.props.get(bodies.ORDER))),
        kind=kind,
        writable=kind != "subscribed" and bool(privileges & _WRITER),
        mark=text_of(row.props.get(bodies.CTAG)),
        components=components,
    )


def _kind(link: Link, answer: Answer, row: Row, *, types: set[str], principal: str) -> str:
    """Return own, shared or subscribed; '' for what is no calendar (facts 3.2, 3.3, 3.5)."""
    if _SUBSCRIBED in types or (_CALENDAR in types and hrefs_of(row.props.get(bodies.SOURCE))):
        return "subscribed"
    if _CALENDAR not in types:
        return ""
    owner = _owner(link, answer, row)
    is_theirs = bool(owner and principal) and owner.rstrip("/") != principal.rstrip("/")
    return "shared" if _SHARED in types or is_theirs else "own"


def _tokens(link: Link, home: str) -> dict[str, str]:
    answer = link.propfind(home, bodies.LIST_TOKENS, depth=1)
    found: dict[str, str] = {}
    for row in link.rows(answer).rows:
        path, token = link.path_of(row.href, answer), text_of(row.props.get(bodies.SYNC_TOKEN))
        if path and token:
            found[path.rstrip("/") + "/"] = token
    return found


def _children(row: Row, name: str) -> set[str]:
    return {str(child.tag) for child in row.props.get(name, ())}


def _name(text: str) -> str:
    return " ".join(text.split())[:_LONGEST_NAME]


def _color(text: str) -> str:
    """Return '#RRGGBB'; iCloud gives #RRGGBBAA, and whatever it was sent by others (fact 3.7)."""
    found = _COLOR.fullmatch(text)
    return f"#{found[1].upper()}" if found else ""


def _order(text: str) -> int:
    return min(int(text), _LARGEST_ORDER) if re.fullmatch(r"[0-9]{1,10}", text) else 0
