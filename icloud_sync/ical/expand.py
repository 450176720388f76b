"""A scanned event as occurrences in UTC: recurrence, exceptions, DST, all-day days, travel time.

Decisions (each has a test): DTSTART is always an occurrence, whether its rule gives it or not (RFC 5545
§3.8.5.3), and COUNT counts what the rule gives, excluded ones included. An occurrence that has both an EXDATE
and an override takes place as the override says. An override that replaces nothing still stands by itself.
Local wall clocks are kept over DST: a daily 22:00-06:00 ends at 06:00 on every day. A wall clock that is
skipped or repeated has the offset from before the change, and an event that starts in a skipped hour keeps
its length.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from icloud_sync.errors import ItemUnreadable
from icloud_sync.ical.component import address
from icloud_sync.ical.event import Extra, ScannedComponent, ScannedEvent
from icloud_sync.ical.occurrence import Occurrence, Original, Part, nominal_and_exact, to_utc
from icloud_sync.ical.recurrence import Budget, instances
from icloud_sync.ical.rrule import Rule, parse_rule
from icloud_sync.ical.scan import UNEXPECTED
from icloud_sync.ical.values import Moment, shifted
from icloud_sync.ical.zones import Zone, zone_of
from icloud_sync.rules.blocking import code_of, own_answer

__all__ = ["Occurrence", "expand"]

_DAY: Final = timedelta(days=1)
_HOUR: Final = timedelta(hours=1)
_NOTHING: Final = timedelta(0)
_STEPS_EACH: Final = 3
"""What one wall clock of a series takes off the budget, whether it is in the window or not."""


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


class _LeftOut:
    """What a series leaves out: EXDATEs, and occurrences that an override stands for."""

    __slots__ = ("dates", "floating", "instants")

    def __init__(self) -> None:
        self.dates: set[date] = set()
        self.floating: set[datetime] = set()
        self.instants: set[datetime] = set()

    def has(self, local: datetime, start: datetime) -> bool:
        return start in self.instants or local in self.floating or local.date() in self.dates


class _Onward(NamedTuple):
    """A RANGE=THISANDFUTURE override: later occurrences are like it, moved by as much."""

    since: datetime
    shift: timedelta
    part: Part


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
        self.found: list[Occurrence] = []
        self.zones: dict[str, Zone | None] = {"UTC": None, "": zone}

    def run(self) -> list[Occurrence]:
        components = self.event.components
        if len(components) == 1 and not (components[0].recurring or components[0].exdates):
            self._single(components[0])
            return self.found
        self.budget = Budget()
        self.embedded = dict(self.event.zones)
        parts = [self._part(component) for component in components if component.recurrence_id is not None]
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
        self.embedded = dict(self.event.zones)
        replaced = component.recurrence_id
        self._add(self._part(component), local, self._key(replaced) if replaced is not None else None)

    def _part(self, component: ScannedComponent) -> Part:
        answer = ""
        if component.attendees:
            own = {address(text) for text in self.own_addresses}
            answer = own_answer(
                [partstat for addresses, partstat in component.attendees if not own.isdisjoint(addresses)]
            )
        code = code_of(transp=component.transp, status=component.status, partstat=answer, length=_HOUR)
        start, end = component.start, component.end
        own_zone = end is not None and not end.all_day and end.tzid != start.tzid
        exact_end = self._instant(end) if own_zone and end is not None else None
        return Part(component, zone=self._zone(start.tzid), code=code, exact_end=exact_end)

    def _zone(self, tzid: str) -> Zone | None:
        try:
            return self.zones[tzid]
        except KeyError:
            found = zone_of(tzid, embedded=self.embedded, user_zone=self.user_zone, warnings=self.warnings)
            self.zones[tzid] = found
            return found

    def _instant(self, moment: Moment) -> datetime:
        return to_utc(moment.local, self._zone(moment.tzid))

    def _key(self, moment: Moment) -> datetime | date:
        if moment.all_day:
            return moment.local.date()
        return self._instant(moment) if moment.tzid else moment.local

    def _add(self, part: Part, local: datetime, original: Original) -> None:
        start = to_utc(local, part.zone)
        self._keep(part, start, part.end_of(local, start), original)

    def _keep(self, part: Part, start: datetime, end: datetime, original: Original) -> None:
        if start - part.before >= self.high:
            return
        if end + part.after <= self.low and not (start == end and start >= self.low):
            return
        if len(self.found) >= self.limit:
            raise ItemUnreadable("too_many_occurrences")
        self.found.append(part.occurrence(start, end, original))

    def _series(self, master: ScannedComponent, overrides: list[Part]) -> None:
        """Add what the master gives: DTSTART, its rules and RDATEs, less what is left out or replaced."""
        part = self._part(master)
        left_out = self._left_out(master, overrides)
        onwards = self._onwards(overrides)
        since = [onward.since for onward in onwards]
        low, high = self._reach(part, onwards)
        zone, all_day, floating = part.zone, master.start.all_day, not master.start.tzid
        exceptions = bool(master.exdates or overrides)
        seen: set[datetime] = set()
        for local in self._starts(part, low, high):
            if local in seen:
                continue
            seen.add(local)
            self.budget.spend(_STEPS_EACH)
            start = to_utc(local, zone)
            if exceptions and left_out.has(local, start):
                continue
            original: Original = local.date() if all_day else local if floating else start
            later = bisect_left(since, start) if onwards else 0
            if later:
                self._moved(part, onwards[later - 1], local, start, original)
            else:
                self._keep(part, start, part.end_of(local, start), original)
        for extra in master.rdates:
            self._extra(part, extra, left_out, seen)

    def _reach(self, part: Part, onwards: list[_Onward]) -> tuple[datetime, datetime]:
        """Return between which wall clocks an occurrence can start and still touch the window."""
        slack = max((abs(onward.shift) for onward in onwards), default=_NOTHING) + 3 * _DAY
        length = max([part.wall + part.exact, *(other.part.wall + other.part.exact for other in onwards)])
        low = shifted(self.low.replace(tzinfo=None), seconds=-_seconds(length + slack))
        return low, shifted(self.high.replace(tzinfo=None), seconds=_seconds(slack))

    def _starts(self, part: Part, low: datetime, high: datetime) -> Iterator[datetime]:
        """Yield the wall clocks of DTSTART and of every rule in [low, high); rules may repeat each other."""
        start = part.component.start.local
        if low <= start < high:
            yield start
        for text in part.component.rrules:
            rule = parse_rule(text)
            if rule.until is None:
                yield from instances(rule, start, low, high, self.budget)
                continue
            # Two days cover every zone: before them UNTIL is certainly not reached, after them certainly.
            certain, last = shifted(rule.until.local, days=-2), shifted(rule.until.local, days=2)
            for local in instances(rule, start, low, min(high, last), self.budget):
                if local <= certain or self._within_until(local, rule, part):
                    yield local

    def _within_until(self, local: datetime, rule: Rule, part: Part) -> bool:
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

    def _left_out(self, master: ScannedComponent, overrides: list[Part]) -> _LeftOut:
        left_out = _LeftOut()
        replaced = [part.component.recurrence_id for part in overrides]
        for moment in (*master.exdates, *replaced):
            if moment is None:
                continue
            if moment.all_day or master.start.all_day:
                left_out.dates.add(moment.local.date())
            elif moment.tzid:
                left_out.instants.add(self._instant(moment))
            else:
                left_out.floating.add(moment.local)
        return left_out

    def _onwards(self, overrides: list[Part]) -> list[_Onward]:
        """Return the THISANDFUTURE overrides in the order of what they replace."""
        found = []
        for part in overrides:
            replaced = part.component.recurrence_id
            if replaced is not None and part.component.range_this_and_future:
                since = self._instant(replaced)
                base = replaced.local if replaced.tzid == part.component.tzid else _clock(part, since)
                if part.component.all_day:
                    base = _midnight(base)
                found.append(_Onward(since, part.component.start.local - base, part))
        return sorted(found, key=lambda onward: onward.since)

    def _moved(self, master: Part, onward: _Onward, local: datetime, start: datetime, original: Original) -> None:
        """Add one occurrence of a series as a THISANDFUTURE override has it."""
        part = onward.part
        base = local if part.component.tzid == master.component.tzid else _clock(part, start)
        if part.component.all_day:
            base = _midnight(base)
        self._add(part, shifted(base, days=onward.shift.days, seconds=onward.shift.seconds), original)

    def _extra(self, part: Part, extra: Extra, left_out: _LeftOut, seen: set[datetime]) -> None:
        """Add one RDATE; a PERIOD brings its own length, and is kept beside an equal start without one."""
        first = part.component.start
        moment = extra.start
        if moment.all_day and not first.all_day:
            moment = first._replace(local=datetime.combine(moment.local.date(), first.local.time()))
        elif first.all_day and not moment.all_day:
            moment = Moment(_midnight(moment.local), "", True)
        start = self._instant(moment)
        local = moment.local if moment.tzid == first.tzid else _clock(part, start)
        own_length = extra.end is not None or extra.span is not None
        if left_out.has(local, start) or (local in seen and not own_length):
            return
        seen.add(local)
        if extra.end is not None:
            end = self._instant(extra.end)
        elif extra.span is not None:
            wall, exact = nominal_and_exact(extra.span)
            end = to_utc(shifted(local, days=wall.days), part.zone) + exact
        else:
            end = part.end_of(local, start)
        if end < start:
            raise ItemUnreadable("negative_length")
        self._keep(part, start, end, self._key(moment))


def _clock(part: Part, at: datetime) -> datetime:
    """Return the wall clock of a UTC time in the zone of a component."""
    return (at if part.zone is None else at.astimezone(part.zone)).replace(tzinfo=None)


def _midnight(local: datetime) -> datetime:
    return local.replace(hour=0, minute=0, second=0)


def _seconds(length: timedelta) -> int:
    return int(length.total_seconds())
