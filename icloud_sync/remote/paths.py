"""Paths as identities, and back to what goes on the wire.

An identity is the percent-decoded path, with one reservation that keeps it reversible: an escape stays an escape
(upper case) when decoding it would change the meaning of the path or give something that is no printable UTF-8 text
– '%2F', '%25', control characters, broken UTF-8.
"""

from __future__ import annotations

import re
from urllib.parse import quote

from ..errors import BadAnswer, ItemRefused

_PLAIN = re.compile(r"(?:/[A-Za-z0-9_~!$&'()*+,;=:@-][A-Za-z0-9._~!$&'()*+,;=:@-]*)+/?|/")
_ESCAPES = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_SAFE_ON_THE_WIRE = "/%!$&'()*+,;=:@~"


class UnusablePath(BadAnswer):
    """An href that no request can name safely: empty or dotted segments."""


def is_plain(href: str) -> bool:
    """Say whether an href is its own identity: an absolute path in which there is nothing to decode or to doubt."""
    return _PLAIN.fullmatch(href) is not None


def identity(path: str) -> str:
    """Return the identity of a path as a server wrote it; raises UnusablePath."""
    if is_plain(path):
        return path
    decoded = _ESCAPES.sub(lambda run: _decoded(bytes.fromhex(run[0].replace("%", ""))), _LONE_PERCENT.sub("%25", path))
    decoded = _UNPRINTABLE.sub(lambda char: _escaped(char[0]), decoded)
    segments = decoded.split("/")
    if not path.startswith("/") or "" in segments[1:-1] or "." in segments or ".." in segments:
        raise UnusablePath("an href has empty or dotted segments")
    return decoded


def on_the_wire(path: str) -> str:
    """Return an identity as it is sent in a request line: ASCII, nothing that could end the line (reliability S26)."""
    if is_plain(path):
        return path
    return quote(_LONE_PERCENT.sub("%25", path), safe=_SAFE_ON_THE_WIRE)


def last_segment(path: str) -> str:
    """Return what follows the last slash, of a collection too.

    >>> last_segment("/1/calendars/home/")
    'home'
    """
    return path.rstrip("/").rpartition("/")[2]


def event_path(path: str, *, home: str) -> str:
    """Return `path` if it can name one event inside a calendar, else raise ItemRefused: no collection is ever written.

    A DELETE on a shared calendar would unshare it (fact 5.14), so the shape is checked before anything is sent: an
    .ics in a folder that is not the calendar home itself ('' when the home is not known).
    """
    folder, _, name = path.rpartition("/")
    plain = path.startswith("/") and not {"", ".", ".."} & set(path[1:].split("/"))
    if not plain or not folder or folder == home.rstrip("/") or not name.endswith(".ics"):
        raise ItemRefused("not the path of one event inside a calendar", condition="not-an-event-path")
    return path


def _decoded(octets: bytes) -> str:
    """Return what a run of escapes stands for; '/' and '%' stay escapes."""
    text = octets.decode("utf-8", "surrogateescape")
    return "".join(_escaped(char) if char in "/%" else char for char in text)


def _escaped(char: str) -> str:
    return "".join(f"%{octet:02X}" for octet in char.encode("utf-8", "surrogateescape"))
