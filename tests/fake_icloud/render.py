"""XML as iCloud writes it: no prefixes, namespaces declared again and again, single quotes, gaps (fact 1.10)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote

from lxml import etree

from tests.fake_icloud.wire import Response

DAV = "DAV:"
CALDAV = "urn:ietf:params:xml:ns:caldav"
CS = "http://calendarserver.org/ns/"
APPLE = "http://apple.com/ns/ical/"

Name = tuple[str, str]  # namespace, local name

_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
REASONS = {
    200: "OK",
    403: "Forbidden",
    404: "Not Found",
    500: "Internal Server Error",
    503: "Service Unavailable",
    507: "Insufficient Storage",
}


def escaped(text: str) -> str:
    return _NOT_XML.sub("", text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def cdata(text: str) -> str:
    return "<![CDATA[" + _NOT_XML.sub("", text).replace("]]>", "]]]]><![CDATA[>") + "]]>"


def element(name: Name, inner: str = "") -> str:
    """Return an element with its namespace declared; `inner` is markup."""
    return f"<{name[1]} xmlns='{name[0]}'>{inner}</{name[1]}>" if inner else f"<{name[1]} xmlns='{name[0]}'/>"


def href(path: str) -> str:
    """Return an href element; a path is written as it is (already quoted)."""
    return f"<href xmlns='DAV:'>{escaped(path)}</href>"


def quoted(path: str) -> str:
    return quote(path, safe="/-._~:")


def propstat(found: Iterable[str], status: int) -> str:
    """Return a propstat, or nothing when there is no property in it."""
    inner = "".join(found)
    if not inner:
        return ""
    return (
        f"    <propstat><prop>\n{inner}\n    </prop><status>HTTP/1.1 {status} {REASONS[status]}</status></propstat>\n"
    )


def member(path: str, found: Iterable[str], missing: Iterable[Name] = ()) -> str:
    """Return a response: properties found, and the missing ones as empty elements in a 404 propstat (fact 3.1)."""
    stats = propstat(found, 200) + propstat((element(name) for name in missing), 404)
    if not stats:
        stats = f"    <propstat><prop/><status>HTTP/1.1 200 {REASONS[200]}</status></propstat>\n"
    return f"  <response xmlns='DAV:'>\n    {href(path)}\n{stats}  </response>\n"


def status_member(path: str, status: int, error: str = "") -> str:
    """Return a response that is only a status, such as a removed member (fact 4.3)."""
    note = f"<error>{error}</error>" if error else ""
    return (
        f"  <response xmlns='DAV:'>\n    {href(path)}\n"
        f"    <status>HTTP/1.1 {status} {REASONS.get(status, 'Error')}</status>{note}\n  </response>\n"
    )


def multistatus(members: Iterable[str], *, token: str | None = None, odd_type: bool, status: int = 207) -> Response:
    """Return the whole answer. `odd_type`: a content type that says nothing (fact 1.10)."""
    tail = "" if token is None else f"  <sync-token xmlns='DAV:'>{token}</sync-token>\n"
    body = f"{_HEAD}<multistatus xmlns='DAV:'>\n   \n" + "   \n".join(members) + tail + "</multistatus>"
    kind = "application/octet-stream" if odd_type else "text/xml; charset=UTF-8"
    return Response(status, [("Content-Type", kind)], body.encode())


def error(status: int, condition: Name | None = None, inner: str = "") -> Response:
    """Return a refusal; with a condition in the exact shape of fact 4.6."""
    if condition is None:
        return Response(status)
    namespace, local = condition
    mark = f"<{local}/>" if namespace == DAV else f"<{local} xmlns='{namespace}'/>"
    if inner:
        mark = f"<{local} xmlns='{namespace}'>{inner}</{local}>"
    text = f"<?xml version='1.0' encoding='UTF-8'?>\n<error xmlns='DAV:'>\n{mark}\n</error>"
    return Response(status, [("Content-Type", "text/xml; charset=UTF-8")], text.encode())


def parse(body: bytes) -> etree._Element | None:
    """Return the root of a request body, or None when it is not acceptable XML (a DTD is not)."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError:
        return None
    return None if b"<!DOCTYPE" in body[:4096] or b"<!ENTITY" in body else root


def name_of(node: etree._Element) -> Name:
    qualified = etree.QName(node)
    return (qualified.namespace or "", qualified.localname)


def requested(root: etree._Element) -> list[Name]:
    """Return the names inside the DAV:prop of a request."""
    prop = root.find(f"{{{DAV}}}prop")
    return [] if prop is None else [name_of(child) for child in prop if isinstance(child.tag, str)]
