"""python -m tests.fake_icloud: an iCloud to try the product against, on loopback, until SIGTERM or SIGINT.

Prints one line of JSON when it is ready: url, trusted_hosts, apple_id, password, phone_url, accounts.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.fake_icloud import persist, seed
from tests.fake_icloud.profiles import PROFILES
from tests.fake_icloud.server import FakeICloud

_KEPT_REQUESTS = 500


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fake_icloud", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="of the discovery host (default: a free one)")
    parser.add_argument("--ports", help="of discovery, p1, p2 and evil, with commas; overrides --port")
    parser.add_argument("--profile", choices=PROFILES, default="probed")
    parser.add_argument("--seed", choices=["demo"], help="what to create when the state file is missing")
    parser.add_argument("--state", type=Path, help="file to keep everything in")
    parser.add_argument("--zone", default="Europe/Berlin", help="time zone of the phones")
    return parser.parse_args(words)


def _listen(options: argparse.Namespace, kept: dict[str, Any] | None) -> FakeICloud:
    """Listen on the ports asked for, else on those of the state file, so that stored addresses stay right.

    A remembered port that somebody else has taken meanwhile is replaced by a free one; one asked for is an error.
    """
    if options.ports:
        asked = [int(port) for port in options.ports.split(",")]
        return FakeICloud(options.profile, ports=[*asked, 0, 0, 0, 0][:4])
    known: list[int] = kept["ports"] if kept else [0, 0, 0, 0]
    try:
        return FakeICloud(options.profile, ports=[options.port or known[0], *known[1:]])
    except OSError:
        return FakeICloud(options.profile, ports=[options.port, 0, 0, 0])


def _ready_line(icloud: FakeICloud) -> str:
    accounts = [
        {"apple_id": one.apple_id, "password": next(reversed(one.passwords), ""), "name": one.name}
        for one in icloud.accounts
    ]
    first = accounts[0] if accounts else {"apple_id": "", "password": ""}
    return json.dumps(
        {
            "url": icloud.url,
            "trusted_hosts": icloud.trusted_hosts,
            "apple_id": first["apple_id"],
            "password": first["password"],
            "phone_url": icloud.phone_url,
            "accounts": accounts,
        }
    )


def main(words: Sequence[str] | None = None) -> int:
    """Serve until told to stop; 1 when the ports are taken or the state file cannot be read."""
    options = _arguments(words)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        kept = persist.read(options.state) if options.state else None
        icloud = _listen(options, kept)
    except (OSError, ValueError) as error:
        print(f"fake_icloud: {error}", file=sys.stderr)
        return 1
    icloud.world.kept_requests = _KEPT_REQUESTS
    if kept is not None:
        persist.restore(icloud, kept)
    elif options.seed == "demo":
        seed.demo(icloud, zone=options.zone)
    keeper = persist.Keeper(icloud, options.state) if options.state else None
    print(_ready_line(icloud), flush=True)
    stop.wait()
    icloud.stop()
    if keeper is not None:
        keeper.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
