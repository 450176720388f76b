"""The folder where a demo lives (DEMO_DIR), and what is kept in it."""

from __future__ import annotations

import base64
import json
import os
import secrets
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leadmagicx.embedded.errors import EmbeddedError
from leadmagicx.embedded.locks import Lock

CHECKOUT = Path(__file__).resolve().parents[2]
# Below the range that systems take ports for outgoing connections from, so that a kept port stays free.
PORTS = range(17000, 29000)


@dataclass(frozen=True)
class Folder:
    """Paths inside DEMO_DIR. `run` is closed to other users: it holds passwords and sockets."""

    root: Path

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def log(self) -> Path:
        return self.root / "log"

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def valkey(self) -> Path:
        return self.run / "valkey"

    def lock(self, name: str) -> Lock:
        """Return the lock of that name, not yet taken."""
        return Lock(self.run / f"{name}.lock")

    def create(self) -> Folder:
        """Make the folder usable; raise EmbeddedError when it belongs to somebody else."""
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            for path in (self.run, self.log, self.valkey):
                path.mkdir(mode=0o700, exist_ok=True)
            mine = all(os.access(path, os.R_OK | os.W_OK | os.X_OK) for path in (self.root, self.run, self.log))
        except (PermissionError, FileExistsError) as error:
            raise EmbeddedError(
                f"Cannot use {self.root} ({error.strerror}). Name another folder in DEMO_DIR."
            ) from error
        if not mine:
            raise EmbeddedError(
                f"{self.root} belongs to another user. Run as that user, or name another folder in DEMO_DIR."
            )
        return self

    def read(self, name: str) -> dict[str, Any]:
        """Return a JSON file of `run`, or {} when there is none."""
        try:
            content = json.loads((self.run / name).read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            return {}
        return content if isinstance(content, dict) else {}

    def write(self, name: str, content: Mapping[str, Any]) -> None:
        """Write a JSON file of `run` for this user's eyes only, whole or not at all."""
        half = self.run / f"{name}.{os.getpid()}.new"
        half.unlink(missing_ok=True)
        descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(content, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        half.replace(self.run / name)

    def remove(self, name: str) -> None:
        """Remove a JSON file of `run`."""
        (self.run / name).unlink(missing_ok=True)

    def kept(self) -> dict[str, str]:
        """Return this folder's own keys, passwords and ports; made once, the same ever after."""
        lock = self.lock("kept")
        lock.take(seconds=30)
        try:
            kept = self.read("kept.json")
            missing = {name: make() for name, make in _MAKERS.items() if name not in kept}
            if missing:
                kept |= missing
                self.write("kept.json", kept)
        finally:
            lock.drop()
        return kept

    def keep(self, name: str, value: str) -> None:
        """Keep another value under that name."""
        self.write("kept.json", {**self.kept(), name: value})


def demo_folder(environ: Mapping[str, str]) -> Folder:
    """Return the folder named by DEMO_DIR, by default `.demo` in the checkout."""
    named = environ.get("DEMO_DIR", "").strip()
    return Folder((Path(named).expanduser() if named else CHECKOUT / ".demo").resolve())


def free_port() -> int:
    """Return a loopback port that nobody listens on at this moment."""
    while True:
        port = secrets.choice(PORTS)
        if port_is_free(port):
            return port


def port_is_free(port: int, *, host: str = "127.0.0.1") -> bool:
    """Say whether we could listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def loopback_hosts() -> list[str]:
    """Return the loopback addresses of this machine: what `localhost` may mean to a browser."""
    return [host for host in ("127.0.0.1", "::1") if port_is_free(0, host=host)]


def _encryption_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


_MAKERS: dict[str, Callable[[], str]] = {
    "SECRET_KEY": lambda: secrets.token_urlsafe(48),
    "CREDENTIAL_KEYS": _encryption_key,
    "postgres_password": lambda: secrets.token_urlsafe(24),
    "valkey_password": lambda: secrets.token_urlsafe(24),
    "valkey_port": lambda: str(free_port()),
}
