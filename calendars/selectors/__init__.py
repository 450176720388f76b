"""Reads: what is free, what an event says, who may see what. Each in a fixed number of queries."""

from calendars.selectors.access import (
    appointments_of,
    blocked_slots_of,
    calendars_of,
    contacts_of,
    is_shown,
    with_details,
)
from calendars.selectors.events import EventText, event_text, event_texts
from calendars.selectors.free import Explanation, FreeSlots, free_slots
from calendars.selectors.offers import MemberInfo, Offer, host_name, offer_of

__all__ = [
    "EventText",
    "Explanation",
    "FreeSlots",
    "MemberInfo",
    "Offer",
    "appointments_of",
    "blocked_slots_of",
    "calendars_of",
    "contacts_of",
    "event_text",
    "event_texts",
    "free_slots",
    "host_name",
    "is_shown",
    "offer_of",
    "with_details",
]
