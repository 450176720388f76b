"""Folders and processes of embedded servers, gone after each test whatever it did."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from leadmagicx.embedded import processes
from leadmagicx.embedded.folder import Folder


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    """Return a folder of its own, with nothing running in it before and after."""
    with emptied(Folder(tmp_path / "demo").create()) as folder:
        yield folder


@contextmanager
def emptied(folder: Folder) -> Iterator[Folder]:
    """Kill at the end whatever still runs for the folder."""
    try:
        yield folder
    finally:
        processes.end(running_in(folder))


def running_in(folder: Folder) -> list[psutil.Process]:
    """Return every process that works for the folder: servers, keeper, supervised ones."""
    found = processes.marked(folder.root)
    for process in psutil.process_iter():
        try:
            where, command = process.cwd(), process.cmdline()
        except psutil.Error:
            continue
        if where.startswith(str(folder.root)) or str(folder.root) in command:
            found.append(process)
    return found


def command_of(process: psutil.Process) -> str:
    """Return a process's command line; empty when it ended a moment ago."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def one(folder: Folder, word: str) -> psutil.Process:
    """Return the eldest process of the folder with that word in its command line."""
    found = [process for process in running_in(folder) if word in command_of(process)]
    return min(found, key=psutil.Process.create_time)
