"""What is kept of one iCloud event: enough to expand it again, and nothing more.

The JSON form ("essence") lies in a row, so that blocks can be worked out anew when the window rolls or the
user's zone changes, without a fetch. No raw iCalendar text is kept, and of a PRIVATE event only its times
(reliability S24, S37).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

from icloud_sync.ical.values import Moment, Span, parse_moment
from icloud_sync.ical.vtimezone import Observance

Json = dict[str, Any]


class Attendee(NamedTuple):
    """One ATTENDEE line: its addresses (value and EMAIL parameter, normalised) and PARTSTAT, "" if absent."""

    addresses: tuple[str, ...]
    partstat: str


class Extra(NamedTuple):
    """One RDATE; a PERIOD has an end or a length of its own."""

    start: Moment
    end: Moment | None = None
    span: Span | None = None


class ScannedComponent(NamedTuple):
    """One VEVENT: the master of an event, or (with `recurrence_id`) one that replaces an occurrence.

    A tuple, for thousands are made in a first pull and a frozen dataclass takes three times as long to make.
    """

    start: Moment
    end: Moment | None = None
    duration: Span | None = None
    recurrence_id: Moment | None = None
    range_this_and_future: bool = False
    summary: str = ""
    location: str = ""
    transp: str = ""
    status: str = ""
    classification: str = ""
    attendees: tuple[Attendee, ...] = ()
    """Empty when nobody declined: then nothing about blocking depends on it."""
    needs_reply: bool = False
    rrules: tuple[str, ...] = ()
    rdates: tuple[Extra, ...] = ()
    exdates: tuple[Moment, ...] = ()
    travel_before: timedelta = timedelta(0)
    travel_after: timedelta = timedelta(0)

    @property
    def all_day(self) -> bool:
        """Whether it starts on a date without a time."""
        return self.start.all_day

    @property
    def floating(self) -> bool:
        """Whether its times are in the zone of whoever looks."""
        return not self.start.tzid

    @property
    def tzid(self) -> str:
        """The zone of its start as written; "UTC", or "" for floating times and dates."""
        return self.start.tzid

    @property
    def private(self) -> bool:
        """Whether its owner marked it so that only the times may be kept (CLASS)."""
        return self.classification in ("PRIVATE", "CONFIDENTIAL")

    @property
    def recurring(self) -> bool:
        """Whether it stands for more than one occurrence."""
        return bool(self.rrules or self.rdates)


@dataclass(frozen=True, slots=True)
class ScannedEvent:
    """One calendar object resource: one UID, a master and/or overrides.

    `zones` has the VTIMEZONEs of those TZIDs that the tz database does not know.
    """

    uid: str
    components: tuple[ScannedComponent, ...]
    zones: tuple[tuple[str, tuple[Observance, ...]], ...] = ()

    @property
    def recurring(self) -> bool:
        """Whether the resource describes a series."""
        return any(component.recurring for component in self.components)

    @property
    def title(self) -> str:
        """The title of the master, or of the first override when there is no master."""
        return self.components[0].summary

    def to_json(self) -> Json:
        """Return the essence. `from_json(to_json())` equals the event."""
        essence: Json = {"u": self.uid, "c": [_component_to_json(component) for component in self.components]}
        if self.zones:
            essence["z"] = [
                [tzid, [_observance_to_json(observance) for observance in observances]]
                for tzid, observances in self.zones
            ]
        return essence

    @classmethod
    def from_json(cls, data: Json) -> ScannedEvent:
        """Read an essence that `to_json` made."""
        return cls(
            uid=data["u"],
            components=tuple(_component_from_json(part) for part in data["c"]),
            zones=tuple(
                (tzid, tuple(_observance_from_json(part) for part in parts)) for tzid, parts in data.get("z", ())
            ),
        )


# The zone is written behind the time only where it differs from that of the start: "@Europe/Berlin".
_SAME = "="
_TEXTS = (
    ("t", "summary"),
    ("l", "location"),
    ("b", "transp"),
    ("s", "status"),
    ("v", "classification"),
)


def _moment_to_json(moment: Moment, tzid: str) -> str:
    if moment.tzid in ("", "UTC"):
        return moment.text()
    return moment.text() + (_SAME if moment.tzid == tzid else "@" + moment.tzid)


def _moment_from_json(text: str, tzid: str) -> Moment:
    if text[-1] == _SAME:
        return parse_moment(text[:-1], tzid)
    written, at, own = text.partition("@")
    return parse_moment(written, own if at else "")


def _component_to_json(component: ScannedComponent) -> Json:
    tzid = component.start.tzid
    data: Json = {"d": _moment_to_json(component.start, "")}
    if component.end is not None:
        data["e"] = _moment_to_json(component.end, tzid)
    if component.duration is not None:
        data["n"] = list(component.duration)
    if component.recurrence_id is not None:
        data["i"] = _moment_to_json(component.recurrence_id, tzid)
    for key, name in _TEXTS:
        text = getattr(component, name)
        if text:
            data[key] = text
    for key, flag in (("f", component.range_this_and_future), ("q", component.needs_reply)):
        if flag:
            data[key] = 1
    if component.attendees:
        data["a"] = [[list(attendee.addresses), attendee.partstat] for attendee in component.attendees]
    if component.rrules:
        data["r"] = list(component.rrules)
    if component.rdates:
        data["p"] = [_extra_to_json(extra, tzid) for extra in component.rdates]
    if component.exdates:
        data["x"] = [_moment_to_json(moment, tzid) for moment in component.exdates]
    for key, travel in (("g", component.travel_before), ("h", component.travel_after)):
        if travel:
            data[key] = int(travel.total_seconds())
    return data


def _component_from_json(data: Json) -> ScannedComponent:
    start = _moment_from_json(data["d"], "")
    tzid = start.tzid
    texts = {name: data[key] for key, name in _TEXTS if key in data}
    return ScannedComponent(
        start=start,
        end=_moment_from_json(data["e"], tzid) if "e" in data else None,
        duration=Span(*data["n"]) if "n" in data else None,
        recurrence_id=_moment_from_json(data["i"], tzid) if "i" in data else None,
        range_this_and_future=bool(data.get("f")),
        needs_reply=bool(data.get("q")),
        attendees=tuple(Attendee(tuple(addresses), partstat) for addresses, partstat in data.get("a", ())),
        rrules=tuple(data.get("r", ())),
        rdates=tuple(_extra_from_json(part, tzid) for part in data.get("p", ())),
        exdates=tuple(_moment_from_json(text, tzid) for text in data.get("x", ())),
        travel_before=timedelta(seconds=data.get("g", 0)),
        travel_after=timedelta(seconds=data.get("h", 0)),
        **texts,
    )


def _extra_to_json(extra: Extra, tzid: str) -> str | list[Any]:
    start = _moment_to_json(extra.start, tzid)
    if extra.end is not None:
        return [start, _moment_to_json(extra.end, tzid)]
    return [start, list(extra.span)] if extra.span is not None else start


def _extra_from_json(part: str | list[Any], tzid: str) -> Extra:
    if isinstance(part, str):
        return Extra(_moment_from_json(part, tzid))
    start = _moment_from_json(part[0], tzid)
    if isinstance(part[1], str):
        return Extra(start, end=_moment_from_json(part[1], tzid))
    return Extra(start, span=Span(*part[1]))


def _observance_to_json(observance: Observance) -> list[Any]:
    return [
        f"{observance.start:%Y%m%dT%H%M%S}".rjust(15, "0"),
        observance.offset_from,
        observance.offset_to,
        observance.rule,
        [f"{at:%Y%m%dT%H%M%S}".rjust(15, "0") for at in observance.also],
    ]


def _observance_from_json(part: list[Any]) -> Observance:
    start, offset_from, offset_to, rule, also = part
    return Observance(
        parse_moment(start, "").local,
        offset_from,
        offset_to,
        rule,
        tuple(parse_moment(at, "").local for at in also),
    )
