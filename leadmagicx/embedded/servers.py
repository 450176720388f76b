"""Use the servers of a folder: start them when they do not run, and leave them to others or stop them at the end."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil

from leadmagicx.embedded import keeper, processes
from leadmagicx.embedded.errors import EmbeddedError
from leadmagicx.embedded.folder import CHECKOUT, Folder
from leadmagicx.embedded.locks import Lock

PATIENCE_SECONDS = 120
STOP_SECONDS = 9


@dataclass(frozen=True)
class Attachment:
    """Our share in the servers of a folder; they run until it is released or this process ends."""

    folder: Folder
    database_url: str
    redis_url: str
    users: Lock
    process_id: int

    def release(self) -> None:
        """Give up our share. The last one out stops the servers, and returns when they are gone."""
        if os.getpid() != self.process_id or not self.users.is_held:
            return
        start = self.folder.lock("start")
        try:
            start.take(seconds=PATIENCE_SECONDS)
            if self.users.take():
                _stop_keeper(self.folder)
        except FileNotFoundError:
            return  # a throw-away folder, gone with its keeper
        finally:
            start.drop()
            self.users.drop()


def attach(folder: Folder, *, throw_away: bool = False) -> Attachment:
    """Take a share in the servers of the folder, starting them when none runs; EmbeddedError when they cannot.

    throw_away: faster and less safe, and the folder is removed at the end (tests).
    """
    folder.create()
    users = folder.lock("users")
    if not users.take(shared=True, seconds=PATIENCE_SECONDS):
        raise EmbeddedError(f"The servers in {folder.root} are being stopped for too long. See {folder.log}.")
    start = folder.lock("start")
    try:
        if not start.take(seconds=PATIENCE_SECONDS):
            raise EmbeddedError(f"The servers in {folder.root} are being started for too long. See {folder.log}.")
        if not keeper_runs(folder):
            _start_keeper(folder, throw_away=throw_away)
        state = folder.read(keeper.STATE)
    except BaseException:
        users.drop()
        raise
    finally:
        start.drop()
    return Attachment(
        folder=folder,
        database_url=state["database_url"],
        redis_url=state["redis_url"],
        users=users,
        process_id=os.getpid(),
    )


def keeper_runs(folder: Folder) -> bool:
    """Say whether the servers of the folder have a keeper."""
    lock = folder.lock("keeper")
    taken = lock.take(shared=True)
    lock.drop()
    return not taken


def _start_keeper(folder: Folder, *, throw_away: bool) -> None:
    environ = {name: value for name, value in os.environ.items() if name != processes.MARK}
    with (folder.log / "keeper.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", keeper.__name__, str(folder.root), *(["--throw-away"] if throw_away else [])],
            cwd=CHECKOUT,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
            text=True,
        )
    _keepers.append(process)
    assert process.stdout is not None
    with process.stdout as reports:
        said = reports.read()
    if said.strip() != "ready":
        process.wait()
        raise EmbeddedError(said.strip() or f"The servers did not start. See {log_of_keeper(folder)}.")


def log_of_keeper(folder: Folder) -> Path:
    """Return where a keeper writes what it did not expect."""
    return folder.log / "keeper.log"


def _stop_keeper(folder: Folder) -> None:
    """Stop the keeper; call it with the lock `start` taken, so that no other one comes up meanwhile."""
    process_id = folder.read(keeper.STATE).get("keeper")
    if not process_id or not keeper_runs(folder):
        return
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(process_id)
        process.terminate()
        process.wait(timeout=STOP_SECONDS)


# Ours to reap; held so that they are not waited for, or warned about, when a name goes out of scope.
_keepers: list[subprocess.Popen[str]] = []
