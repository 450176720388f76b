"""Both sides edited one appointment: merge field by field (rule P8)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Fields = Mapping[str, str]

# Start and end are one field: a time taken from one side with an end from the other is nobody's wish.
GROUPS: tuple[tuple[str, ...], ...] = (("title",), ("start", "end"), ("location",), ("notes",))


@dataclass(frozen=True, slots=True)
class Merge:
    """`take`: iCloud's values to apply to the appointment. `lost`: iCloud's values that gave way, for the journal."""

    take: dict[str, str] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)


def merge(*, base: Fields, local: Fields, remote: Fields) -> Merge:
    """Return what to take from iCloud and what is lost, all three given as texts (times in ISO 8601, UTC).

    A field edited on one side only keeps that edit; edited on both, LeadMagicX wins: its time was promised to a
    client. A side that says nothing of a field (a key left out) did not edit it.

    >>> merge(base={"title": "a", "notes": ""}, local={"title": "b", "notes": ""}, remote={"title": "c", "notes": "x"})
    Merge(take={'notes': 'x'}, lost={'title': 'c'})
    """
    result = Merge()
    for group in GROUPS:
        there = _edits(group, base, remote)
        if not there or not _differs(group, local, remote):
            continue
        target = result.lost if _edits(group, base, local) else result.take
        target.update({name: remote[name] for name in group if name in remote})
    return result


def _edits(group: tuple[str, ...], base: Fields, side: Fields) -> bool:
    return any(name in side and side[name] != base.get(name, "") for name in group)


def _differs(group: tuple[str, ...], one: Fields, other: Fields) -> bool:
    return any(one.get(name) != other.get(name) for name in group)
