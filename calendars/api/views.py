"""The resources of calendars, in one place for those who build on them."""

from calendars.api.appointment_serializers import AppointmentSerializer, Overlay
from calendars.api.appointments import AppointmentViewSet, Verification
from calendars.api.blocked import BlockedSlotSerializer, BlockedSlotViewSet
from calendars.api.calendars import CalendarSerializer, CalendarViewSet, Freshness
from calendars.api.contacts import ContactSerializer, ContactViewSet

__all__ = [
    "AppointmentSerializer",
    "AppointmentViewSet",
    "BlockedSlotSerializer",
    "BlockedSlotViewSet",
    "CalendarSerializer",
    "CalendarViewSet",
    "ContactSerializer",
    "ContactViewSet",
    "Freshness",
    "Overlay",
    "Verification",
]
