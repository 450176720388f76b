"""The events other services can hear of (contract.md)."""

from __future__ import annotations

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
