"""What may be told of somebody's private event to others (rule P15)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Times and numbers. Titles, places and notes are not among them, nor anything that is invented later.
NEVER_PRIVATE = frozenset(
    {"start", "end", "state", "code"}
    | {"created", "updated", "unchanged", "removed", "skipped", "written", "deleted", "done", "total"}
)


def public_part(values: Any) -> Any:
    """Return what everybody may see of a journal entry's values.

    >>> public_part({"title": "Dentist", "start": "2026-03-01T09:00:00+00:00"})
    {'start': '2026-03-01T09:00:00+00:00'}
    """
    if not isinstance(values, Mapping):
        return None
    return {name: value for name, value in values.items() if name in NEVER_PRIVATE}
