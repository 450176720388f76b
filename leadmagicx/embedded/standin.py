"""The stand-in for iCloud that a demo starts: the suite's own emulator, with an account in it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass

from leadmagicx.embedded.errors import EmbeddedError
from leadmagicx.embedded.folder import Folder, free_port, port_is_free
from leadmagicx.embedded.supervisor import Service, Supervisor

START_SECONDS = 30
ENDING_SECONDS = 2.0


@dataclass(frozen=True)
class StandIn:
    """Where the stand-in is, and the account to connect."""

    url: str
    trusted_hosts: str
    apple_id: str
    password: str
    phone_url: str


def start(supervisor: Supervisor, folder: Folder) -> StandIn:
    """Start the stand-in, on the same port as ever (rows of the demo refer to it), with what it had in it."""
    service = supervisor.add(Service(name="icloud", command=_command(folder), quiet=True))
    supervisor.wait(lambda: _announced(service.lines) is not None or service.starts > 1, seconds=START_SECONDS)
    announced = _announced(service.lines)
    if announced is None:
        last = "\n".join(list(service.lines)[-5:])
        raise EmbeddedError(f"The stand-in for iCloud did not start. See {folder.log / 'icloud.log'}.\n{last}")
    return announced


def _command(folder: Folder) -> list[str]:
    port = int(folder.kept()["standin_port"])
    if not port_is_free(port):
        port = free_port()
        folder.keep("standin_port", str(port))
    state = folder.root / "standin.json"
    return [sys.executable, "-m", "tests.fake_icloud", "--port", str(port), "--state", str(state), "--seed", "demo"]


def _announced(lines: Iterable[str]) -> StandIn | None:
    """Return what the stand-in says in its line of JSON, once it is ready."""
    for line in lines:
        if line.startswith("{"):
            said = json.loads(line)
            hosts = said["trusted_hosts"]
            return StandIn(
                url=said["url"],
                trusted_hosts=hosts if isinstance(hosts, str) else ",".join(hosts),
                apple_id=said["apple_id"],
                password=said["password"],
                phone_url=said["phone_url"],
            )
    return None
