"""What sync tells the apps above it; sent inside the transaction that made the change."""

from django.dispatch import Signal

# connection_changed(connection_id: int, event: "connected"|"needs_password"|"unreachable"|"restored"|"disconnected")
connection_changed = Signal()
# appointment_flagged(appointment_ids: list[int], code: "moved_in_icloud" | "removed_in_icloud")
appointment_flagged = Signal()
# write_failed(appointment_ids: list[int])
write_failed = Signal()
# outbox_filled(connection_ids: set[int]): something is to be written to these accounts
outbox_filled = Signal()
# look_wanted(connection_ids: set[int]): these accounts should be looked at now
look_wanted = Signal()
