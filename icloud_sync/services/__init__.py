"""What people and beat ask for. Each function is one act; views, REST, admin and tasks are its thin callers."""

from calendars.services.booking import UNSET, Unset
from calendars.services.errors import InvalidState

__all__ = ["UNSET", "InvalidState", "Unset"]
