"""Edits of recurring events as Apple's calendars make them."""

from __future__ import annotations

import copy
import warnings
from datetime import UTC, datetime, timedelta
from typing import Any

import icalendar
import recurring_ical_events
from dateutil.rrule import rrulestr

from tests.fake_icloud import compose, ics
from tests.fake_icloud.ics import Component, Line, Moment

_TEXTS = {"title": "SUMMARY", "location": "LOCATION", "notes": "DESCRIPTION"}
_VALUES = {"rrule": "RRULE", "status": "STATUS"}
_RELATED = ";RELTYPE=X-CALENDARSERVER-RECURRENCE-SET"


def master(root: Component) -> Component:
    """Return the VEVENT without RECURRENCE-ID, else the first one (an invitation to one instance, fact 7.9)."""
    events = root.named("VEVENT")
    if not events:
        raise LookupError("no VEVENT in the text")
    return next((event for event in events if event.get("RECURRENCE-ID") is None), events[0])


def overrides(root: Component) -> list[Component]:
    return [event for event in root.named("VEVENT") if event.get("RECURRENCE-ID") is not None]


def stamped(event: Component, now: datetime) -> None:
    event.set("DTSTAMP", ics.utc(now))
    event.set("LAST-MODIFIED", ics.utc(now))


def bump(event: Component) -> None:
    """Count a change of time (RFC 5546 section 2.1.4)."""
    event.set("SEQUENCE", str(int(event.value("SEQUENCE") or 0) + 1))


def apply(event: Component, fields: dict[str, Any]) -> None:
    """Write the fields of an edit; None takes a text or value away. TypeError for a field that is unknown."""
    unknown = set(fields) - {"start", "end", "free", *_TEXTS, *_VALUES}
    if unknown:
        raise TypeError(f"the phone cannot edit {sorted(unknown)}")
    for field, name in {**_TEXTS, **_VALUES}.items():
        if field in fields:
            value = fields[field]
            if value is None:
                event.drop(name)
            else:
                event.set(name, ics.escape(value) if field in _TEXTS else value)
    if "free" in fields:
        event.set("TRANSP", "TRANSPARENT" if fields["free"] else "OPAQUE")
    if "start" in fields or "end" in fields:
        start, end = ics.span(event)
        fresh = fields.get("start", start)
        same_kind = isinstance(start, datetime) == isinstance(fresh, datetime)
        length = ics.length_of(event) if same_kind else timedelta(hours=1)
        compose.put_times(event, fresh, fields.get("end", fresh + length if "start" in fields else end))
        bump(event)


def edit_master(root: Component, fields: dict[str, Any]) -> None:
    """Edit all occurrences. A new start moves exceptions along, as the phone does for "all events"."""
    event = master(root)
    before = ics.span(event)[0]
    apply(event, fields)
    after = ics.span(event)[0]
    if isinstance(before, datetime) and isinstance(after, datetime) and before != after and event.get("RRULE"):
        shift = after - before if before.tzinfo and after.tzinfo else timedelta()
        event.lines = [_shifted(line, shift) if line.name == "EXDATE" else line for line in event.lines]
        for override in overrides(root):
            override.lines = [
                _shifted(line, shift) if line.name == "RECURRENCE-ID" else line for line in override.lines
            ]


def _shifted(line: Line, shift: timedelta) -> Line:
    values = []
    for text in line.value.split(","):
        moment = ics.moment_of(text, line.param("TZID"))
        values.append(ics.stamp(moment + shift)[0] if isinstance(moment, datetime) else text)
    return Line(line.name, line.params, ",".join(values))


def _override(root: Component, at: Moment) -> Component | None:
    for event in overrides(root):
        line = event.get("RECURRENCE-ID")
        if line is not None and compose.same(compose.as_written(master(root), ics.moment(line)), at):
            return event
    return None


def edit_occurrence(root: Component, at: Moment, fields: dict[str, Any]) -> None:
    """Change one occurrence: an override in the same resource (fact 7.9)."""
    series = master(root)
    at = compose.as_written(series, at)
    event = _override(root, at)
    if event is None:
        event = copy.deepcopy(series)
        event.drop("RRULE", "RDATE", "EXDATE")
        compose.put_times(event, at, at + ics.length_of(series))
        event.set("RECURRENCE-ID", *ics.stamp(at))
        root.children.append(event)
    apply(event, fields)


