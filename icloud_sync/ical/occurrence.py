"""One occurrence of an event, and what all occurrences of one component share."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple

from icloud_sync.errors import ItemUnreadable
from icloud_sync.ical.event import ScannedComponent
from icloud_sync.ical.values import EARLIEST, LATEST, Span, clipped, shifted
from icloud_sync.ical.zones import Zone
from icloud_sync.rules.blocking import BUSY, ZERO_LENGTH

Original = datetime | date | None

_DAY: Final = timedelta(days=1)
_NOTHING: Final = timedelta(0)
_EPOCH_UTC: Final = EARLIEST.replace(tzinfo=UTC)
_MOST: Final = timedelta(days=120_000)


class Occurrence(NamedTuple):
    """One occurrence that touches the window. Times are aware and in UTC.

    `code` is BUSY FREE CANCELLED DECLINED or ZERO_LENGTH; only BUSY takes time. `original` says which
    occurrence of a series it is, wherever it was moved to: see `recurrence_id`.
    """

    start: datetime
    end: datetime
    all_day: bool
    title: str
    location: str
    code: str
    travel_before: timedelta
    travel_after: timedelta
    private: bool
    original: Original

    @property
    def recurrence_id(self) -> str | None:
        """A key that stays when the occurrence moves or the user's zone changes; None outside a series.

        UTC ("20261102T080000Z"), floating without Z, or the date of an all-day occurrence.
        """
        original = self.original
        if original is None:
            return None
        if not isinstance(original, datetime):
            return f"{original:%Y%m%d}"
        return f"{original:%Y%m%dT%H%M%S}" + ("Z" if original.tzinfo else "")

    @property
    def busy_start(self) -> datetime:
        """The start with travel time (rule P12)."""
        return self.start - self.travel_before

    @property
    def busy_end(self) -> datetime:
        """The end with travel time (rule P12)."""
        return self.end + self.travel_after


def to_utc(local: datetime, zone: Zone | None) -> datetime:
    """Return the UTC time of a wall clock; None is UTC. Skipped and repeated ones: the offset before the change.

    `local.fold` counts, as in Python: a wall clock that was made from a UTC time may mean the second one.
    """
    if not EARLIEST <= local <= LATEST:
        local = clipped(local)
    # Arithmetic from a fixed day gives an aware time ten times as fast as replace() and astimezone().
    if zone is None:
        return _EPOCH_UTC + (local - EARLIEST)
    return _EPOCH_UTC + (local - EARLIEST - (zone.utcoffset(local) or _NOTHING))


def nominal_and_exact(span: Span) -> tuple[timedelta, timedelta]:
    """Return the two parts of a DURATION: days of the wall clock, and exact time (RFC 5545 §3.3.6)."""
    return min(timedelta(days=span.days), _MOST), min(timedelta(seconds=span.seconds), _MOST)


class Part:
    """One component with what all its occurrences share: zone, length, code, travel time."""

    __slots__ = ("after", "before", "code", "component", "exact", "wall", "zone")

    def __init__(
        self, component: ScannedComponent, *, zone: Zone | None, code: str, exact_end: datetime | None
    ) -> None:
        """`exact_end` is the end of the first occurrence, when DTEND has a zone of its own."""
        self.component = component
        self.zone = zone
        self.code = code
        self.before = component.travel_before
        self.after = component.travel_after
        self.wall = _NOTHING
        self.exact = _NOTHING
        start, end, span = component.start, component.end, component.duration
        if start.all_day:
            days = (end.local - start.local).days if end is not None else 1
            if span is not None:
                days = span.days - (-span.seconds // 86_400)
            self.wall = max(days, 1) * _DAY
        elif span is not None:
            self.wall, self.exact = nominal_and_exact(span)
        elif exact_end is not None:
            self.exact = exact_end - to_utc(start.local, zone)
        elif end is not None:
            self.wall = min(end.local - start.local, _MOST)
        if self.wall + self.exact < _NOTHING:
            raise ItemUnreadable("negative_length")

    def end_of(self, local: datetime, start: datetime) -> datetime:
        """Return the end of an occurrence whose wall clock is `local` and whose time is `start`."""
        wall, zone = self.wall, self.zone
        if not wall:
            return start + self.exact
        if zone is None:
            return min(start + wall + self.exact, _LATEST)
        end = to_utc(shifted(local, days=wall.days, seconds=wall.seconds), zone)
        if end - start < wall and not self.component.start.all_day and _skipped(local, start, zone):
            end = start + wall
        return end + self.exact

    def occurrence(self, start: datetime, end: datetime, original: Original) -> Occurrence:
        """Return one occurrence of this component."""
        component = self.component
        return Occurrence(
            start,
            end,
            component.start.all_day,
            component.summary,
            component.location,
            ZERO_LENGTH if self.code == BUSY and end <= start else self.code,
            self.before,
            self.after,
            component.private,
            original,
        )


def _skipped(local: datetime, start: datetime, zone: Zone) -> bool:
    """Whether a wall clock does not exist, because clocks go forward over it."""
    return start.astimezone(zone).replace(tzinfo=None) != local


_LATEST: Final = LATEST.replace(tzinfo=UTC) + 2 * _DAY
