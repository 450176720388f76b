"""What can be refused.

Refused
├── SlotUnavailable     the time is taken, closed or off the grid
├── InvalidState        not possible any more, such as moving a cancelled appointment
└── NotAMember          the chosen host does not give this calendar's appointments
"""

from __future__ import annotations

from collections.abc import Sequence

from calendars.messages import ReasonText


class Refused(Exception):
    """A request that cannot be done as things stand; `code` and `text` are for its sender."""

    code = "invalid"

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class SlotUnavailable(Refused):
    """The slot is closed; `reasons` say why, in the order of the checks (rule A2)."""

    code = "slot_unavailable"

    def __init__(self, reasons: Sequence[ReasonText]) -> None:
        super().__init__("; ".join(dict.fromkeys(reason["text"] for reason in reasons)))
        self.reasons = list(reasons)


class InvalidState(Refused):
    """The object is not in a state that allows this."""

    code = "invalid_state"


class NotAMember(Refused):
    """The host is not a member of the calendar."""

    code = "not_a_member"
