"""What calendars tells the apps above it. Receivers run inside the transaction that made the change, so what they
record is committed with it or not at all; whatever leaves the database belongs in transaction.on_commit."""

from django.dispatch import Signal

# sessions_changed(session_ids: list[int], dropped: list[tuple[session_id, host_id]]): time, people or text changed.
sessions_changed = Signal()
# appointment_changed(appointment_id: int, event: "created" | "updated" | "cancelled")
appointment_changed = Signal()
# calendar_changed(calendar_id: int): a setting that decides whether its appointments belong in iCloud
calendar_changed = Signal()
