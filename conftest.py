"""pytest begins here: servers and settings, before any other conftest imports a model."""

from __future__ import annotations

import gc
import os
from typing import Any

import django
import pytest

from tests import night, servers

servers.provide()
django.setup()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Say what `-n auto` means: a process for each processor; each has a number at the broker, which has sixteen."""
    return min(len(os.sched_getaffinity(0)), 8)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(specs: list[Any]) -> None:
    """Give each worker what is its own before it starts; 0 is this process's."""
    for number, spec in enumerate(specs, start=1):
        spec.env |= servers.of_worker(number)


def pytest_collection_finish() -> None:
    """Django, its models and the tests stay to the end: looking through them for garbage again and again is a tenth of
    a run."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


class LeftOut:
    """Says at the end what did not run: under pytest-xdist nobody else does."""

    def __init__(self) -> None:
        self.tests = 0

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        self.tests = max(self.tests, getattr(node, "workeroutput", {}).get(night.LEFT_OUT, 0))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.tests:
            shares = "`make test`, `make late` and `make nightly` share the suite (tests/night.py)"
            terminalreporter.write_line(f"{self.tests} tests left out of this run: {shares}.")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(LeftOut())


def pytest_unconfigure() -> None:
    """Stop what this session started."""
    servers.release()
