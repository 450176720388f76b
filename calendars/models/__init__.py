"""LeadMagicX's own data: calendars, appointments, blocked slots. Written only through calendars.services."""

from calendars.models.blocked import BlockedSlot
from calendars.models.booking import Appointment, Contact, Engagement, IdempotencyKey, Session
from calendars.models.busy import BusyDay
from calendars.models.calendar import SIMPLE_NOT_SUPPORTED, Calendar, DateOverride, Member, WeeklyHours

__all__ = [
    "SIMPLE_NOT_SUPPORTED",
    "Appointment",
    "BlockedSlot",
    "BusyDay",
    "Calendar",
    "Contact",
    "DateOverride",
    "Engagement",
    "IdempotencyKey",
    "Member",
    "Session",
    "WeeklyHours",
]
