"""Run services side by side: their output, their deaths, their restarts and their end, in one thread.

One thread, because PR_SET_PDEATHSIG fires when the starting thread ends, and because forking with other threads
about is a gamble.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import FrameType
from typing import TYPE_CHECKING

from leadmagicx.embedded import processes
from leadmagicx.embedded.console import Console, LogFile
from leadmagicx.embedded.errors import EmbeddedError
from leadmagicx.embedded.folder import CHECKOUT, Folder
from leadmagicx.embedded.parent import Parent

if TYPE_CHECKING:
    from _typeshed import FileDescriptorLike

# A service that has lived this long starts anew at once; one that dies sooner waits, longer each time.
SETTLED_SECONDS = 10.0
RESTART_SECONDS = (0.0, 1.0, 2.0, 4.0, 8.0)
TURN_SECONDS = 0.25
LOOK_SECONDS = 1.0
LAST_WORDS = 15
CHUNKS_AT_ONCE = 16
TERM_THEN_KILL = ((0.0, signal.SIGTERM), (7.0, signal.SIGQUIT), (9.0, signal.SIGKILL))


class Stopped(Exception):
    """Somebody asked us to stop while we waited for something."""


@dataclass
class Service:
    """A process to keep running, and how it is asked to end: signals, each so many seconds after the wish."""

    name: str
    command: list[str]
    ending: tuple[tuple[float, signal.Signals], ...] = TERM_THEN_KILL
    quiet: bool = False
    process: subprocess.Popen[bytes] | None = None
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=400))
    starts: int = 0
    early_deaths: int = 0
    due: float = 0.0
    started: float = 0.0
    log: LogFile | None = None
    half: bytes = b""

    def is_running(self) -> bool:
        """Say whether its process lives."""
        return self.process is not None and self.process.poll() is None


class Supervisor:
    """Keeps services running until somebody asks to stop (`stopping`): SIGINT, SIGTERM, SIGHUP or the parent."""

    def __init__(self, *, folder: Folder, environ: Mapping[str, str], console: Console, parent: Parent) -> None:
        self.folder = folder
        self.use(environ)
        self.console = console
        self.parent = parent
        self._next_look = 0.0
        self.services: dict[str, Service] = {}
        self.stopping = False
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = os.pipe()

    def use(self, environ: Mapping[str, str]) -> None:
        """Give the services that start from now on this environment."""
        self.environ = {**environ, processes.MARK: str(self.folder.root), "PYTHONUNBUFFERED": "1"}

    def listen(self) -> None:
        """Take the signals that mean stop, and wake up when a child ends."""
        for descriptor in (self._wake, self._woken):
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(self._woken, warn_on_full_buffer=False)
        self._selector.register(self._wake, selectors.EVENT_READ)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask_to_stop)
        signal.signal(signal.SIGCHLD, lambda _signal, _frame: None)

    def add(self, service: Service) -> Service:
        """Start the service, and start it again whenever it dies."""
        self.services[service.name] = service
        self._start(service)
        return service

    def run(self, name: str, command: list[str]) -> list[str]:
        """Run a command to its end and return its last lines; EmbeddedError when it fails, Stopped when we stop."""
        step = Service(name=name, command=command, quiet=True)
        self._start(step)
        while step.is_running() and not self.stopping:
            self.turn()
        if step.is_running():
            self._end([step])
            raise Stopped
        self._drain(step)
        if step.process and step.process.returncode:
            last = "\n".join(list(step.lines)[-LAST_WORDS:])
            raise EmbeddedError(f"{name} failed ({step.process.returncode}). See {self.folder.log / name}.log.\n{last}")
        return list(step.lines)

    def wait(self, condition: Callable[[], bool], *, seconds: float) -> bool:
        """Keep running until the condition holds; False when it does not in time, Stopped when we stop."""
        deadline = time.monotonic() + seconds
        while not condition():
            if self.stopping:
                raise Stopped
            if time.monotonic() >= deadline:
                return False
            self.turn()
        return True

    def turn(self, seconds: float = TURN_SECONDS) -> None:
        """Take what the services print, and start the dead ones that are due; returns after that time or sooner."""
        self.console.flush()
        self._take_output(seconds)
        self._look_at_parent()
        if self.stopping:
            return
        for service in self.services.values():
            if service.is_running():
                continue
            if service.process:
                self._bury(service)
            if time.monotonic() >= service.due:
                self._start(service)

    def restart(self) -> None:
        """Stop all services and start them with the environment of now."""
        chosen = list(self.services.values())
        self._end(chosen)
        for service in chosen:
            self._start(service)

    def stop(self, names: Iterable[str] | None = None) -> None:
        """Stop the named services, by default all, side by side; returns when they are gone."""
        chosen = [self.services.pop(name) for name in list(self.services if names is None else names)]
        self._end(chosen)

    def _start(self, service: Service) -> None:
        service.log = service.log or LogFile(self.folder.log / f"{service.name}.log")
        service.process = processes.start(service.command, cwd=CHECKOUT, output=subprocess.PIPE, environ=self.environ)
        assert service.process.stdout is not None
        os.set_blocking(service.process.stdout.fileno(), False)
        self._selector.register(service.process.stdout, selectors.EVENT_READ, service)
        service.started = time.monotonic()
        service.starts += 1

    def _bury(self, service: Service) -> None:
        """Note a death: what is left of its session goes too, and the next start is due."""
        assert service.process is not None
        self._drain(service)
        lived = time.monotonic() - service.started
        service.early_deaths = 0 if lived >= SETTLED_SECONDS else service.early_deaths + 1
        pause = RESTART_SECONDS[min(max(service.early_deaths - 1, 0), len(RESTART_SECONDS) - 1)]
        service.due = time.monotonic() + pause
        self.console.say(
            f"{service.name} ended ({service.process.returncode}); it starts again"
            + (f" in {pause:.0f} s." if pause else " now.")
        )
        service.process = None

    def _drain(self, service: Service) -> None:
        """Reap a dead process, after its last words and the rest of its session."""
        process = service.process
        assert process is not None
        assert process.stdout is not None
        processes.kill_group(process.pid)
        process.wait()
        self._read(service)
        self._forget(process.stdout)
        process.stdout.close()

    def _end(self, chosen: list[Service]) -> None:
        """Send each service its signals in time until all are dead."""
        left = [service for service in chosen if service.process]
        began = time.monotonic()
        sent = {service.name: 0 for service in left}
        while left:
            for service in left:
                assert service.process is not None
                while sent[service.name] < len(service.ending) and (
                    time.monotonic() - began >= service.ending[sent[service.name]][0]
                ):
                    service.process.send_signal(service.ending[sent[service.name]][1])
                    sent[service.name] += 1
            self._take_output(0.05)
            for service in [service for service in left if not service.is_running()]:
                self._drain(service)
                service.process = None
                left.remove(service)

    def _take_output(self, seconds: float) -> None:
        for key, _ in self._selector.select(seconds):
            if isinstance(key.data, Service):
                if not self._read(key.data):
                    # The pipe is closed though the process may live on: its death is seen by turn().
                    self._forget(key.fileobj)
            else:
                os.read(self._wake, 4096)

    def _read(self, service: Service) -> bool:
        """Take what the service has printed; False when it can print no more."""
        assert service.process is not None
        assert service.process.stdout is not None
        for _ in range(CHUNKS_AT_ONCE):
            try:
                chunk = os.read(service.process.stdout.fileno(), 65536)
            except BlockingIOError:
                return True
            if not chunk:
                self._lines(service, b"\n" if service.half else b"")
                return False
            self._lines(service, chunk)
        return True

    def _lines(self, service: Service, chunk: bytes) -> None:
        *lines, service.half = (service.half + chunk).split(b"\n")
        for line in lines:
            text = line.decode(errors="replace").rstrip("\r")
            service.lines.append(text)
            if service.log:
                service.log.write(line)
            if not service.quiet:
                self.console.say(f"{service.name:<8}| {text}")

    def _look_at_parent(self) -> None:
        if time.monotonic() >= self._next_look:
            self._next_look = time.monotonic() + LOOK_SECONDS
            self.stopping = self.stopping or self.parent.wants_us_to_stop()

    def _forget(self, output: FileDescriptorLike) -> None:
        with contextlib.suppress(KeyError):
            self._selector.unregister(output)

    def _ask_to_stop(self, _signal: int, _frame: FrameType | None) -> None:
        self.stopping = True
