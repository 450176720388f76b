"""A client that sends exactly what a test says, and the texts it sends."""

from __future__ import annotations

import base64
import http.client
from dataclasses import dataclass
from types import TracebackType
from urllib.parse import urlsplit

from lxml import etree

from tests.fake_icloud import FakeICloud
from tests.fake_icloud.account import Account

NAMESPACES = {
    "d": "DAV:",
    "c": "urn:ietf:params:xml:ns:caldav",
    "cs": "http://calendarserver.org/ns/",
    "a": "http://apple.com/ns/ical/",
}
_DECLARED = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in NAMESPACES.items())
PROPS = (
    "<d:resourcetype/><d:displayname/><d:owner/><c:supported-calendar-component-set/>"
    "<d:current-user-privilege-set/><cs:getctag/><d:sync-token/><cs:source/><a:calendar-color/><a:calendar-order/>"
)


@dataclass(frozen=True)
class Answer:
    """Status, headers in order, body."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def xml(self) -> etree._Element:
        return etree.fromstring(self.body)

    @property
    def responses(self) -> dict[str, etree._Element]:
        """The responses by href; the last one of a href counts."""
        return {
            node.findtext("d:href", namespaces=NAMESPACES) or "": node for node in self.xml.iterfind("{DAV:}response")
        }

    @property
    def hrefs(self) -> list[str]:
        return [node.findtext("{DAV:}href") or "" for node in self.xml.iterfind("{DAV:}response")]

    @property
    def token(self) -> str | None:
        return self.xml.findtext("{DAV:}sync-token")

    def found(self, href: str, path: str) -> str | None:
        """Return the text of a property in a 200 propstat."""
        node = self.node(href, path)
        return None if node is None else (node.text or "")

    def node(self, href: str, path: str) -> etree._Element | None:
        return self._in_propstat(href, path, "200")

    def missing(self, href: str, path: str) -> bool:
        """Say whether the property stands in a 404 propstat."""
        return self._in_propstat(href, path, "404") is not None

    def _in_propstat(self, href: str, path: str, status: str) -> etree._Element | None:
        for stat in self.responses[href].iterfind("d:propstat", namespaces=NAMESPACES):
            if status in (stat.findtext("d:status", namespaces=NAMESPACES) or ""):
                node = stat.find(f"d:prop/{path}", namespaces=NAMESPACES)
                if node is not None:
                    return node
        return None

    def status_of(self, href: str) -> str | None:
        """Return the status of a response that has no propstat."""
        return self.responses[href].findtext("d:status", namespaces=NAMESPACES)


class Raw:
    """Speaks for one account. `host` is a role of the server."""

    def __init__(self, icloud: FakeICloud, account: Account) -> None:
        self.icloud, self.account = icloud, account
        self.password = account.password
        self.host = "p1"
        self._connections: dict[str, http.client.HTTPConnection] = {}

    def __enter__(self) -> Raw:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        for connection in self._connections.values():
            connection.close()

    def headers(self) -> dict[str, str]:
        login = base64.b64encode(f"{self.account.apple_id}:{self.password}".encode()).decode()
        return {"User-Agent": "emulator-test", "Authorization": f"Basic {login}"}

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | str | None = None,
        *,
        host: str | None = None,
        headers: dict[str, str] | None = None,
        without: tuple[str, ...] = (),
    ) -> Answer:
        """Send one request with User-Agent and password, plus `headers`, minus `without`."""
        role = host or self.host
        place = urlsplit(self.icloud.base_url(role)).netloc
        connection = self._connections.setdefault(role, http.client.HTTPConnection(place, timeout=5))
        sent = {**self.headers(), **(headers or {})}
        for name in without:
            sent.pop(name, None)
        data = body.encode() if isinstance(body, str) else body
        try:
            connection.putrequest(method, path, skip_accept_encoding=True)
            for name, value in {**sent, "Content-Length": str(len(data or b""))}.items():
                connection.putheader(name, value)
            connection.endheaders(data)
            response = connection.getresponse()
            return Answer(response.status, response.getheaders(), response.read())
        except (OSError, http.client.HTTPException):
            connection.close()
            raise

    def propfind(self, path: str, props: str = PROPS, *, depth: str = "0", host: str | None = None) -> Answer:
        return self.ask("PROPFIND", path, propfind_body(props), headers={"Depth": depth}, host=host)

    def sync(self, path: str, token: str = "", props: str = "<d:getetag/>", *, extra: str = "") -> Answer:
        return self.ask("REPORT", path, sync_body(token, props, extra), headers={"Depth": "1"})

    def multiget(self, path: str, *hrefs: str, data: str = "<c:calendar-data/>") -> Answer:
        listed = "".join(f"<d:href>{href}</d:href>" for href in hrefs)
        body = f"<c:calendar-multiget {_DECLARED}><d:prop><d:getetag/>{data}</d:prop>{listed}</c:calendar-multiget>"
        return self.ask("REPORT", path, body, headers={"Depth": "1"})

    def query(self, path: str, filters: str, data: str = "<c:calendar-data/>") -> Answer:
        body = (
            f"<c:calendar-query {_DECLARED}><d:prop><d:getetag/>{data}</d:prop><c:filter>{filters}</c:filter>"
            "</c:calendar-query>"
        )
        return self.ask("REPORT", path, body, headers={"Depth": "1"})

    def put(self, path: str, body: bytes | str, **headers: str) -> Answer:
        """PUT with the content type of calendars; `if_match=` and `if_none_match=` become headers."""
        sent = {"Content-Type": "text/calendar; charset=utf-8"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask("PUT", path, body, headers=sent)

    def create(self, path: str, body: bytes | str) -> Answer:
        return self.put(path, body, if_none_match="*")


def propfind_body(props: str) -> str:
    return f'<?xml version="1.0" encoding="utf-8"?><d:propfind {_DECLARED}><d:prop>{props}</d:prop></d:propfind>'


def sync_body(token: str, props: str = "<d:getetag/>", extra: str = "", *, level: str = "1") -> str:
    given = f"<d:sync-level>{level}</d:sync-level>" if level else ""
    return (
        f"<d:sync-collection {_DECLARED}><d:sync-token>{token}</d:sync-token>{given}{extra}"
        f"<d:prop>{props}</d:prop></d:sync-collection>"
    )


def text(uid: str = "one", *lines: str, dtend: str | None = "DTEND:20270104T110000Z", summary: str = "Fitting") -> str:
    """Return an event as our product writes it; `lines` are further content lines."""
    content = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//LeadMagicX//EN",
        "BEGIN:VEVENT",
        f"UID:{uid}",
        "DTSTAMP:20270101T000000Z",
        "DTSTART:20270104T100000Z",
        *([dtend] if dtend else []),
        f"SUMMARY:{summary}",
        "SEQUENCE:0",
        *lines,
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]
    return "\r\n".join(content)
