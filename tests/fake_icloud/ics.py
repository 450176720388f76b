"""iCalendar text as lines in a tree, so that a phone's edit keeps every line it does not change.

Not a validator: it accepts what a server has to store, and refuses only what has no structure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_PARAM = re.compile(r';([A-Za-z0-9-]+)=((?:"[^"]*"|[^";:,])*(?:,(?:"[^"]*"|[^";:,])*)*)')
_NAME = re.compile(r"[A-Za-z0-9-]+")
_DURATION = re.compile(r"([+-])?P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$")
_UID = re.compile(rb"^UID(?:;[^:\r\n]*)?:(.*)$", re.MULTILINE | re.IGNORECASE)

Moment = date | datetime


class BadIcs(ValueError):
    """The text is no iCalendar object."""


@dataclass(slots=True)
class Line:
    """One unfolded content line: NAME, the parameters as written (with the leading ';'), the raw value."""

    name: str
    params: str
    value: str

    def param(self, name: str) -> str | None:
        for key, value in _PARAM.findall(self.params):
            if key.upper() == name:
                return str(value).strip('"')
        return None

    def __str__(self) -> str:
        return f"{self.name}{self.params}:{self.value}"


@dataclass(slots=True)
class Component:
    """BEGIN:NAME ... END:NAME with its lines and inner components, in order."""

    name: str
    lines: list[Line] = field(default_factory=list)
    children: list[Component] = field(default_factory=list)

    def get(self, name: str) -> Line | None:
        for line in self.lines:
            if line.name == name:
                return line
        return None

    def value(self, name: str) -> str | None:
        line = self.get(name)
        return None if line is None else line.value

    def text(self, name: str) -> str | None:
        """Return a TEXT value with its escapes undone, or None."""
        line = self.get(name)
        return None if line is None else unescape(line.value)

    def all(self, name: str) -> list[Line]:
        return [line for line in self.lines if line.name == name]

    def drop(self, *names: str) -> None:
        self.lines = [line for line in self.lines if line.name not in names]

    def set(self, name: str, value: str, params: str = "") -> None:
        """Replace the first line of that name where it stands (further ones go), or append."""
        fresh = Line(name, params, value)
        for index, line in enumerate(self.lines):
            if line.name == name:
                rest = [other for other in self.lines[index + 1 :] if other.name != name]
                self.lines = [*self.lines[:index], fresh, *rest]
                return
        self.lines.append(fresh)

    def add(self, name: str, value: str, params: str = "") -> None:
        self.lines.append(Line(name, params, value))

    def named(self, name: str) -> list[Component]:
        return [child for child in self.children if child.name == name]

    def walk(self) -> Iterator[Component]:
        yield self
        for child in self.children:
            yield from child.walk()


def parse(body: bytes) -> Component:
    """Return the VCALENDAR in the text; BadIcs when there is none or the nesting is broken."""
    data = body.replace(b"\r\n", b"\n")
    if b"\n " in data or b"\n\t" in data:  # unfold octets first: a fold may stand inside a UTF-8 sequence
        data = data.replace(b"\n ", b"").replace(b"\n\t", b"")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadIcs("not UTF-8") from error
    stack: list[Component] = []
    for raw in text.split("\n"):
        if not raw.strip():
            continue
        line = _line(raw)
        if line.name == "BEGIN":
            child = Component(line.value.strip().upper())
            if stack:
                stack[-1].children.append(child)
            stack.append(child)
        elif line.name == "END":
            if not stack or stack[-1].name != line.value.strip().upper():
                raise BadIcs(f"END:{line.value} closes nothing")
            done = stack.pop()
            if not stack:
                if done.name != "VCALENDAR":
                    raise BadIcs(f"{done.name} outside VCALENDAR")
                return done
        elif not stack:
            raise BadIcs("text before BEGIN:VCALENDAR")
        else:
            stack[-1].lines.append(line)
    raise BadIcs("no complete VCALENDAR")


def _line(raw: str) -> Line:
    head = _NAME.match(raw)
    if head is None:
        raise BadIcs(f"not a content line: {raw[:40]!r}")
    position, quoted = head.end(), False
    while position < len(raw) and (quoted or raw[position] != ":"):
        quoted ^= raw[position] == '"'
        position += 1
    if position == len(raw):
        raise BadIcs(f"no colon: {raw[:40]!r}")
    return Line(head.group().upper(), raw[head.end() : position], raw[position + 1 :])


def serialise(component: Component) -> bytes:
    """Return the text with CRLF and lines of at most 75 octets (RFC 5545 section 3.1)."""
    return b"".join(_fold(text) for text in _texts(component))


def _texts(component: Component) -> Iterator[str]:
    yield f"BEGIN:{component.name}"
    for line in component.lines:
        yield str(line)
    for child in component.children:
        yield from _texts(child)
    yield f"END:{component.name}"


def _fold(text: str) -> bytes:
    data = text.encode()
    if len(data) <= 75:
        return data + b"\r\n"
    pieces, limit = [], 75
    while len(data) > limit:
        cut = limit
        while data[cut] & 0xC0 == 0x80:  # never inside a UTF-8 sequence
            cut -= 1
        pieces.append(data[:cut])
        data, limit = data[cut:], 74
    return b"\r\n ".join([*pieces, data]) + b"\r\n"


def escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def unescape(value: str) -> str:
    return re.sub(r"\\(.)", lambda hit: "\n" if hit[1] in "nN" else hit[1], value)


def uid_of(body: bytes) -> str | None:
    """Return the first UID in the text without parsing it, or None."""
    hit = _UID.search(body.replace(b"\r\n ", b"").replace(b"\n ", b""))
    return hit.group(1).decode("utf-8", "replace").strip() if hit else None


def moment(line: Line) -> Moment:
    """Return a DATE or DATE-TIME: aware when UTC or the TZID is known, else naive (floating)."""
    return moment_of(line.value, line.param("TZID"))


def moment_of(value: str, tzid: str | None) -> Moment:
    value = value.strip()
    if len(value) == 8:
        return date(int(value[:4]), int(value[4:6]), int(value[6:8]))
    stamp = datetime.strptime(value[:15], "%Y%m%dT%H%M%S")
    if value.endswith("Z"):
        return stamp.replace(tzinfo=UTC)
    if tzid:
        try:
            return stamp.replace(tzinfo=ZoneInfo(tzid))
        except (ZoneInfoNotFoundError, ValueError):
            return stamp
    return stamp


def stamp(value: Moment) -> tuple[str, str]:
    """Return (value, parameters) of a property that holds this moment."""
    if not isinstance(value, datetime):
        return value.strftime("%Y%m%d"), ";VALUE=DATE"
    text = value.strftime("%Y%m%dT%H%M%S")
    if value.tzinfo is None:
        return text, ""
    key = getattr(value.tzinfo, "key", None)
    if key and key != "UTC":
        return text, f";TZID={key}"
    return utc(value), ""


def utc(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def duration(text: str) -> timedelta:
    """Read an RFC 5545 duration; BadIcs when it is none."""
    hit = _DURATION.match(text.strip())
    if hit is None:
        raise BadIcs(f"not a duration: {text!r}")
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in hit.groups()[1:])
    length = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    return -length if hit.group(1) == "-" else length


def duration_text(length: timedelta) -> str:
    """Write a duration in the shape Apple uses, such as PT15M or -PT1H."""
    sign, seconds = ("-", -length) if length < timedelta(0) else ("", length)
    minutes, rest = divmod(int(seconds.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    parts = "".join(f"{n}{unit}" for n, unit in ((hours, "H"), (minutes, "M"), (rest, "S")) if n)
    return f"{sign}PT{parts or '0S'}"


def length_of(event: Component) -> timedelta:
    """Return how long a VEVENT lasts."""
    start, end = span(event)
    if isinstance(start, datetime) and isinstance(end, datetime):
        return end - start
    if isinstance(start, datetime) or isinstance(end, datetime):
        raise BadIcs("DTSTART and DTEND are of different kinds")
    return end - start


def span(event: Component) -> tuple[Moment, Moment]:
    """Return start and exclusive end of a VEVENT (RFC 5545 section 3.6.1 where DTEND is missing)."""
    first = event.get("DTSTART")
    if first is None:
        raise BadIcs("no DTSTART")
    start = moment(first)
    last = event.get("DTEND")
    if last is not None:
        return start, moment(last)
    length = event.value("DURATION")
    if length is not None:
        return start, start + duration(length)
    return start, start if isinstance(start, datetime) else start + timedelta(days=1)
