"""What one run did."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

COUNTS = ("created", "updated", "unchanged", "removed", "skipped", "written", "deleted")


@dataclass(slots=True)
class Report:
    """Counts of contract.md (`runs/`), and how far a run has come."""

    counts: Counter[str] = field(default_factory=Counter)
    done: int = 0
    total: int = 0

    def count(self, name: str, number: int = 1) -> None:
        """Add to one of COUNTS."""
        assert name in COUNTS, name
        self.counts[name] += number

    def as_dict(self) -> dict[str, int]:
        """Return every count, zeros included."""
        return {name: self.counts[name] for name in COUNTS}
