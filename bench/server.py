"""A web server as it runs in production, with one process, to be asked one question after the other."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from leadmagicx.embedded.folder import free_port


@contextmanager
def web_server() -> Iterator[http.client.HTTPConnection]:
    """Start gunicorn, and hand over a connection to it that stays open."""
    port = free_port()
    command = [
        sys.executable, "-m", "gunicorn", "leadmagicx.wsgi:application", "-b", f"127.0.0.1:{port}", "--preload",
        "--worker-class", "gthread", "--workers", "1", "--threads", "8", "--log-level", "critical",
    ]  # fmt: skip
    server = subprocess.Popen(command, env={**os.environ, "PYTHONWARNINGS": "ignore"}, stderr=subprocess.DEVNULL)
    try:
        yield _connected(port)
    finally:
        server.terminate()
        server.wait()


def _connected(port: int) -> http.client.HTTPConnection:
    for _ in range(300):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.request("GET", "/healthz")
            connection.getresponse().read()
        except OSError:
            time.sleep(0.1)
        else:
            return connection
    raise SystemExit("The web server did not start.")


def get(connection: http.client.HTTPConnection, path: str, headers: dict[str, str], *, status: int = 200) -> bytes:
    """Return the body of an answer."""
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == status, (path, answer.status, body[:300])
    return body


def queries(path: str, headers: dict[str, Any]) -> int:
    """Return the number of queries that an answer takes, asked in this process."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as captured:
        Client().get(path, headers=headers)
    return len(captured)


def timed(ask: Callable[[], Any], laps: int) -> list[float]:
    """Return the milliseconds of each lap, after a tenth as many to warm up."""
    for _ in range(max(1, laps // 10)):
        ask()
    found = []
    for _ in range(laps):
        began = time.perf_counter()
        ask()
        found.append((time.perf_counter() - began) * 1000)
    return found
