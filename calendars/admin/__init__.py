"""Calendars for staff. Every change goes through the services, so nothing can be saved here that REST refuses."""

from calendars.admin.bookings import AppointmentAdmin, ContactAdmin, IdempotencyKeyAdmin, SessionAdmin
from calendars.admin.calendars import CalendarAdmin
from calendars.admin.slots import BlockedSlotAdmin

__all__ = [
    "AppointmentAdmin",
    "BlockedSlotAdmin",
    "CalendarAdmin",
    "ContactAdmin",
    "IdempotencyKeyAdmin",
    "SessionAdmin",
]
