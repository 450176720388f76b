"""A scanned event as occurrences in UTC: recurrence, exceptions, DST, all-day days, travel time.

Decisions (each has a test): DTSTART is always an occurrence, whether its rule gives it or not (RFC 5545
§3.8.5.3), and COUNT counts what the rule gives, excluded ones included. An occurrence that has both an EXDATE
and an override takes place as the override says. An override that replaces nothing still stands by itself.
Local wall clocks are kept over DST: a daily 22:00-06:00 ends at 06:00 on every day. A wall clock that is
skipped or repeated has the offset from before the change, and an event that starts in a skipped hour keeps
its length.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from icloud_sync.errors import ItemUnreadable
from icloud_sync.ical.component import address
from icloud_sync.ical.event import Extra, ScannedComponent, ScannedEvent
from icloud_sync.ical.recurrence import Budget, instances
from icloud_sync.ical.rrule import Rule, parse_rule
from icloud_sync.ical.scan import UNEXPECTED
from icloud_sync.ical.values import EARLIEST, LATEST, Moment, Span, clipped, shifted
from icloud_sync.ical.zones import Zone, zone_of
from icloud_sync.rules.blocking import BUSY, ZERO_LENGTH, code_of, own_answer

_DAY: Final = timedelta(days=1)
_HOUR: Final = timedelta(hours=1)
_NOTHING: Final = timedelta(0)
_MOST: Final = timedelta(days=120_000)
Original = datetime | date | None


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
        if self.original is None:
            return None
        if not isinstance(self.original, datetime):
            return f"{self.original:%Y%m%d}"
        return f"{self.original:%Y%m%dT%H%M%S}" + ("Z" if self.original.tzinfo else "")

    @property
    def busy_start(self) -> datetime:
        """The start with travel time (rule P12)."""
        return self.start - self.travel_before

    @property
    def busy_end(self) -> datetime:
        """The end with travel time (rule P12)."""
        return self.end + self.travel_after


def expand(
    event: ScannedEvent,
    *,
    zone: ZoneInfo,
    window: tuple[datetime, datetime],
    own_addresses: frozenset[str],
    limit: int = 3000,
    warnings: list[str] | None = None,
) -> list[Occurrence]:
    """Return the occurrences that touch [window), travel time counted, in order of their start.

    `zone` is the user's: all-day events are its days, floating times its wall clock (rule P11).
    `own_addresses`: the user's calendar user addresses, mailto or path, in any spelling. Times before 1900
    and after 2200 are clipped. `warnings` collects what was guessed (unknown_timezone).

    Raises ItemUnreadable: too_many_occurrences (more than `limit`; never cut short, which would open time),
    rule_too_costly, negative_length.
    """
    try:
        return _Expansion(event, zone, window, own_addresses, limit, warnings).run()
    except UNEXPECTED as error:
        raise ItemUnreadable("unexpected") from error


def to_utc(local: datetime, zone: Zone | None) -> datetime:
    """Return the UTC time of a wall clock; None is UTC. Skipped and repeated ones: the offset before the change."""
    if not EARLIEST <= local <= LATEST:
        local = clipped(local)
    if zone is None:
        return local.replace(tzinfo=UTC)
    return local.replace(tzinfo=zone).astimezone(UTC)


class _Part:
    """One component with what all its occurrences share."""

    __slots__ = ("after", "before", "code", "component", "exact", "wall", "zone")

    def __init__(self, component: ScannedComponent, zone: Zone | None, code: str) -> None:
        self.component = component
        self.zone = zone
        self.code = code
        self.before = component.travel_before
        self.after = component.travel_after
        self.wall = _NOTHING
        self.exact = _NOTHING

    def set_length(self, end: datetime | None) -> None:
        """Work out how long an occurrence is; `end` is the exact one when DTEND has a zone of its own."""
        component = self.component
        start, span = component.start, component.duration
        if start.all_day:
            days = (component.end.local - start.local).days if component.end is not None else 1
            if span is not None:
                days = span.days - (-span.seconds // 86_400)
            self.wall = max(days, 1) * _DAY
        elif span is not None:
            self.wall, self.exact = _split(span)
        elif end is not None:
            self.exact = end - to_utc(start.local, self.zone)
        elif component.end is not None:
            self.wall = min(component.end.local - start.local, _MOST)
        if self.wall + self.exact < _NOTHING:
            raise ItemUnreadable("negative_length")

    def end_of(self, local: datetime, start: datetime) -> datetime:
        """Return the end of an occurrence whose wall clock is `local` and whose time is `start`."""
        if not self.wall:
            return start + self.exact
        end = to_utc(shifted(local, days=self.wall.days, seconds=self.wall.seconds), self.zone)
        if self.zone is not None and end - start < self.wall and not self.component.start.all_day:
            skipped = start.astimezone(self.zone).replace(tzinfo=None) != local
            if skipped:
                end = start + self.wall
        return end + self.exact

    def occurrence(self, start: datetime, end: datetime, original: Original) -> Occurrence:
        component = self.component
        code = ZERO_LENGTH if self.code == BUSY and end <= start else self.code
        return Occurrence(
            start,
            end,
            component.start.all_day,
            component.summary,
            component.location,
            code,
            self.before,
            self.after,
            component.private,
            original,
        )


class _Replaced:
    """What a series leaves out: EXDATEs, and occurrences that an override stands for."""

    __slots__ = ("dates", "floating", "instants")

    def __init__(self) -> None:
        self.dates: set[date] = set()
        self.floating: set[datetime] = set()
        self.instants: set[datetime] = set()

    def __contains__(self, at: tuple[datetime, datetime]) -> bool:
        local, start = at
        return start in self.instants or local in self.floating or local.date() in self.dates


class _Expansion:
    """One call of `expand`."""

    def __init__(
        self,
        event: ScannedEvent,
        zone: ZoneInfo,
        window: tuple[datetime, datetime],
        own_addresses: frozenset[str],
        limit: int,
        warnings: list[str] | None,
    ) -> None:
        self.event = event
        self.user_zone = zone
        self.low, self.high = window
        self.own_addresses = own_addresses
        self.limit = limit
        self.warnings = warnings
        self.budget = Budget()
        self.found: list[Occurrence] = []
        self.zones: dict[str, Zone | None] = {"UTC": None, "": zone}

    def run(self) -> list[Occurrence]:
        components = self.event.components
        if len(components) == 1 and not components[0].recurring:
            self._single(components[0])
            return self.found
        overrides = [component for component in components if component.recurrence_id is not None]
        parts = [self._part(component) for component in overrides]
        for component in components:
            if component.recurrence_id is None:
                self._series(component, parts)
        for part in parts:
            if part.component.recurrence_id is not None:
                self._add(part, part.component.start.local, self._key(part.component.recurrence_id))
        self.found.sort(key=lambda occurrence: (occurrence.start, occurrence.end))
        return self.found

    def _single(self, component: ScannedComponent) -> None:
        """Add the one occurrence; most events are far from the window, and cost next to nothing."""
        local, end = component.start.local, component.end
        if local > self.high.replace(tzinfo=None) + 3 * _DAY:
            return
        if end is not None and end.local < self.low.replace(tzinfo=None) - 3 * _DAY:
            return
        replaced = component.recurrence_id
        if component.exdates and local in (moment.local for moment in component.exdates):
            return
        self._add(self._part(component), local, self._key(replaced) if replaced is not None else None)

    def _part(self, component: ScannedComponent) -> _Part:
        answers = ""
        if component.attendees:
            own = {address(text) for text in self.own_addresses}
            answers = own_answer(
                [partstat for addresses, partstat in component.attendees if not own.isdisjoint(addresses)]
            )
        code = code_of(transp=component.transp, status=component.status, partstat=answers, length=_HOUR)
        start, end = component.start, component.end
        part = _Part(component, self._zone(start), code)
        own_end = end is not None and not end.all_day and end.tzid != start.tzid
        part.set_length(self._instant(end) if own_end and end is not None else None)
        return part

    def _zone(self, moment: Moment) -> Zone | None:
        tzid = moment.tzid
        try:
            return self.zones[tzid]
        except KeyError:
            found = zone_of(tzid, embedded=dict(self.event.zones), user_zone=self.user_zone, warnings=self.warnings)
            self.zones[tzid] = found
            return found

    def _instant(self, moment: Moment) -> datetime:
        return to_utc(moment.local, self._zone(moment))

    def _key(self, moment: Moment) -> datetime | date:
        if moment.all_day:
            return moment.local.date()
        return self._instant(moment) if moment.tzid else moment.local

    def _add(self, part: _Part, local: datetime, original: Original) -> None:
        start = to_utc(local, part.zone)
        self._keep(part, start, part.end_of(local, start), original)

    def _keep(self, part: _Part, start: datetime, end: datetime, original: Original) -> None:
        if start - part.before >= self.high:
            return
        if end + part.after <= self.low and not (start == end and start >= self.low):
            return
        if len(self.found) >= self.limit:
            raise ItemUnreadable("too_many_occurrences")
        self.found.append(part.occurrence(start, end, original))

    def _series(self, master: ScannedComponent, overrides: list[_Part]) -> None:
        """Add what the master gives: DTSTART, its rules and RDATEs, less what is left out or replaced."""
        part = self._part(master)
        replaced = self._left_out(master, overrides)
        onwards = self._onwards(overrides)
        slack = max((abs(shift) for _, shift, _ in onwards), default=_NOTHING)
        length = max([part.wall + part.exact, *(other.wall + other.exact for _, _, other in onwards)])
        low = shifted(self.low.replace(tzinfo=None), seconds=-_seconds(length + slack + 2 * _DAY))
        high = shifted(self.high.replace(tzinfo=None), seconds=_seconds(slack + 2 * _DAY))
        own_key = master.start.all_day or not master.start.tzid
        seen: set[datetime] = set()
        for local in self._starts(part, low, high):
            if local in seen:
                continue
            seen.add(local)
            start = to_utc(local, part.zone)
            if (local, start) in replaced:
                continue
            original = (local.date() if master.start.all_day else local) if own_key else start
            later = [item for item in onwards if item[0] < start]
            if later:
                self._moved(part, later[-1], local, start, original)
            else:
                self._keep(part, start, part.end_of(local, start), original)
        for extra in master.rdates:
            self._extra(part, extra, replaced, seen)

    def _starts(self, part: _Part, low: datetime, high: datetime) -> Iterator[datetime]:
        """Yield the wall clocks of DTSTART and of every rule in [low, high); rules may repeat each other."""
        start = part.component.start.local
        if low <= start < high:
            yield start
        for text in part.component.rrules:
            rule = parse_rule(text)
            edge = self._last_for_certain(rule, part)
            if edge is None:
                yield from instances(rule, start, low, high, self.budget)
                continue
            for local in instances(rule, start, low, min(high, shifted(edge, days=2)), self.budget):
                if local <= edge or self._within_until(local, rule, part):
                    yield local

    def _last_for_certain(self, rule: Rule, part: _Part) -> datetime | None:
        """Return a wall clock up to which every time is within UNTIL; later ones have to be looked at."""
        return shifted(rule.until.local, days=-2) if rule.until is not None else None

    def _within_until(self, local: datetime, rule: Rule, part: _Part) -> bool:
        """UNTIL as a date includes its whole day; on all-day series only its date counts, UTC or local."""
        until = rule.until
        if until is None:
            return True
        if until.all_day:
            return local.date() <= until.local.date()
        if part.component.start.all_day:
            last = until.local.date()
            if until.tzid:
                last = max(last, until.local.replace(tzinfo=UTC).astimezone(self.user_zone).date())
            return local.date() <= last
        if until.tzid:
            return to_utc(local, part.zone) <= until.local.replace(tzinfo=UTC)
        return local <= until.local

    def _left_out(self, master: ScannedComponent, overrides: list[_Part]) -> _Replaced:
        left_out = _Replaced()
        moments = list(master.exdates)
        moments += [part.component.recurrence_id for part in overrides if part.component.recurrence_id is not None]
        for moment in moments:
            if moment.all_day or master.start.all_day:
                left_out.dates.add(moment.local.date())
            elif moment.tzid:
                left_out.instants.add(self._instant(moment))
            else:
                left_out.floating.add(moment.local)
        return left_out

    def _onwards(self, overrides: list[_Part]) -> list[tuple[datetime, timedelta, _Part]]:
        """Return (from when, by how much, as what) of each RANGE=THISANDFUTURE override, in order."""
        found = []
        for part in overrides:
            replaced = part.component.recurrence_id
            if replaced is not None and part.component.range_this_and_future:
                since = self._instant(replaced)
                base = self._clock(part, since) if replaced.tzid != part.component.tzid else replaced.local
                if part.component.start.all_day:
                    base = base.replace(hour=0, minute=0, second=0)
                found.append((since, part.component.start.local - base, part))
        return sorted(found, key=lambda item: item[0])

    def _clock(self, part: _Part, at: datetime) -> datetime:
        """Return the wall clock of a UTC time in the zone of a component."""
        return (at if part.zone is None else at.astimezone(part.zone)).replace(tzinfo=None)

    def _moved(
        self,
        master: _Part,
        onward: tuple[datetime, timedelta, _Part],
        local: datetime,
        start: datetime,
        original: Original,
    ) -> None:
        """Add one occurrence of a series as a THISANDFUTURE override has it."""
        _, shift, part = onward
        base = local if part.component.tzid == master.component.tzid else self._clock(part, start)
        if part.component.start.all_day:
            base = base.replace(hour=0, minute=0, second=0)
        self._add(part, shifted(base, days=shift.days, seconds=shift.seconds), original)

    def _extra(self, part: _Part, extra: Extra, replaced: _Replaced, seen: set[datetime]) -> None:
        """Add one RDATE; a PERIOD brings its own length, and is kept beside an equal start without one."""
        all_day = part.component.start.all_day
        moment = extra.start
        if moment.all_day and not all_day:
            moment = part.component.start._replace(
                local=datetime.combine(moment.local.date(), part.component.start.local.time())
            )
        elif all_day and not moment.all_day:
            moment = Moment(moment.local.replace(hour=0, minute=0, second=0), "", True)
        start = self._instant(moment)
        local = moment.local if moment.tzid == part.component.tzid else self._clock(part, start)
        own_length = extra.end is not None or extra.span is not None
        if (local, start) in replaced or (local in seen and not own_length):
            return
        seen.add(local)
        if extra.end is not None:
            end = self._instant(extra.end)
        elif extra.span is not None:
            wall, exact = _split(extra.span)
            end = to_utc(shifted(local, days=wall.days), part.zone) + exact
        else:
            end = part.end_of(local, start)
        if end < start:
            raise ItemUnreadable("negative_length")
        self._keep(part, start, end, self._key(moment))


def _split(span: Span) -> tuple[timedelta, timedelta]:
    """Return the nominal and the exact part of a DURATION (RFC 5545 §3.3.6)."""
    return min(timedelta(days=span.days), _MOST), min(timedelta(seconds=span.seconds), _MOST)


def _seconds(length: timedelta) -> int:
    return int(length.total_seconds())
