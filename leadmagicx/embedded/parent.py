"""Notice that `make`, which started us, was asked to stop.

GNU make passes SIGTERM on to what it runs, but not SIGINT: at a terminal both get it, yet `kill -INT` of make
alone leaves make waiting for us for ever. While it waits, it no longer catches SIGINT, which the kernel shows.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path


class Parent:
    """The process that started us, when that is make."""

    def __init__(self) -> None:
        self._process_id = os.getppid()
        self._is_make = "MAKELEVEL" in os.environ
        self._caught_interrupts = self._is_make and self._catches_interrupts()

    def wants_us_to_stop(self) -> bool:
        """Say whether make has died, or was interrupted and waits for our end."""
        if not self._is_make:
            return False
        return os.getppid() != self._process_id or (self._caught_interrupts and not self._catches_interrupts())

    def _catches_interrupts(self) -> bool:
        try:
            status = Path(f"/proc/{self._process_id}/status").read_text(encoding="ascii", errors="replace")
        except OSError:
            return False
        caught = next((line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:")), "0")
        return bool(int(caught, 16) & (1 << (signal.SIGINT - 1)))
