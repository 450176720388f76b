"""Read every big body in a fresh process and print by how many bytes its peak memory grew.

A process of its own, because a peak cannot be reset, and tracemalloc makes the same work ten times as slow.
"""

from __future__ import annotations

import resource

from tests.ical.corpus import CASES
from tests.ical.test_corpus import outcome


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    bodies = [case.octets() for case in CASES.values() if case.big]
    outcome(CASES["dates: own VTIMEZONE"].octets())
    before = peak()
    for body in bodies:
        outcome(body)
    print(peak() - before)


if __name__ == "__main__":
    main()
