"""The XML we send. What varies is put in by lxml, so that no href or token can break out (reliability S26).

Everything is asked for by name: iCloud leaves the resource type out of `allprop` (fact 3.1).
"""

from __future__ import annotations

from collections.abc import Iterable

from lxml import etree

DAV = "{DAV:}"
CALDAV = "{urn:ietf:params:xml:ns:caldav}"
CALENDARSERVER = "{http://calendarserver.org/ns/}"
APPLE = "{http://apple.com/ns/ical/}"

CURRENT_USER = DAV + "current-user-principal"
HOME_SET = CALDAV + "calendar-home-set"
ADDRESS_SET = CALDAV + "calendar-user-address-set"
DISPLAY_NAME = DAV + "displayname"
RESOURCE_TYPE = DAV + "resourcetype"
OWNER = DAV + "owner"
PRIVILEGES = DAV + "current-user-privilege-set"
COMPONENTS = CALDAV + "supported-calendar-component-set"
CTAG = CALENDARSERVER + "getctag"
SOURCE = CALENDARSERVER + "source"
COLOR = APPLE + "calendar-color"
ORDER = APPLE + "calendar-order"
SYNC_TOKEN = DAV + "sync-token"
ETAG = DAV + "getetag"
CALENDAR_DATA = CALDAV + "calendar-data"
HREF = DAV + "href"

_PREFIXES = {"D": "DAV:", "C": CALDAV[1:-1], "CS": CALENDARSERVER[1:-1], "A": APPLE[1:-1]}


def _propfind(*names: str) -> str:
    root = etree.Element(DAV + "propfind", nsmap=_PREFIXES)
    prop = etree.SubElement(root, DAV + "prop")
    for name in names:
        etree.SubElement(prop, name)
    return _serialised(root)


def sync_collection(token: str | None) -> str:
    """Ask what changed since `token`: level 1, ETags only, no limit (facts 4.2, 4.4)."""
    root = etree.Element(DAV + "sync-collection", nsmap={"D": "DAV:"})
    etree.SubElement(root, SYNC_TOKEN).text = token or ""
    etree.SubElement(root, DAV + "sync-level").text = "1"
    etree.SubElement(etree.SubElement(root, DAV + "prop"), ETAG)
    return _serialised(root)


def multiget(hrefs: Iterable[str]) -> str:
    """Ask for events by href, whole: partial calendar-data comes back empty (fact 4.17)."""
    root = etree.Element(CALDAV + "calendar-multiget", nsmap={"D": "DAV:", "C": CALDAV[1:-1]})
    prop = etree.SubElement(root, DAV + "prop")
    etree.SubElement(prop, ETAG)
    etree.SubElement(prop, CALENDAR_DATA)
    for href in hrefs:
        etree.SubElement(root, HREF).text = href
    return _serialised(root)


def _serialised(root: etree._Element) -> str:
    return '<?xml version="1.0" encoding="utf-8"?>' + etree.tostring(root, encoding="unicode")


FIND_PRINCIPAL = _propfind(CURRENT_USER)
FIND_HOME = _propfind(HOME_SET, ADDRESS_SET, DISPLAY_NAME)
LIST_MEMBERS = _propfind(ETAG)
LIST_TOKENS = _propfind(SYNC_TOKEN)
LIST_CALENDARS = _propfind(RESOURCE_TYPE, DISPLAY_NAME, OWNER, COMPONENTS, PRIVILEGES, CTAG, SOURCE, COLOR, ORDER)
