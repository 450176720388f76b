"""Start processes that cannot outlive us, stop them for sure, and find those of an earlier life."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO

import psutil

from leadmagicx.embedded.accounts import LINUX, Account, _libc

PR_SET_PDEATHSIG = 1
# In the environment of everything a demo starts, so that its processes are known whatever became of their parents.
MARK = "LEADMAGICX_DEMO_PROCESS_OF"


def start(
    command: Sequence[str | Path],
    *,
    cwd: Path,
    output: int | IO[bytes],
    environ: Mapping[str, str] | None = None,
    account: Account | None = None,
    when_we_die: signal.Signals = signal.SIGKILL,
) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own; it gets the signal `when_we_die` when this thread ends (Linux)."""
    return subprocess.Popen(
        [str(part) for part in command],
        cwd=cwd,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=_before_exec(account=account, parent=os.getpid(), when_we_die=when_we_die),
    )


def _before_exec(*, account: Account | None, parent: int, when_we_die: signal.Signals) -> Callable[[], None]:
    def prepare() -> None:
        if account:
            account.become()
        if LINUX:
            # After the change of account, which forgets it (prctl(2)).
            _libc.prctl(PR_SET_PDEATHSIG, int(when_we_die), 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)

    return prepare


def stop(process: subprocess.Popen[bytes], *, signals: Iterable[tuple[signal.Signals, float]]) -> None:
    """Send the signals one after the other, giving each its seconds, then kill the whole session."""
    for number, seconds in signals:
        if process.poll() is not None:
            break
        process.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=seconds)
    kill_group(process.pid)
    process.wait()


def kill_group(group: int) -> None:
    """Kill what is left of a session that `start` began."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def working_in(folder: Path, *, program: str) -> list[psutil.Process]:
    """Return the processes of that program whose working directory is the folder."""
    return _found(lambda process: program in process.name() and _same(process.cwd(), folder))


def marked(folder: Path) -> list[psutil.Process]:
    """Return the processes that a demo in that folder has started, ourselves and our parents excepted."""
    spared = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    return _found(lambda process: process.pid not in spared and process.environ().get(MARK) == str(folder))


def end(processes: Iterable[psutil.Process], *, first: signal.Signals = signal.SIGKILL, seconds: float = 3) -> None:
    """Make sure that the processes are gone: with the first signal, or after that many seconds with SIGKILL."""
    alive = list(processes)
    for number, patience in ((first, seconds), (signal.SIGKILL, 5.0)):
        for process in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        _, alive = psutil.wait_procs(alive, timeout=patience)


def wait_until(condition: Callable[[], bool], *, seconds: float) -> bool:
    """Wait until the condition holds; False when it does not after that many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.03)
    return True


def _same(path: str, folder: Path) -> bool:
    # A folder that was removed under a process is shown as "<path> (deleted)".
    return Path(path.removesuffix(" (deleted)")) == folder.resolve()


def _found(wanted: Callable[[psutil.Process], bool]) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if wanted(process):
                found.append(process)
    return found
