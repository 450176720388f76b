"""Services are started again, heard without waiting, and stopped for sure."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator

import psutil
import pytest

from leadmagicx.embedded import processes, supervisor
from leadmagicx.embedded.console import Console
from leadmagicx.embedded.errors import EmbeddedError
from leadmagicx.embedded.folder import Folder
from leadmagicx.embedded.parent import Parent
from leadmagicx.embedded.supervisor import Service, Stopped, Supervisor

SLEEPS = "import signal; print('up', flush=True); signal.pause()"
STUBBORN = (
    "import os, signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "os.fork() and print('up', flush=True); signal.pause()"
)
SOON = ((0.0, signal.SIGTERM), (0.3, signal.SIGKILL))


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


@pytest.fixture
def sut(folder: Folder, pipe: tuple[int, int]) -> Iterator[Supervisor]:
    """Return a supervisor that writes into a pipe nobody reads."""
    watched = Supervisor(folder=folder, environ=dict(os.environ), console=Console(pipe[1]), parent=Parent())
    yield watched
    watched.stop()


def up(service: Service) -> bool:
    return "up" in service.lines


def test_a_killed_service_is_started_again_at_once(sut: Supervisor) -> None:
    service = sut.add(Service(name="one", command=python(SLEEPS)))
    assert sut.wait(lambda: up(service), seconds=60)
    service.started -= supervisor.SETTLED_SECONDS
    assert service.process
    first = service.process.pid
    os.kill(first, signal.SIGKILL)
    assert sut.wait(lambda: service.starts == 2, seconds=60)
    assert service.process.pid != first
    assert service.due - time.monotonic() <= 0


@pytest.mark.late
def test_a_service_that_keeps_dying_is_never_left_for_more_than_eight_seconds(
    sut: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses = []
    service = sut.add(Service(name="one", command=python("raise SystemExit(3)")))
    clock = time.monotonic
    ahead = 0.0
    monkeypatch.setattr(supervisor.time, "monotonic", lambda: clock() + ahead)
    for deaths in range(1, 8):
        assert sut.wait(lambda deaths=deaths: service.early_deaths == deaths, seconds=100)  # type: ignore[misc]
        pauses.append(round(service.due - supervisor.time.monotonic()))
        ahead += pauses[-1]
    assert pauses == [0, 1, 2, 4, 8, 8, 8]


def test_the_rest_of_a_dead_services_session_goes_too(sut: Supervisor) -> None:
    code = "import os, signal; child = os.fork(); child and print(child, flush=True); signal.pause()"
    service = sut.add(Service(name="one", command=python(code)))
    assert sut.wait(lambda: len(service.lines) == 1, seconds=60)
    child = psutil.Process(int(service.lines[0]))
    assert service.process
    os.kill(service.process.pid, signal.SIGKILL)
    assert sut.wait(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, seconds=20)


def test_stop_ends_what_does_not_want_to(sut: Supervisor, folder: Folder) -> None:
    for name in ("one", "two"):
        sut.add(Service(name=name, command=python(STUBBORN), ending=SOON))
    assert sut.wait(lambda: all(up(service) for service in sut.services.values()), seconds=60)
    assert len(processes.marked(folder.root)) == 4
    began = time.monotonic()
    sut.stop()
    assert time.monotonic() - began < 3
    assert processes.wait_until(lambda: not processes.marked(folder.root), seconds=3)


def test_output_that_nobody_reads_holds_nothing_up(sut: Supervisor, folder: Folder) -> None:
    code = "import sys; [print('x' * 99) for _ in range(5000)]; print('end')"
    lines = sut.run("much", python(code))
    assert lines[-1] == "end"
    assert len((folder.log / "much.log").read_bytes()) == 5000 * 100 + 4


def test_a_failed_step_is_an_error_and_a_wish_to_stop_ends_it(sut: Supervisor) -> None:
    with pytest.raises(EmbeddedError, match=r"bad failed \(3\)"):
        sut.run("bad", python("raise SystemExit(3)"))
    sut.stopping = True
    with pytest.raises(Stopped):
        sut.run("long", python(SLEEPS))
