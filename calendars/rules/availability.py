"""Which starts are open, and why the others are closed (rules A1, A2, A6)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import Enum
from functools import cached_property
from zoneinfo import ZoneInfo

from calendars.rules.hours import instant, local_date
from calendars.rules.intervals import Cover, Interval, Nearby
from calendars.rules.reasons import Code, Reason

FOREVER = 1 << 60


class Shape(Enum):
    """How the hosts' time makes a slot (rule A1)."""

    ANY = "one free host is enough"
    ALL = "every host must be free"
    CLASS = "the owner is free, and seats are left"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a calendar asks of a slot. Durations are in seconds."""

    shape: Shape
    zone: ZoneInfo
    length: int
    before: int = 0
    after: int = 0
    notice: int = 0
    window_days: int = 60
    max_per_day: int | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """A host's time in one session, with the buffers of that session's calendar."""

    session: int
    start: int
    end: int
    before: int = 0
    after: int = 0
    own_class: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """Time closed without an appointment; it has no buffer of its own (rule A2)."""

    start: int
    end: int
    icloud: bool = False
    place: str = ""


@dataclass(frozen=True, slots=True)
class Sitting:
    """The class session that a start belongs to."""

    session: int
    taken: int
    seats: int


@dataclass(frozen=True)
class HostTime:
    """What one host has in the time asked about; beyond `horizon` nothing is known (rule P13).

    `busy` closes time as `blocks` do, and gives no reason: it is what they take together when nobody asks why.
    """

    host: int | None
    taken: Sequence[Taken] = ()
    blocks: Sequence[Block] = ()
    horizon: int | None = None
    busy: Sequence[Interval] = ()

    @cached_property
    def own_sessions(self) -> frozenset[int]:
        return frozenset(item.session for item in self.taken if item.own_class)

    @cached_property
    def taken_nearby(self) -> Nearby[Taken]:
        return Nearby(self.taken, span=lambda item: (item.start - item.before, item.end + item.after))

    @cached_property
    def blocks_nearby(self) -> Nearby[Block]:
        lasting = [block for block in self.blocks if block.start < block.end]
        return Nearby(lasting, span=lambda item: (item.start, item.end))

    def cover(self, terms: Terms) -> Cover:
        """Return the starts that each thing closes: one interval of starts for each thing."""
        lead = terms.length - 1
        return Cover([*((start - lead, end) for start, end in self.busy), *self._closed_starts(terms)])

    def _closed_starts(self, terms: Terms) -> Iterator[Interval]:
        for item in self.taken:
            lead, trail = max(terms.after, item.before), max(terms.before, item.after)
            yield item.start - terms.length - lead + 1, item.end + trail
        for block in self.blocks:
            if block.start < block.end:
                yield block.start - terms.length + 1, block.end
        if self.horizon is not None:
            yield self.horizon - terms.length + 1, FOREVER


@dataclass(frozen=True)
class Question:
    """Everything a slot depends on. `booked` counts appointments by the calendar's own dates; `sittings` are the
    class sessions by start; `passed_over` are the hosts equal distribution hides, by (year, month)."""

    terms: Terms
    hosts: Sequence[HostTime]
    now: int
    sittings: Mapping[int, Sitting] = field(default_factory=dict)
    booked: Mapping[date, int] = field(default_factory=dict)
    passed_over: Mapping[tuple[int, int], frozenset[int]] = field(default_factory=dict)

    @cached_property
    def earliest(self) -> int:
        return self.now + self.terms.notice

    @cached_property
    def closes(self) -> int:
        """The end of the last bookable date: `window_days` after today, in the calendar's zone."""
        last = local_date(self.now, self.terms.zone) + timedelta(days=self.terms.window_days)
        return instant(last, 1440, self.terms.zone)

    @cached_property
    def _covers(self) -> dict[int, Cover]:
        return {}

    def _cover(self, position: int) -> Cover:
        """Return what closes a host's starts; counted when it is first needed, as one free host is often enough."""
        found = self._covers.get(position)
        if found is None:
            found = self._covers[position] = self.hosts[position].cover(self.terms)
        return found

    def open_starts(self, starts: Iterable[int]) -> list[int]:
        """Return those of the starts (of the grid) that can be booked."""
        earliest, closes = self.earliest, self.closes
        timely = [start for start in starts if earliest <= start < closes]
        if self.terms.max_per_day is not None or self.sittings:
            timely = [start for start in timely if self._day_has_room(start) and self._has_seats(start)]
        opened: set[int] = set()
        closed = timely
        for position in range(len(self.hosts)):
            free = self._free_among(position, closed)
            if self.terms.shape is Shape.ALL:
                opened, closed = free, list(free)
            else:
                opened |= free
                closed = [start for start in closed if start not in free]
            if not closed:
                break
        return [start for start in timely if start in opened]

    def free_hosts(self, start: int) -> list[int | None]:
        """Return the hosts who are free themselves at a start, in list order, seats and day limits aside."""
        return [host.host for position, host in enumerate(self.hosts) if self._free(position, start)]

    def unbooked_hosts(self, start: int) -> list[int | None]:
        """Return the hosts without an overlapping appointment at a start: all that rule A4 asks for."""
        end = start + self.terms.length
        return [
            host.host
            for host in self.hosts
            if not any(item.start < end and item.end > start for item in self._others(host, start))
        ]

    def reasons(self, start: int) -> list[Reason]:
        """Return why a start of the grid is closed, in the order of the checks; nothing when it is open."""
        people = [] if self._people_free(start) else list(self._people_reasons(start))
        return [*self._calendar_reasons(start), *people]

    def _day_has_room(self, start: int) -> bool:
        limit = self.terms.max_per_day
        return limit is None or self.booked.get(local_date(start, self.terms.zone), 0) < limit

    def _has_seats(self, start: int) -> bool:
        sitting = self.sittings.get(start)
        return sitting is None or sitting.taken < sitting.seats

    def _people_free(self, start: int) -> bool:
        free = (self._free(position, start) for position in range(len(self.hosts)))
        if self.terms.shape is Shape.ALL:
            return bool(self.hosts) and all(free)
        return self._has_seats(start) and any(free)

    def _free_among(self, position: int, starts: Iterable[int]) -> set[int]:
        if self.sittings or self.passed_over:
            return {start for start in starts if self._free(position, start)}
        return self._cover(position).outside(starts)

    def _free(self, position: int, start: int) -> bool:
        host, sitting = self.hosts[position], self.sittings.get(start)
        own = 1 if sitting is not None and sitting.session in host.own_sessions else 0
        return self._cover(position).count(start) == own and not self._is_passed_over(host, start)

    def _is_passed_over(self, host: HostTime, start: int) -> bool:
        if not self.passed_over:
            return False
        day = local_date(start, self.terms.zone)
        return host.host in self.passed_over.get((day.year, day.month), frozenset())

    def _calendar_reasons(self, start: int) -> Iterator[Reason]:
        if start < self.earliest:
            yield Reason(Code.NOTICE, start=self.earliest)
        if start >= self.closes:
            yield Reason(Code.TOO_FAR, limit=self.terms.window_days)
        if not self._day_has_room(start):
            yield Reason(Code.DAY_LIMIT, limit=self.terms.max_per_day)

    def _people_reasons(self, start: int) -> Iterator[Reason]:
        if not self.hosts:
            yield Reason(Code.NO_MEMBER)
        found = {host.host: list(self._host_reasons(host, start)) for host in self.hosts}
        if self.terms.shape is Shape.ALL:
            busy = tuple(host for host, reasons in found.items() if reasons and host is not None)
            if busy:
                yield Reason(Code.COLLECTIVE, hosts=busy)
        for reasons in found.values():
            yield from reasons
        sitting = self.sittings.get(start)
        if sitting is not None and sitting.taken >= sitting.seats:
            yield Reason(Code.SEATS, limit=sitting.seats)

    def _host_reasons(self, host: HostTime, start: int) -> Iterator[Reason]:
        end = start + self.terms.length
        near = self._others(host, start)
        for item in near:
            if item.start < end and item.end > start:
                yield Reason(Code.BOOKED, host.host, item.start, item.end)
        for item in near:
            if not (item.start < end and item.end > start) and _buffers_meet(self.terms, item, start):
                yield Reason(Code.BUFFER, host.host, item.start, item.end)
        blocks = host.blocks_nearby.overlapping(start, end)
        for block in sorted(blocks, key=lambda block: block.icloud):
            code = Code.ICLOUD_BUSY if block.icloud else Code.BLOCKED
            yield Reason(code, host.host, block.start, block.end, block.place)
        if self._is_passed_over(host, start):
            yield Reason(Code.NO_MEMBER, host.host)
        if host.horizon is not None and end > host.horizon:
            yield Reason(Code.HORIZON, host.host, start=host.horizon)

    def _others(self, host: HostTime, start: int) -> list[Taken]:
        """Return the host's sessions around a slot, without the class session that the slot is a seat of."""
        terms, sitting = self.terms, self.sittings.get(start)
        near = host.taken_nearby.overlapping(start - terms.before, start + terms.length + terms.after)
        own = sitting.session if sitting is not None else None
        return [item for item in near if not (item.own_class and item.session == own)]


def _buffers_meet(terms: Terms, item: Taken, start: int) -> bool:
    """Return whether the slot with its buffers meets the appointment, or the slot the appointment with its own."""
    end = start + terms.length
    ours = start - terms.before < item.end and end + terms.after > item.start
    theirs = start < item.end + item.after and end > item.start - item.before
    return ours or theirs
