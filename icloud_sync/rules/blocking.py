"""Does an iCloud event take the host's time, and why (rules P2, P3, P5, P9, A6)."""

from __future__ import annotations

from datetime import timedelta

BUSY = "BUSY"
FREE = "FREE"
CANCELLED = "CANCELLED"
DECLINED = "DECLINED"
ZERO_LENGTH = "ZERO_LENGTH"
NOT_CONFLICT_CALENDAR = "NOT_CONFLICT_CALENDAR"
RELEASED = "RELEASED"
LEADMAGICX = "LEADMAGICX"

CODES = (BUSY, FREE, CANCELLED, DECLINED, NOT_CONFLICT_CALENDAR, ZERO_LENGTH, RELEASED, LEADMAGICX)


def code_of(*, transp: str, status: str, partstat: str, length: timedelta) -> str:
    """Return what one occurrence says of itself: BUSY FREE CANCELLED DECLINED or ZERO_LENGTH.

    `transp`, `status` and `partstat` are the values of TRANSP, STATUS and of the user's own PARTSTAT as
    written, "" when absent; `length` is the time it takes, without travel time.

    Only a clear word opens time (reliability §4, fail closed): an absent or unknown TRANSP is busy, and
    so are TENTATIVE, unanswered and unknown states (rule P9, facts 7.1 and 7.3).

    >>> code_of(transp="", status="TENTATIVE", partstat="NEEDS-ACTION", length=timedelta(hours=1))
    'BUSY'
    >>> code_of(transp="Transparent", status="", partstat="", length=timedelta(hours=1))
    'FREE'
    >>> code_of(transp="SEE-THROUGH", status="", partstat="", length=timedelta(hours=1))
    'BUSY'
    >>> code_of(transp="OPAQUE", status="CANCELLED", partstat="DECLINED", length=timedelta(hours=1))
    'CANCELLED'
    >>> code_of(transp="OPAQUE", status="CONFIRMED", partstat="DECLINED", length=timedelta(hours=1))
    'DECLINED'
    >>> code_of(transp="OPAQUE", status="", partstat="", length=timedelta(0))
    'ZERO_LENGTH'
    """
    if status.upper() == "CANCELLED":
        return CANCELLED
    if partstat.upper() == "DECLINED":
        return DECLINED
    if transp.upper() == "TRANSPARENT":
        return FREE
    return BUSY if length > timedelta(0) else ZERO_LENGTH


def own_answer(answers: list[str]) -> str:
    """Return the user's answer to an invitation from the PARTSTAT of each line that names the user.

    Invited twice (under two addresses), the user has declined only when both lines say so.

    >>> own_answer(["DECLINED", "ACCEPTED"]), own_answer(["DECLINED"]), own_answer([])
    ('ACCEPTED', 'DECLINED', '')
    >>> own_answer([""])
    'NEEDS-ACTION'
    """
    for answer in answers:
        if answer.upper() != "DECLINED":
            return answer or "NEEDS-ACTION"
    return "DECLINED" if answers else ""


def why(*, code: str, conflict_calendar: bool, released: bool = False) -> tuple[bool, str]:
    """Return (blocks, code) for one row of iCloud time.

    `code` is what the occurrence says of itself (`code_of`); `conflict_calendar`: its calendar is a
    conflict calendar now (rule P3); `released`: removed in iCloud and freed by the user or by the setting
    (rule P5). The event's own reason comes before that of its calendar.

    >>> why(code="BUSY", conflict_calendar=True)
    (True, 'BUSY')
    >>> why(code="BUSY", conflict_calendar=False)
    (False, 'NOT_CONFLICT_CALENDAR')
    >>> why(code="FREE", conflict_calendar=False)
    (False, 'FREE')
    >>> why(code="BUSY", conflict_calendar=True, released=True)
    (False, 'RELEASED')
    >>> why(code="LEADMAGICX", conflict_calendar=False)
    (True, 'LEADMAGICX')
    """
    if code == LEADMAGICX:
        return True, LEADMAGICX
    if released:
        return False, RELEASED
    if code in (FREE, CANCELLED, DECLINED, ZERO_LENGTH):
        return False, code
    return (True, BUSY) if conflict_calendar else (False, NOT_CONFLICT_CALENDAR)
