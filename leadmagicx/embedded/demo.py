"""`make demo`: everything on one machine, from servers to a filled-in product, until somebody stops it."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import MutableMapping
from dataclasses import asdict

from leadmagicx.embedded import environment, processes, servers, standin
from leadmagicx.embedded.console import Console
from leadmagicx.embedded.errors import EmbeddedError
from leadmagicx.embedded.folder import Folder, demo_folder, loopback_hosts, port_is_free
from leadmagicx.embedded.parent import Parent
from leadmagicx.embedded.product import PRODUCT, readiness, services, summary
from leadmagicx.embedded.supervisor import Stopped, Supervisor

READY_SECONDS = 150
LOOK_SECONDS = 1.0
READY_LOOK_SECONDS = 0.3
STATE = "demo.json"
FILL_IN = "leadmagicx.embedded.fill_in"


class Demo:
    """One run of the demo in one folder."""

    def __init__(self, *, folder: Folder, port: int, environ: MutableMapping[str, str], console: Console) -> None:
        self.folder = folder
        self.port = port
        self.environ = environ
        self.console = console
        self.foreign_icloud = environment.is_given(environ, "ICLOUD_CALDAV_URL")
        self.trusted_hosts_given = environment.is_given(environ, "ICLOUD_TRUSTED_HOSTS")
        self.share: servers.Attachment | None = None
        self.icloud: standin.StandIn | None = None
        self.supervisor = Supervisor(folder=folder, environ=environ, console=console, parent=Parent())
        self.next_look = 0.0

    def run(self) -> None:
        """Start everything, tell people where, and keep it running until asked to stop."""
        self.supervisor.listen()
        try:
            self._start_servers()
            told = self._fill_in()
            self._start_product()
            for line in summary(port=self.port, folder=self.folder, told=told, icloud=self.icloud):
                self.console.say(line)
            while not self.supervisor.stopping:
                self.supervisor.turn()
                self._look_after_servers()
        except Stopped:
            pass
        finally:
            self._stop()

    def _start_servers(self) -> None:
        self.console.say(f"Starting the servers of {self.folder.root}")
        self.share = environment.complete(self.environ, folder=self.folder)
        self.supervisor.use(self.environ)
        if not self.foreign_icloud:
            self.icloud = standin.start(self.supervisor, self.folder)
            self.environ["ICLOUD_CALDAV_URL"] = self.icloud.url
            if not self.trusted_hosts_given:
                self.environ["ICLOUD_TRUSTED_HOSTS"] = self.icloud.trusted_hosts
            # Whom `seed_demo` may connect to whose calendars.
            self.environ["DEMO_ICLOUD_ACCOUNTS"] = json.dumps([asdict(account) for account in self.icloud.accounts])
            self.supervisor.use(self.environ)
        environment.share_with_commands(self.folder, self.environ)

    def _fill_in(self) -> list[str]:
        """Migrate and fill in the demo; return what the seeding has to tell."""
        self.console.say("Migrating and filling in the demo")
        options = [] if self.environ.get("DEMO_SEED", "").strip() == "0" else ["--seed"]
        options += ["--no-icloud"] if self.foreign_icloud else []
        return self.supervisor.run("fill-in", [sys.executable, "-m", FILL_IN, *options])

    def _start_product(self) -> None:
        for service in services(port=self.port, folder=self.folder):
            self.supervisor.add(service)
        if not self.supervisor.wait(self._is_ready, seconds=READY_SECONDS):
            _, parts = readiness(port=self.port, environ=self.environ)
            self.console.say(f"Not ready after {READY_SECONDS} seconds: {parts}. See {self.folder.log}. Going on.")

    def _is_ready(self) -> bool:
        if time.monotonic() < self.next_look:
            return False
        self.next_look = time.monotonic() + READY_LOOK_SECONDS
        status, _ = readiness(port=self.port, environ=self.environ)
        return status == 200

    def _look_after_servers(self) -> None:
        """Once a second: do the servers still have their keeper?"""
        if time.monotonic() >= self.next_look:
            self.next_look = time.monotonic() + LOOK_SECONDS
            if self.share and not servers.keeper_runs(self.folder):
                self._start_servers_again()

    def _start_servers_again(self) -> None:
        """Take up servers whose keeper was killed; services start again only when an address has changed."""
        assert self.share is not None
        self.console.say("The servers had gone; starting them again.")
        lost, self.share = self.share, servers.attach(self.folder)
        lost.users.drop()
        changed = False
        for name, old, new in (
            ("DATABASE_URL", lost.database_url, self.share.database_url),
            ("REDIS_URL", lost.redis_url, self.share.redis_url),
        ):
            if self.environ.get(name) == old != new:
                self.environ[name] = new
                changed = True
        if changed:
            self.supervisor.use(self.environ)
            self.supervisor.restart()

    def _stop(self) -> None:
        self.console.say("Stopping …")
        self.supervisor.stop([name for name in PRODUCT if name in self.supervisor.services])
        self.supervisor.stop()
        processes.end(processes.marked(self.folder.root))
        if self.share:
            self.share.release()
        self.console.say("Stopped.")


def main() -> int:
    """Run the demo that the environment asks for; 1 when it cannot be started."""
    console = Console()
    environ = os.environ
    folder = demo_folder(environ)
    try:
        lock = folder.create().lock("demo")
        if not lock.take():
            running = folder.read(STATE)
            raise EmbeddedError(
                f"A demo runs in {folder.root} already (process {running.get('process')}, {running.get('url')}). "
                "Stop it, or start another one beside it: make demo PORT=8001 DEMO_DIR=.demo2"
            )
        processes.end(processes.marked(folder.root))
        port = port_from(environ.get("PORT", ""))
        folder.write(STATE, {"process": os.getpid(), "url": f"http://localhost:{port}/"})
        Demo(folder=folder, port=port, environ=environ, console=console).run()
    except EmbeddedError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def port_from(text: str) -> int:
    """Return the port of the web server; EmbeddedError when it is none or taken."""
    try:
        port = int(text or "8000")
    except ValueError:
        port = 0
    if not 0 < port < 65536:
        raise EmbeddedError(f"PORT={text!r} is not a port. Name a number from 1 to 65535, such as 8000.")
    taken = [host for host in loopback_hosts() if not port_is_free(port, host=host)]
    if taken:
        raise EmbeddedError(f"Port {port} is in use on {' and '.join(taken)}. Name a free one: make demo PORT=8001")
    return port


if __name__ == "__main__":
    sys.exit(main())
