"""Tests that tables name: `engine.test_pull.test_it` is the function, and it must be there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import pytest


def resolve(name: str) -> Callable[..., Any]:
    """Return the test of that name; AttributeError or ImportError when there is none."""
    module, _, function = name.rpartition(".")
    found = getattr(import_module(f"tests.{module}"), function)
    assert callable(found)
    assert function.startswith("test_"), f"{name} is not collected"
    return found  # type: ignore[no-any-return]


def marks_of(name: str) -> Iterator[pytest.Mark]:
    """Yield the marks of a test: its own, and those of its module."""
    test = resolve(name)
    yield from getattr(test, "pytestmark", [])
    module = getattr(import_module(test.__module__), "pytestmark", [])
    for mark in module if isinstance(module, list) else [module]:
        yield mark.mark if isinstance(mark, pytest.MarkDecorator) else mark