def delete_occurrence(root: Component, at: Moment) -> None:
    series = master(root)
    at = compose.as_written(series, at)
    event = _override(root, at)
    if event is not None:
        root.children.remove(event)
    compose.add_dates(series, "EXDATE", [at])
    bump(series)


def end_before(root: Component, at: Moment, *, related: bool = False) -> None:
    """End a series before `at`; later overrides and exceptions go."""
    series = master(root)
    at = compose.as_written(series, at)
    rule = _parts(series.value("RRULE") or "")
    rule.pop("COUNT", None)
    rule["UNTIL"] = _until(at)
    series.set("RRULE", _joined(rule))
    _keep(root, series, lambda moment: compose.before(moment, at))
    bump(series)
    if related:
        _relate(series, ics.unescape(series.value("UID") or ""))


def begin_at(root: Component, at: Moment, *, uid: str, fields: dict[str, Any]) -> None:
    """Turn a copy of a series into its second half: new UID, starts at `at` (fact 7.10)."""
    series = master(root)
    old_uid = series.value("UID") or ""
    at = compose.as_written(series, at)
    start, length = ics.span(series)[0], ics.length_of(series)
    rule = _parts(series.value("RRULE") or "")
    if "COUNT" in rule:
        rule["COUNT"] = str(int(rule["COUNT"]) - _count_before(series.value("RRULE") or "", start, at))
        series.set("RRULE", _joined(rule))
    _keep(root, series, lambda moment: not compose.before(moment, at))
    compose.put_times(series, at, at + length)
    for event in root.named("VEVENT"):
        event.set("UID", uid)
    _relate(series, old_uid)
    apply(series, fields)


def _keep(root: Component, series: Component, wanted: Any) -> None:
    """Drop overrides, EXDATEs and RDATEs on the wrong side of a split."""
    for event in overrides(root):
        line = event.get("RECURRENCE-ID")
        if line is not None and not wanted(compose.as_written(series, ics.moment(line))):
            root.children.remove(event)
    kept = []
    for line in series.lines:
        if line.name in ("EXDATE", "RDATE") and line.param("VALUE") != "PERIOD":
            values = [text for text in line.value.split(",") if wanted(ics.moment_of(text, line.param("TZID")))]
            if not values:
                continue
            line = Line(line.name, line.params, ",".join(values))
        kept.append(line)
    series.lines = kept


def _relate(event: Component, uid: str) -> None:
    event.set("RELATED-TO", uid, _RELATED)


def _parts(rule: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in rule.split(";") if "=" in part)


def _joined(rule: dict[str, str]) -> str:
    return ";".join(f"{name}={value}" for name, value in rule.items())


def _until(at: Moment) -> str:
    """Return UNTIL just before a moment: UTC for zoned times, else in the form of DTSTART (RFC 5545 3.3.10)."""
    if not isinstance(at, datetime):
        return (at - timedelta(days=1)).strftime("%Y%m%d")
    last = (at.astimezone(UTC) if at.tzinfo else at) - timedelta(seconds=1)
    return ics.utc(last) if at.tzinfo else last.strftime("%Y%m%dT%H%M%S")


def _count_before(rule: str, start: Moment, at: Moment) -> int:
    def naive(moment: Moment) -> datetime:
        if isinstance(moment, datetime):
            return moment.replace(tzinfo=None)
        return datetime(moment.year, moment.month, moment.day)

    found = rrulestr(rule, dtstart=naive(start))
    return sum(1 for _ in found.between(naive(start), naive(at) - timedelta(seconds=1), inc=True))


def occurrences(body: bytes, start: datetime, end: datetime) -> list[tuple[Moment, Moment]]:
    """Return start and end of each instance in a window, read with icalendar and recurring-ical-events."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # icalendar says so when it guesses a zone
        found = recurring_ical_events.of(icalendar.Calendar.from_ical(body)).between(start, end)
    return sorted((event.start, event.end) for event in found)
