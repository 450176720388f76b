"""The clock of the server: real time, unless a test moves or stops it."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class Clock:
    """Seconds since 1970. Follows time.time() (so also time-machine) plus an offset."""

    def __init__(self) -> None:
        self._offset = 0.0
        self._frozen: float | None = None

    def now(self) -> float:
        """Return the present moment in seconds since 1970."""
        return self._frozen if self._frozen is not None else time.time() + self._offset

    def moment(self) -> datetime:
        """Return the present moment in UTC."""
        return datetime.fromtimestamp(self.now(), UTC)

    def advance(self, seconds: float) -> None:
        """Let time pass at once."""
        if self._frozen is not None:
            self._frozen += seconds
        else:
            self._offset += seconds

    def freeze(self, at: float | datetime | None = None) -> None:
        """Stop at a moment (default: now); only advance() moves on from there."""
        moment = self.now() if at is None else at
        self._frozen = moment.timestamp() if isinstance(moment, datetime) else float(moment)

    def reset(self) -> None:
        """Follow the real clock again."""
        self._offset, self._frozen = 0.0, None
