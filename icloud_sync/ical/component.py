"""One VEVENT's properties, already split into lines, as a `ScannedComponent`."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from icloud_sync.errors import ItemUnreadable
from icloud_sync.ical.event import Attendee, Extra, ScannedComponent
from icloud_sync.ical.lines import parameter
from icloud_sync.ical.rrule import parse_rule
from icloud_sync.ical.values import Moment, Span, one_line, parse_moment, parse_span

Properties = dict[str, list[tuple[str, str]]]
"""Property name to (parameters, value) of each of its lines."""

MOST_EXCEPTIONS: Final = 3000
"""EXDATEs, RDATEs and overrides of one event (reliability §4; CCS MaxAllowedInstances)."""
MOST_RULES: Final = 20
LONGEST_TEXT: Final = 500
"""Characters of a title or place that are kept."""

_NOTHING = timedelta(0)
_LONGEST_TRAVEL = timedelta(days=1)
_MOST_ATTENDEES = 3000


def read_component(properties: Properties) -> ScannedComponent:
    """Return one VEVENT. Raises ItemUnreadable with the reason codes of `scan`."""
    start = _single(properties, "DTSTART")
    if start is None:
        raise ItemUnreadable("no_start")
    begin = _moment(start)
    end, span = _length(properties, begin)
    classification = _word(properties, "CLASS") if "CLASS" in properties else ""
    private = classification in ("PRIVATE", "CONFIDENTIAL")
    series = not _OF_SERIES.isdisjoint(properties)
    invited = not _OF_FEW.isdisjoint(properties)
    return ScannedComponent(
        begin,
        end,
        span,
        _replaced(properties) if series else None,
        _this_and_future(properties) if series else False,
        "" if private else _line(properties, "SUMMARY"),
        "" if private else _line(properties, "LOCATION"),
        _word(properties, "TRANSP"),
        _word(properties, "STATUS"),
        classification,
        _attendees(properties) if invited else (),
        _needs_reply(properties) if invited else False,
        _rules(properties) if series else (),
        _extra_dates(properties) if series else (),
        _excluded(properties) if series else (),
        _travel(properties, "X-APPLE-TRAVEL-DURATION") if invited else _NOTHING,
        _travel(properties, "X-APPLE-TRAVEL-RETURN-DURATION") if invited else _NOTHING,
    )


_OF_SERIES: Final = frozenset(("RRULE", "RDATE", "RECURRENCE-ID", "EXDATE"))
_OF_FEW: Final = frozenset(
    ("ATTENDEE", "X-APPLE-NEEDS-REPLY", "X-APPLE-TRAVEL-DURATION", "X-APPLE-TRAVEL-RETURN-DURATION")
)
_OPENS_TIME: Final = {"TRANSP": "TRANSPARENT", "STATUS": "CANCELLED"}


def _line(properties: Properties, name: str) -> str:
    lines = properties.get(name)
    return one_line(lines[0][1], limit=LONGEST_TEXT) if lines is not None else ""


def _word(properties: Properties, name: str) -> str:
    """Return an enumerated value in upper case; of contradicting lines the one that leaves time blocked."""
    lines = properties.get(name)
    if lines is None:
        return ""
    if len(lines) == 1:
        return lines[0][1].strip().upper()[:40]
    words = [value.strip().upper() for _, value in lines]
    return min(words, key=_OPENS_TIME.get(name, "").__eq__)[:40]


def _single(properties: Properties, name: str) -> tuple[str, str] | None:
    """Return the one line of a property; repeated lines must agree, for each could be the true one."""
    lines = properties.get(name)
    if lines is None:
        return None
    if len(lines) > 1 and len(set(lines)) > 1:
        raise ItemUnreadable("duplicate_property")
    return lines[0]


def _moment(line: tuple[str, str]) -> Moment:
    parameters, value = line
    if not parameters:
        return parse_moment(value, "")
    if parameters.startswith("TZID=") and ";" not in parameters and '"' not in parameters:
        return parse_moment(value, parameters[5:])
    date_wanted = parameter(parameters, "VALUE").upper() == "DATE"
    return parse_moment(value, parameter(parameters, "TZID"), date_wanted=date_wanted)


def _length(properties: Properties, start: Moment) -> tuple[Moment | None, Span | None]:
    """Return DTEND or DURATION; with both, the one that ends later. An end before the start is refused."""
    end_line = _single(properties, "DTEND")
    span_line = _single(properties, "DURATION") if "DURATION" in properties else None
    end = _moment(end_line) if end_line is not None else None
    span = parse_span(span_line[1]) if span_line is not None else None
    if end is not None:
        if end.all_day != start.all_day:
            raise ItemUnreadable("start_end_mismatch")
        if end.tzid == start.tzid and end.local < start.local:
            raise ItemUnreadable("negative_length")
    if span is not None:
        if span.delta() < _NOTHING:
            raise ItemUnreadable("negative_length")
        if end is None:
            return None, span
        if span.delta() > end.local - start.local:
            return None, span
    return end, None


def _rules(properties: Properties) -> tuple[str, ...]:
    values = [value.strip().upper() for _, value in properties.get("RRULE", ()) if value.strip()]
    if len(values) > MOST_RULES:
        raise ItemUnreadable("too_many_exceptions")
    for value in values:
        parse_rule(value)
    return tuple(dict.fromkeys(values))


def _replaced(properties: Properties) -> Moment | None:
    line = _single(properties, "RECURRENCE-ID")
    return _moment(line) if line is not None else None


def _this_and_future(properties: Properties) -> bool:
    line = _single(properties, "RECURRENCE-ID")
    return line is not None and "RANGE=THISANDFUTURE" in line[0].upper().replace('"', "")


def _values(properties: Properties, name: str) -> list[tuple[str, str]]:
    """Return (parameters, value) of each value of a property that may hold many in many lines."""
    lines = properties.get(name)
    if lines is None:
        return []
    if sum(value.count(",") + 1 for _, value in lines) > MOST_EXCEPTIONS:
        raise ItemUnreadable("too_many_exceptions")
    return [(parameters, part) for parameters, value in lines for part in value.split(",") if part.strip()]


def _excluded(properties: Properties) -> tuple[Moment, ...]:
    """Read EXDATE; a value that cannot be read excludes nothing, which blocks more, not less."""
    found = []
    for line in _values(properties, "EXDATE"):
        try:
            found.append(_moment(line))
        except ItemUnreadable:
            continue
    return tuple(dict.fromkeys(found))


def _extra_dates(properties: Properties) -> tuple[Extra, ...]:
    return tuple(dict.fromkeys(_extra(line) for line in _values(properties, "RDATE")))


def _extra(line: tuple[str, str]) -> Extra:
    parameters, value = line
    begin, slash, length = value.partition("/")
    start = _moment((parameters, begin))
    if not slash:
        return Extra(start)
    if length.strip()[:1] in ("P", "p", "+", "-"):
        span = parse_span(length)
        if span.delta() < _NOTHING:
            raise ItemUnreadable("negative_length")
        return Extra(start, span=span)
    end = _moment((parameters, length))
    if end.all_day or start.all_day:
        raise ItemUnreadable("start_end_mismatch")
    if end.tzid == start.tzid and end.local < start.local:
        raise ItemUnreadable("negative_length")
    return Extra(start, end=end)


def _needs_reply(properties: Properties) -> bool:
    return _word(properties, "X-APPLE-NEEDS-REPLY") == "TRUE"


def _travel(properties: Properties, name: str) -> timedelta:
    """Read Apple's travel time (rule P12, fact 7.5); unreadable or negative is none, a day is the most."""
    lines = properties.get(name)
    if lines is None:
        return _NOTHING
    try:
        length = parse_span(lines[0][1]).delta()
    except ItemUnreadable:
        return _NOTHING
    return min(max(length, _NOTHING), _LONGEST_TRAVEL)


def _attendees(properties: Properties) -> tuple[Attendee, ...]:
    """Read who was invited, if anybody declined; iCloud names people by mailto, path or EMAIL parameter."""
    lines = properties.get("ATTENDEE", [])
    if not any("DECLINED" in parameters.upper() for parameters, _ in lines):
        return ()
    found = []
    for parameters, value in lines[:_MOST_ATTENDEES]:
        addresses = (address(value), address(parameter(parameters, "EMAIL")))
        found.append(
            Attendee(
                tuple(sorted({text for text in addresses if text})), parameter(parameters, "PARTSTAT").upper()[:40]
            )
        )
    return tuple(sorted(found))


def address(text: str) -> str:
    """Return a calendar user address so that two spellings of it are equal.

    >>> address("MAILTO:Ada@Example.org"), address("/1234/principal/")
    ('ada@example.org', '/1234/principal')
    """
    return text.strip().lower().removeprefix("mailto:").strip().rstrip("/")[:320]
