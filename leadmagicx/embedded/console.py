"""Lines for people and for log files, from a process that must never wait for whoever reads them."""

from __future__ import annotations

import os
import select
from collections import deque
from pathlib import Path

LONGEST_BACKLOG = 2000
LONGEST_LOG = 10_000_000
# A pipe that select(2) calls writable takes this much without blocking (POSIX: PIPE_BUF).
CHUNK = 512


class Console:
    """Standard output that drops lines instead of blocking when nobody reads it (a full pipe, Ctrl-S)."""

    def __init__(self, descriptor: int = 1) -> None:
        self._descriptor: int | None = descriptor
        self._backlog: deque[bytes] = deque()
        self._dropped = 0

    def say(self, line: str = "") -> None:
        """Write a line as soon as there is room."""
        if len(self._backlog) >= LONGEST_BACKLOG:
            self._backlog.popleft()
            self._dropped += 1
        self._backlog.append(line.encode(errors="replace") + b"\n")
        self.flush()

    def flush(self) -> None:
        """Write what there is room for."""
        while self._backlog and (descriptor := self._descriptor) is not None and _has_room(descriptor):
            if self._dropped:
                self._backlog.appendleft(b"(%d lines left out here; they are in the log files)\n" % self._dropped)
                self._dropped = 0
            line = self._backlog.popleft()
            try:
                written = os.write(descriptor, line[:CHUNK])
            except OSError:
                self._descriptor = None
                return
            if written < len(line):
                self._backlog.appendleft(line[written:])


def _has_room(descriptor: int) -> bool:
    _, writable, _ = select.select([], [descriptor], [], 0)
    return bool(writable)


class LogFile:
    """A file that lines are added to; when it has grown too long it makes way for a new one, once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("ab", buffering=0)

    def write(self, line: bytes) -> None:
        """Add a line, given without its end."""
        if self._file.tell() > LONGEST_LOG:
            self._file.close()
            self.path.replace(self.path.with_suffix(".old.log"))
            self._file = self.path.open("ab", buffering=0)
        self._file.write(line + b"\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()
