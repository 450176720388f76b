"""`make demo` as people and machines use it: up, second one refused, processes killed, stopped."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from leadmagicx.embedded import demo, processes, product
from leadmagicx.embedded.errors import EmbeddedError
from leadmagicx.embedded.folder import CHECKOUT, Folder, free_port
from tests.embedded.conftest import one, running_in

pytestmark = [pytest.mark.processes, pytest.mark.timeout(240)]

WATCHING = "import time; from leadmagicx.embedded.parent import Parent; parent = Parent(); print('up', flush=True)\n"
WATCHING += "while not parent.wants_us_to_stop(): time.sleep(0.02)"
AS_A_JOB = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"


class Run:
    """A demo of its own folder and port."""

    def __init__(self, folder: Folder, **variables: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.environ = {
            "PATH": os.environ["PATH"],
            "DEMO_DIR": str(folder.root),
            "DEMO_SEED": "0",
            "PORT": str(self.port),
            **variables,
        }
        self.process = self.start()

    def start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "leadmagicx.embedded.demo"],
            cwd=CHECKOUT,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def is_ready(self) -> bool:
        return product.readiness(port=self.port, environ=self.environ)[0] == http.HTTPStatus.OK

    def becomes_ready(self, seconds: float = 90) -> bool:
        return processes.wait_until(self.is_ready, seconds=seconds)


@pytest.fixture
def run(folder: Folder) -> Iterator[Run]:
    """Return a demo with its own stand-in and nothing in it, on its way up."""
    started = Run(folder)
    yield started
    with started.process:
        started.process.kill()


@pytest.mark.late
@pytest.mark.slow
def test_a_demo_from_start_to_end(run: Run) -> None:
    assert run.becomes_ready()
    with run.start() as second:
        said, _ = second.communicate(timeout=30)
    assert second.returncode == 1
    assert f"process {run.process.pid}, http://localhost:{run.port}/" in said
    for host in ("127.0.0.1", "localhost"):
        connection = http.client.HTTPConnection(host, run.port, timeout=5)
        connection.request("GET", "/healthz")
        assert connection.getresponse().status == 200

    for words in ("gunicorn", "leadmagicx worker", "leadmagicx beat", "tests.fake_icloud"):
        killed = one(run.folder, words)
        killed.kill()
        assert processes.wait_until(lambda words=words, killed=killed: _is_another(run, words, killed), seconds=10)
    assert run.becomes_ready(seconds=30)

    began = time.monotonic()
    run.process.send_signal(signal.SIGTERM)
    assert run.process.wait(timeout=20) == 0
    assert time.monotonic() - began < 20
    assert running_in(run.folder) == []
    assert run.process.stdout
    said = run.process.stdout.read()
    for promised in (f"http://localhost:{run.port}/", "Apple ID", "app-specific password", "/phone/"):
        assert promised in said


def _is_another(run: Run, words: str, killed: psutil.Process | None = None) -> bool:
    with suppress(ValueError, psutil.Error):
        return one(run.folder, words) != killed
    return False


@pytest.mark.nightly
def test_a_killed_supervisor_leaves_nothing_and_the_next_demo_starts(folder: Folder) -> None:
    run = Run(folder, ICLOUD_CALDAV_URL="http://127.0.0.1:9/", ICLOUD_TRUSTED_HOSTS="127.0.0.1")
    with run.process:
        assert processes.wait_until(lambda: (folder.log / "fill-in.log").exists(), seconds=60)
        run.process.kill()
    assert processes.wait_until(lambda: not running_in(folder), seconds=10)
    with run.start() as again:
        assert processes.wait_until(lambda: _is_another(run, "gunicorn"), seconds=60)
        environ = one(folder, "gunicorn").environ()
        again.send_signal(signal.SIGINT)
        assert again.wait(timeout=20) == 0
    assert environ["ICLOUD_CALDAV_URL"] == "http://127.0.0.1:9/"
    assert not (folder.root / "standin.json").exists()
    assert running_in(folder) == []


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_taken_port_is_named(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as taken:
        taken.bind((host, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(EmbeddedError, match=f"Port {port} is in use on {host}. Name a free one"):
            demo.port_from(str(port))


@pytest.mark.parametrize("text", ["web", "0", "70000", "-1"])
def test_a_port_that_is_none_is_named(text: str) -> None:
    with pytest.raises(EmbeddedError, match="is not a port"):
        demo.port_from(text)


@pytest.mark.late
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_demo_notices_that_its_make_alone_was_told_to_stop(number: signal.Signals, tmp_path: Path) -> None:
    make = shutil.which("make")
    assert make
    (tmp_path / "watching.py").write_text(WATCHING)
    (tmp_path / "Makefile").write_text(f"demo:\n\t@{sys.executable} {tmp_path / 'watching.py'}\n")
    environ = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    # In a group of its own and with the default for an interrupt, as a terminal's job, however pytest was started:
    # what a script puts into the background ignores interrupts, and so does all that it starts.
    command = [sys.executable, "-c", AS_A_JOB, make, "-C", str(tmp_path), "-s"]
    started = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, process_group=0)
    with started:
        assert started.stdout
        assert started.stdout.readline() == b"up\n"
        (watching,) = psutil.Process(started.pid).children()
        assert watching.is_running()
        started.send_signal(number)
        try:
            watching.wait(timeout=10)
        finally:
            processes.end([watching])
