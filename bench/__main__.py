"""`python -m bench [NAME …]`: run benchmarks and print their tables."""

from __future__ import annotations

import importlib
import pkgutil
import sys

import bench


def names() -> list[str]:
    """Return the modules of this folder that are benchmarks: those with a main()."""
    found = []
    for module in pkgutil.iter_modules(bench.__path__):
        if not module.name.startswith("_") and hasattr(importlib.import_module(f"bench.{module.name}"), "main"):
            found.append(module.name)
    return sorted(found)


if __name__ == "__main__":
    wanted = sys.argv[1:] or names()
    for name in wanted:
        importlib.import_module(f"bench.{name}").main()
