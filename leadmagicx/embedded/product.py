"""The processes of the product as a demo runs them, and what to tell people about them."""

from __future__ import annotations

import http.client
import json
import os
import signal
import sys
from collections.abc import Mapping
from typing import Any

from leadmagicx.embedded.folder import Folder, loopback_hosts
from leadmagicx.embedded.standin import StandIn
from leadmagicx.embedded.supervisor import TERM_THEN_KILL, Service

PRODUCT = ("web", "worker", "beat")
WORKER_PROCESSES = 3
THREADS = 8
READINESS_SECONDS = 3
# Warnings that are right in production and noise here: static files are found where they lie, root is welcome.
NO_STATIC_FOLDER = "No directory at"
AS_ROOT = "You're running the"
RULE = "─" * 72
TERM_THEN_KILL_SOON = ((0.0, signal.SIGTERM), (7.0, signal.SIGKILL))


def services(*, port: int, folder: Folder) -> list[Service]:
    """Return web, worker and beat, each a process of its own."""
    binds = [part for host in loopback_hosts() for part in ("--bind", f"{f'[{host}]' if ':' in host else host}:{port}")]
    processes = min(4, (os.cpu_count() or 1) + 1)
    # fmt: off
    web = [
        sys.executable, "-W", f"ignore:{NO_STATIC_FOLDER}", "-m", "gunicorn", "leadmagicx.wsgi:application", *binds,
        "--preload", "--worker-class", "gthread", "--workers", str(processes), "--threads", str(THREADS),
        "--graceful-timeout", "5", "--timeout", "60", "--no-control-socket", "--log-level", "warning",
    ]
    celery = ["-m", "celery", "--quiet", "-A", "leadmagicx"]
    worker = [
        sys.executable, "-W", f"ignore:{AS_ROOT}", *celery, "worker", "--concurrency", str(WORKER_PROCESSES),
        "--loglevel", "INFO", "--without-gossip", "--without-mingle",
    ]
    beat = [
        sys.executable, *celery, "beat", "--loglevel", "WARNING",
        "--schedule", str(folder.run / "beat-schedule"), "--pidfile", "",
    ]
    # fmt: on
    return [
        Service(name="web", command=web, ending=TERM_THEN_KILL_SOON),
        # SIGQUIT gives up what a worker still has in hand; what is left to do stands in rows.
        Service(name="worker", command=worker, ending=TERM_THEN_KILL),
        Service(name="beat", command=beat, ending=TERM_THEN_KILL_SOON),
    ]


def readiness(*, port: int, environ: Mapping[str, str]) -> tuple[int, Any]:
    """Ask /readyz; the status (0 without an answer) and what it says of each part."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=READINESS_SECONDS)
    try:
        connection.request("GET", "/readyz", headers={"Host": _host(environ.get("ALLOWED_HOSTS", ""), port=port)})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"null")
    except (OSError, http.client.HTTPException, ValueError) as error:
        return 0, type(error).__name__
    finally:
        connection.close()


def summary(*, port: int, folder: Folder, told: list[str], icloud: StandIn | None) -> list[str]:
    """Return what people need to know of a demo that is up."""
    address = f"http://localhost:{port}/"
    lines = ["", RULE, f"  LeadMagicX is up:  {address}", ""]
    lines += [f"  {line}" for line in told]
    if icloud:
        lines += [
            "",
            f"  Stand-in for iCloud     {icloud.url}",
            f"    its iPhones           {icloud.phone_url}",
        ]
        for account in icloud.accounts:
            lines += [
                f"    Apple ID              {account.apple_id}",
                f"    app-specific password {account.password}",
            ]
    lines += [
        "",
        f"  API documentation       {address}api/v1/docs/",
        f"  Data and logs           {folder.root} (make demo again keeps them)",
        "  Stop                    Ctrl-C",
        RULE,
        "",
    ]
    return lines


def _host(allowed: str, *, port: int) -> str:
    """Return a Host header that ALLOWED_HOSTS lets in."""
    first = allowed.split(",")[0].strip().lstrip(".")
    return first if first not in {"", "*"} else f"127.0.0.1:{port}"
