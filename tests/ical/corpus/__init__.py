"""Broken, hostile, odd and huge calendar objects, each with what has to come of it (reliability §4).

The window is 2026-11-01 to 2027-02-01 UTC, the user's zone Europe/Berlin. The plain event of most cases is
Monday 2026-11-09, 09:00-10:00 UTC, unless the case says otherwise.
"""

from __future__ import annotations

from tests.ical.corpus.big import BIG
from tests.ical.corpus.case import Case
from tests.ical.corpus.dates import DATES
from tests.ical.corpus.meaning import BUSY, INJECTION
from tests.ical.corpus.recurrence import RECURRENCE
from tests.ical.corpus.structure import STRUCTURE

CASES: dict[str, Case] = {
    f"{group}: {case.name}": case
    for group, cases in (
        ("recurrence", RECURRENCE),
        ("dates", DATES),
        ("structure", STRUCTURE),
        ("injection", INJECTION),
        ("busy", BUSY),
        ("big", BIG),
    )
    for case in cases
}
