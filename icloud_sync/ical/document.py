"""A calendar object as its own physical lines, so that an edit touches nothing but the lines it means (W5)."""

from __future__ import annotations

from dataclasses import dataclass, field

from icloud_sync.errors import ItemUnreadable
from icloud_sync.ical.lines import split_line

FOLD = 75
"""Octets of a line without its line end (RFC 5545 §3.1)."""


@dataclass(slots=True)
class Line:
    """One content line: the octets it came in, and what they say."""

    raw: bytes
    """As received, folding included, without the last line end."""
    name: str
    parameters: str
    value: str


@dataclass(slots=True)
class Document:
    """All content lines in order, and where the event lies among them."""

    lines: list[Line]
    own: list[int] = field(default_factory=list)
    """Indexes of the properties of the master VEVENT itself, not of its alarms."""
    begin: int = 0
    end: int = 0

    def first(self, name: str) -> Line | None:
        """Return the first line of a property of the master."""
        for index in self.own:
            if self.lines[index].name == name:
                return self.lines[index]
        return None

    def replace(self, name: str, new: bytes | None) -> None:
        """Put one line in the place of all lines of a property; None takes the property out.

        A property that is not there goes to the end of the event's own properties.
        """
        indexes = [index for index in self.own if self.lines[index].name == name]
        if new is None:
            self._drop(indexes)
            return
        line = read_line(new)
        if indexes:
            self.lines[indexes[0]] = line
            self._drop(indexes[1:])
        else:
            at = self.own[-1] + 1 if self.own else self.begin + 1
            self.lines.insert(at, line)
            self._locate()

    def _drop(self, indexes: list[int]) -> None:
        if indexes:
            gone = set(indexes)
            self.lines = [line for index, line in enumerate(self.lines) if index not in gone]
            self._locate()

    def _locate(self) -> None:
        """Find the master VEVENT: the first without RECURRENCE-ID, as in `scan`."""
        found: list[tuple[bool, int, int, list[int]]] = []
        path: list[str] = []
        begin, own = 0, list[int]()
        for index, line in enumerate(self.lines):
            if line.name == "BEGIN":
                path.append(line.value.strip().upper())
                if path[1:] == ["VEVENT"]:
                    begin, own = index, []
            elif line.name == "END":
                if path[1:] == ["VEVENT"]:
                    override = any(self.lines[place].name == "RECURRENCE-ID" for place in own)
                    found.append((override, begin, index, own))
                if path:
                    path.pop()
            elif path[1:] == ["VEVENT"]:
                own.append(index)
        if not found:
            raise ItemUnreadable("no_event")
        _, self.begin, self.end, self.own = min(found, key=lambda event: event[:2])

    def to_bytes(self) -> bytes:
        """Return the resource with CRLF line ends; every untouched line has its octets as they came."""
        return b"".join(line.raw.replace(b"\n", b"\r\n") + b"\r\n" for line in self.lines)


def read_document(body: bytes) -> Document:
    """Split a resource into content lines, octets kept. Raises ItemUnreadable("no_event")."""
    data = body.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    groups: list[list[bytes]] = []
    for physical in data.split(b"\n"):
        if physical[:1] in (b" ", b"\t") and groups:
            groups[-1].append(physical)
        elif physical.strip():
            groups.append([physical])
    document = Document([read_line(b"\n".join(group)) for group in groups])
    document._locate()
    return document


def read_line(raw: bytes) -> Line:
    """Read one content line from its octets, LF before each folded part."""
    joined = b"".join(part[1:] if index else part for index, part in enumerate(raw.split(b"\n")))
    name, parameters, value = split_line(joined.decode("utf-8", "replace"))
    return Line(raw, name, parameters, value)


def content_line(name: str, value: str, *, parameters: str = "") -> bytes:
    """Return one folded content line with LF between its parts, no more than 75 octets each.

    Characters are never cut in two (RFC 5545 §3.1). `value` is already escaped; `parameters` without ";".
    """
    head = f"{name};{parameters}:" if parameters else f"{name}:"
    octets = (head + value).encode("utf-8", "replace")
    parts: list[bytes] = []
    at, room = 0, FOLD
    while len(octets) - at > room:
        cut = at + room
        while octets[cut] & 0xC0 == 0x80:
            cut -= 1
        parts.append(octets[at:cut])
        at, room = cut, FOLD - 1
    parts.append(octets[at:])
    return b"\n ".join(parts)


def escaped(text: str) -> str:
    """Return a text as a TEXT value.

    >>> escaped("a,b;c\\\\d\\ne")
    'a\\\\,b\\\\;c\\\\\\\\d\\\\ne'
    """
    return text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")
