"""What calendars tells the apps above it. Receivers run inside the transaction that made the change, so what they
record is committed with it or not at all; whatever leaves the database belongs in transaction.on_commit."""

from django.dispatch import Signal

# sessions_changed(session_ids: list[int], dropped: list[tuple[session_id, host_id]]): time, people or text changed, or
# the session ended. A dropped host's engagement stays, inactive and `dropped`.
sessions_changed = Signal()
# clashes_settled(engagement_ids: list[int]): these overlap nothing any more (rule P7).
clashes_settled = Signal()
# appointment_changed(appointment_id: int, event: "created" | "updated" | "cancelled"); a deleted one is "cancelled"
# first, while its row is still there.
appointment_changed = Signal()
# calendar_changed(calendar_id: int): a setting that decides whether its appointments belong in iCloud, or what its
# events say
calendar_changed = Signal()
