"""The events other services can hear of (contract.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

EVENTS = (
    "appointment.created",
    "appointment.updated",
    "appointment.cancelled",
    "appointment.moved_in_icloud",
    "appointment.removed_in_icloud",
    "connection.connected",
    "connection.needs_password",
    "connection.unreachable",
    "connection.restored",
    "connection.disconnected",
    "write.failed",
)


def hearers(event: str, data: Mapping[str, Any]) -> list[int]:
    """Return the ids of the users whom an event concerns: an account's owner, or the hosts of an appointment.

    >>> hearers("write.failed", {"id": 7, "hosts": [1, 2]})
    [1, 2]
    """
    return [data["user"]] if event.startswith("connection.") else list(data["hosts"])
