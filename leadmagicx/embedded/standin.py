"""The stand-in for iCloud that a demo starts: the suite's own emulator, with accounts in it."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterable
from dataclasses import dataclass

from leadmagicx.embedded.errors import EmbeddedError
from leadmagicx.embedded.folder import Folder, free_port, port_is_free
from leadmagicx.embedded.supervisor import Service, Supervisor

START_SECONDS = 30
ENDING = ((0.0, signal.SIGTERM), (2.0, signal.SIGKILL))
# Discovery, two partitions, and the host that must not be trusted.
HOSTS = 4


@dataclass(frozen=True)
class Account:
    """An account of the stand-in, to connect by hand or by `seed_demo`."""

    name: str
    apple_id: str
    password: str


@dataclass(frozen=True)
class StandIn:
    """Where the stand-in is, and who has an account there."""

    url: str
    trusted_hosts: str
    phone_url: str
    accounts: tuple[Account, ...]


def start(supervisor: Supervisor, folder: Folder) -> StandIn:
    """Start the stand-in, on the same ports as ever (rows of the demo refer to them), with what it had in it."""
    service = supervisor.add(Service(name="icloud", command=_command(folder), ending=ENDING, quiet=True))
    supervisor.wait(lambda: _announced(service.lines) is not None or service.starts > 1, seconds=START_SECONDS)
    announced = _announced(service.lines)
    if announced is None:
        last = "\n".join(list(service.lines)[-5:])
        raise EmbeddedError(f"The stand-in for iCloud did not start. See {folder.log / 'icloud.log'}.\n{last}")
    return announced


def _command(folder: Folder) -> list[str]:
    kept = folder.kept().get("standin_ports", "").split(",")
    ports = [port if port and port_is_free(int(port)) else str(free_port()) for port in (kept + [""] * HOSTS)[:HOSTS]]
    if ports != kept:
        folder.keep("standin_ports", ",".join(ports))
    state = folder.root / "standin.json"
    return [
        sys.executable, "-m", "tests.fake_icloud", "--ports", ",".join(ports), "--state", str(state), "--seed", "demo",
    ]  # fmt: skip


def _announced(lines: Iterable[str]) -> StandIn | None:
    """Return what the stand-in says in its line of JSON, once it is ready."""
    for line in lines:
        if line.startswith("{"):
            said = json.loads(line)
            return StandIn(
                url=said["url"],
                trusted_hosts=said["trusted_hosts"],
                phone_url=said["phone_url"],
                accounts=tuple(
                    Account(name=one["name"], apple_id=one["apple_id"], password=one["password"])
                    for one in said["accounts"]
                ),
            )
    return None
