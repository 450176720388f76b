"""Who gives the appointment (rule A3)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

# A member this many appointments ahead of the one with the fewest is passed over (rule A3).
AHEAD = 3


@dataclass(frozen=True, slots=True)
class Candidate:
    """A member as assignment sees one. Candidates are given in list order.

    `last_booked`: creation of the member's latest appointment in this calendar; None comes first.
    `in_month`: the member's appointments in this calendar in the calendar month of the slot.
    """

    host: int
    priority: float = 0.0
    last_booked: datetime | None = None
    in_month: int = 0


def by_availability(candidates: Sequence[Candidate], free: Collection[int]) -> list[int]:
    """Return the free hosts, best first: highest priority, then longest since last booked, then list order."""

    def rank(candidate: Candidate) -> tuple[float, bool, float]:
        last = candidate.last_booked
        return (-candidate.priority, last is not None, last.timestamp() if last else 0.0)

    return [candidate.host for candidate in sorted(candidates, key=rank) if candidate.host in free]


def by_equal_distribution(candidates: Sequence[Candidate], free: Collection[int]) -> list[int]:
    """Return the free hosts, best first: fewest in the month, then list order; those too far ahead are left out."""
    ahead = too_far_ahead({candidate.host: candidate.in_month for candidate in candidates})
    ranked = sorted(candidates, key=lambda candidate: candidate.in_month)
    return [candidate.host for candidate in ranked if candidate.host in free and candidate.host not in ahead]


def too_far_ahead(counts: dict[int, int]) -> frozenset[int]:
    """Return the hosts that equal distribution passes over, given each member's appointments in one month.

    >>> sorted(too_far_ahead({1: 3, 2: 0, 3: 2}))
    [1]
    """
    fewest = min(counts.values(), default=0)
    return frozenset(host for host, count in counts.items() if count >= fewest + AHEAD)
