"""`make mutants`: do the tests of the decisions notice when a decision is wrong?

Every module of icloud_sync/rules and icloud_sync/sync is changed in one place at a time, and tests/rules and tests/sync
run against it until one fails. A mutant that survives means a line that no test holds. Ends with 1 when fewer than GOAL
of them are noticed.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.mutants.operators import Mutant, mutants_of
from tests.mutants.wear import wear

GOAL = 0.90
# A mutant may loop for ever: that is noticed, too.
SECONDS = 60
ROOT = Path(__file__).parents[2]
PACKAGES = ("icloud_sync/rules", "icloud_sync/sync")
TESTS = ("tests/rules", "tests/sync")
# Which tests are likely to notice: they run first.
NEAREST = {"push": ("test_create", "test_update", "test_remove"), "sides": ("test_create",)}


class Loop:
    """pytest's loop over the tests, once for each mutant, each time in a child that has everything loaded."""

    def __init__(self, files: list[Path]) -> None:
        self.files = files
        self.total = self.caught = 0
        self.failed = False

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.failed = self.failed or report.failed

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        assert self._passes(session.items), "the tests must pass before anything is changed"
        for path in self.files:
            name = ".".join(path.resolve().relative_to(ROOT).with_suffix("").parts)
            module = importlib.import_module(name)
            nearest = NEAREST.get(path.stem, (f"test_{path.stem}",))
            items = sorted(session.items, key=lambda item: item.path.stem not in nearest)
            mutants = list(mutants_of(path.read_text()))
            survivors = [mutant for mutant in mutants if self._survives(module, mutant, items)]
            self.total, self.caught = self.total + len(mutants), self.caught + len(mutants) - len(survivors)
            tell(f"{path.resolve().relative_to(ROOT)}: {len(mutants) - len(survivors)} of {len(mutants)}")
            for mutant in survivors:
                tell(f"    survives: line {mutant.line}: {mutant.what}")
        return True

    def _survives(self, module: ModuleType, mutant: Mutant, items: list[pytest.Item]) -> bool:
        child = os.fork()
        if child == 0:
            os._exit(self._live_with(module, mutant, items))
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            pid, status = os.waitpid(child, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status) == 0
            time.sleep(0.005)
        os.kill(child, 9)
        os.waitpid(child, 0)
        return False

    def _live_with(self, module: ModuleType, mutant: Mutant, items: list[pytest.Item]) -> int:
        try:
            wear(module, mutant.source)
            return 0 if self._passes(items) else 1
        except BaseException:  # noqa: BLE001 - whatever a mutant raises, somebody noticed it
            return 1

    def _passes(self, items: list[pytest.Item]) -> bool:
        quiet = os.open(os.devnull, os.O_WRONLY)
        loud = os.dup(1)
        os.dup2(quiet, 1)
        try:
            for item in items:
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
                if self.failed:
                    return False
        finally:
            os.dup2(loud, 1)
        return True


def tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m tests.mutants")
    options.add_argument("modules", nargs="*", help="only these files")
    named: list[str] = options.parse_args().modules
    os.chdir(ROOT)
    files = [Path(name) for name in named] or sorted(
        path for package in PACKAGES for path in Path(package).glob("*.py") if path.name != "__init__.py"
    )
    loop = Loop(files)
    began = time.monotonic()
    plain = [
        "-p",
        "no:cacheprovider",
        "-p",
        "no:randomly",
        "-p",
        "no:django",
        "-p",
        "no:terminal",
        "--noconftest",
        "-c",
        os.devnull,
    ]
    plugins: list[Any] = [loop]
    status = pytest.main([*plain, "--rootdir", str(ROOT), *TESTS], plugins=plugins)
    if status not in (0, pytest.ExitCode.TESTS_FAILED):
        return int(status)
    rate = loop.caught / max(loop.total, 1)
    spent = time.monotonic() - began
    tell(f"{loop.caught} of {loop.total} mutants noticed: {rate:.1%} in {spent:.0f} s (goal {GOAL:.0%})")
    return 0 if rate >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
