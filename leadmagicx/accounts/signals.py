"""What accounts tells the apps above it, inside the transaction that made the change."""

from django.dispatch import Signal

# timezone_changed(user_id: int, former: str): the user lives in another zone now than in the former one
timezone_changed = Signal()
