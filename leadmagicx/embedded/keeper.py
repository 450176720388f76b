"""The one process that starts and stops the servers of a folder: `python -m leadmagicx.embedded.keeper FOLDER`.

It prints `ready` when they are up, starts one again that dies, and stops them and itself when nobody holds
the shared lock `users` any more, or on SIGTERM. Started by `servers.attach`, never by hand.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

from leadmagicx.embedded import processes
from leadmagicx.embedded.errors import EmbeddedError
from leadmagicx.embedded.folder import Folder
from leadmagicx.embedded.postgres import Postgres
from leadmagicx.embedded.valkey import Valkey, valkey_of

STATE = "servers.json"
LOOK_SECONDS = 0.2
START_SECONDS = 90
RESTART_SECONDS = 1.0
LONGEST_LOG = 5_000_000


class Keeper:
    """Runs the servers of one folder for as long as somebody uses them."""

    def __init__(self, *, folder: Folder, throw_away: bool) -> None:
        self.folder = folder
        self.throw_away = throw_away
        self.users = folder.lock("users")
        self.stopping = False
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.started_at: dict[str, float] = {}
        kept = folder.kept()
        self.servers: tuple[Postgres | Valkey, ...] = (
            Postgres(folder=folder, password=kept["postgres_password"], throw_away=throw_away),
            valkey_of(folder),
        )

    def run(self) -> None:
        """Start the servers, say that they are ready, watch them, stop them."""
        signal.signal(signal.SIGTERM, self._ask_to_stop)
        signal.signal(signal.SIGINT, self._ask_to_stop)
        try:
            for server in self.servers:
                server.prepare()
                self._start(server)
            for server in self.servers:
                self._wait(server)
            database, broker = self.servers
            self.folder.write(STATE, {"keeper": os.getpid(), "database_url": database.url, "redis_url": broker.url})
            _report("ready")
            self._watch()
        finally:
            self._stop()

    def _watch(self) -> None:
        while not self.stopping and not self.users.take():
            for server in self.servers:
                if self.running[server.name].poll() is not None:
                    self._start_again(server)
            time.sleep(LOOK_SECONDS)

    def _start(self, server: Postgres | Valkey) -> None:
        log = self.folder.log / f"{server.name}.log"
        if log.exists() and log.stat().st_size > LONGEST_LOG:
            log.replace(log.with_suffix(".old.log"))
        with log.open("ab") as output:
            self.running[server.name] = processes.start(
                server.command(),
                cwd=self.folder.run,
                output=output,
                account=server.account,
                when_we_die=server.when_we_die,
            )
        self.started_at[server.name] = time.monotonic()

    def _start_again(self, server: Postgres | Valkey) -> None:
        if time.monotonic() - self.started_at[server.name] < RESTART_SECONDS:
            return
        server.prepare()
        self._start(server)

    def _wait(self, server: Postgres | Valkey) -> None:
        process = self.running[server.name]
        arrived = processes.wait_until(
            lambda: self.stopping or process.poll() is not None or server.is_ready(), seconds=START_SECONDS
        )
        if not arrived or process.poll() is not None:
            log = self.folder.log / f"{server.name}.log"
            lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-10:]
            raise EmbeddedError(f"{server.name} did not start. The end of {log}:\n" + "\n".join(lines))

    def _stop(self) -> None:
        """Stop the servers, and what a demo that was killed has left running beside them."""
        processes.end(processes.marked(self.folder.root))
        self.folder.remove(STATE)
        for server in reversed(self.servers):
            if process := self.running.get(server.name):
                processes.stop(process, signals=server.stop_signals)
            server.clean_up()
        if self.throw_away:
            shutil.rmtree(self.folder.root, ignore_errors=True)

    def _ask_to_stop(self, _signal: int, _frame: FrameType | None) -> None:
        self.stopping = True


def _report(line: str) -> None:
    """Tell the one who started us, and let go of the pipe."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def main() -> int:
    """Keep the servers of the folder; 1 when they cannot be started."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--throw-away", action="store_true")
    options = parser.parse_args()
    folder = Folder(options.folder)
    lock = folder.lock("keeper")
    if not lock.take():
        _report("another keeper is here")
        return 1
    try:
        Keeper(folder=folder, throw_away=options.throw_away).run()
    except EmbeddedError as error:
        _report(str(error))
        return 1
    finally:
        lock.drop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
