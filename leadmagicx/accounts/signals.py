"""What accounts tells the apps above it, inside the transaction that made the change."""

from django.dispatch import Signal

# timezone_changed(user_id: int): the user lives in another zone now
timezone_changed = Signal()
