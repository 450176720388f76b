"""Reading XML answers: hardened, namespace-aware, and never believing half of one."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from lxml import etree

from ..errors import BadAnswer
from .bodies import DAV, HREF, SYNC_TOKEN

_MULTISTATUS = DAV + "multistatus"
_RESPONSE = DAV + "response"
_STATUS = DAV + "status"
_PROPSTAT = DAV + "propstat"
_PROP = DAV + "prop"
_ERROR = DAV + "error"
_NONE: frozenset[int] = frozenset()
_STATUS_LINE = re.compile(r"\s*\S+\s+([1-5][0-9][0-9])(?![0-9])")
_DOCTYPE = re.compile(rb"(?:\xef\xbb\xbf)?\s*+(?:(?><\?.*?\?>|<!--.*?-->)\s*+)*+<!DOCTYPE", re.DOTALL | re.IGNORECASE)


@dataclass(slots=True)
class Row:
    """One response of a multistatus.

    `status` is that of the whole response, 0 when its properties have their own. `props` holds the properties that
    came with a 2xx status: a second propstat carries empty elements that mean nothing (fact 3.1). `refused` holds
    the statuses of the other propstats.
    """

    href: str
    status: int = 0
    props: dict[str, etree._Element] = field(default_factory=dict)
    refused: frozenset[int] = _NONE


@dataclass(slots=True)
class Multistatus:
    """A whole answer; `token` is the sync token of a sync-collection report."""

    rows: list[Row]
    token: str | None


def document(body: bytes) -> etree._Element:
    """Return the root of an XML answer; raises BadAnswer for HTML, an empty, cut or hostile body.

    No DTD, no entities, no network, no huge trees (reliability S12). The Content-Type is not looked at: it cannot be
    relied on (fact 1.10).
    """
    if _DOCTYPE.match(body):
        raise BadAnswer("an XML answer with a DTD, or a page of HTML")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(body.strip(), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        reason = type(error).__name__
    else:
        if root is not None and root.getroottree().docinfo.internalDTD is None:
            return root
        reason = "empty, or with a DTD"
    raise BadAnswer(f"the answer is no usable XML ({reason})")


def read(body: bytes) -> Multistatus:
    """Return the rows of a multistatus; anything else raises BadAnswer."""
    root = document(body)
    if root.tag != _MULTISTATUS:
        raise BadAnswer("the answer is XML, but no multistatus")
    rows: list[Row] = []
    token = None
    for child in root:
        if child.tag == _RESPONSE:
            rows += _rows(child)
        elif child.tag == SYNC_TOKEN:
            token = (child.text or "").strip() or None
    return Multistatus(rows, token)


def condition(body: bytes) -> tuple[str, str | None]:
    """Return the DAV precondition a refusal names, without namespace, and the href it gives; else ("", None)."""
    if b"error" not in body:
        return "", None
    try:
        root = document(body)
    except BadAnswer:
        return "", None
    if root.tag != _ERROR or not len(root):
        return "", None
    href = root[0].find(HREF)
    return etree.QName(root[0]).localname, href.text.strip() if href is not None and href.text else None


def text_of(element: etree._Element | None) -> str:
    """Return an element's own text, stripped; '' when there is none."""
    return (element.text or "").strip() if element is not None else ""


def hrefs_of(element: etree._Element | None) -> list[str]:
    """Return the hrefs inside a property."""
    if element is None:
        return []
    return [text for href in element.iter(HREF) if (text := text_of(href))]


def _rows(response: etree._Element) -> list[Row]:
    """Return a response's rows: one for each href, as a status may come with several (RFC 4918 §14.24)."""
    hrefs: list[str] = []
    status = 0
    props: dict[str, etree._Element] = {}
    refused: frozenset[int] = _NONE
    for child in response:
        tag = child.tag
        if tag == _PROPSTAT:
            refused |= _read_propstat(child, props)
        elif tag == HREF:
            hrefs.append((child.text or "").strip())
        elif tag == _STATUS:
            status = _code(child.text)
    return [Row(href, status, props, refused) for href in hrefs]


def _read_propstat(propstat: etree._Element, props: dict[str, etree._Element]) -> frozenset[int]:
    """Put the properties into `props` if they came with a 2xx status; returns the status otherwise."""
    found: etree._Element | None = None
    code = 0
    for child in propstat:
        tag = child.tag
        if tag == _PROP:
            found = child
        elif tag == _STATUS:
            code = _code(child.text)
    if not 200 <= code < 300:
        return frozenset({code})
    if found is not None:
        for prop in found:
            props[prop.tag] = prop
    return _NONE


def _code(line: str | None) -> int:
    """Return the number in 'HTTP/1.1 404 Not Found'; 0 when there is none."""
    if line == "HTTP/1.1 200 OK":
        return 200
    found = _STATUS_LINE.match(line or "")
    return int(found[1]) if found else 0
