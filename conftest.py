"""pytest begins here: servers and settings, before any other conftest imports a model."""

from __future__ import annotations

import gc
import os
from typing import Any

import django
import pytest

from tests import servers

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


def pytest_unconfigure() -> None:
    """Stop what this session started."""
    servers.release()
