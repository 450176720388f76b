"""File locks that the kernel drops with their process, so none is ever stale."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

POLL_SECONDS = 0.05


class Lock:
    """A lock on one file, held by many at once (shared) or by one alone."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None
        self._held = False

    @property
    def is_held(self) -> bool:
        """Say whether we hold the lock, shared or alone."""
        return self._held

    def take(self, *, shared: bool = False, seconds: float = 0) -> bool:
        """Take the lock, waiting at most that many seconds; False when others still hold it then."""
        if self._descriptor is None:
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        deadline = time.monotonic() + seconds
        while True:
            try:
                fcntl.flock(self._descriptor, kind | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    return False
                time.sleep(POLL_SECONDS)
            else:
                self._held = True
                return True

    def drop(self) -> None:
        """Give the lock back; nothing happens when it is not held."""
        if self._descriptor is not None:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)  # closing alone leaves it to forked copies
            os.close(self._descriptor)
            self._descriptor = None
            self._held = False
