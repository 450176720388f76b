"""Which calendars of iCloud may be chosen, and for what."""

from __future__ import annotations

from dataclasses import dataclass

WRITER_ACCESS_REQUIRED = "writer_access_required"
SUBSCRIPTION_NOT_SUPPORTED = "subscription_not_supported"
GONE = "gone"
REASONS = frozenset({WRITER_ACCESS_REQUIRED, SUBSCRIPTION_NOT_SUPPORTED, GONE})


@dataclass(frozen=True, slots=True)
class Choice:
    """What a calendar may be chosen for; `reason` is one of REASONS, None when it may be chosen for everything."""

    can_be_primary: bool
    can_check_conflicts: bool
    reason: str | None


def choice(*, kind: str, writable: bool, gone: bool = False) -> Choice:
    """Return what a calendar may be chosen for (rules K3, K5, K6).

    `kind` is own, shared or subscribed; anything else is not a calendar we know and may be chosen for nothing.
    `gone` wins over the rest: there is nothing to read. A subscription is never readable, whatever its rights say.

    >>> choice(kind="shared", writable=False)
    Choice(can_be_primary=False, can_check_conflicts=True, reason='writer_access_required')
    """
    if gone:
        return Choice(can_be_primary=False, can_check_conflicts=False, reason=GONE)
    if kind not in {"own", "shared"}:
        return Choice(can_be_primary=False, can_check_conflicts=False, reason=SUBSCRIPTION_NOT_SUPPORTED)
    if not writable:
        return Choice(can_be_primary=False, can_check_conflicts=True, reason=WRITER_ACCESS_REQUIRED)
    return Choice(can_be_primary=True, can_check_conflicts=True, reason=None)
