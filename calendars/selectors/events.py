"""What a session's event shows in iCloud (contract.md, "The event")."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import Prefetch, prefetch_related_objects

from calendars.choices import AppointmentStatus
from calendars.models import Appointment, Contact, Session


@dataclass(frozen=True, slots=True)
class EventText:
    """`details` are the generated lines below the mark; `notes` are what may be edited above it."""

    title: str
    location: str
    notes: str
    details: list[str] = field(default_factory=list)


def event_texts(sessions: Iterable[Session]) -> dict[int, EventText]:
    """Return the texts of many sessions by id, in two queries at most; one, if their calendars are known already."""
    found = list(sessions)
    seats = Prefetch("appointments", Appointment.objects.select_related("contact"))
    prefetch_related_objects(found, "calendar", seats)
    return {session.pk: event_text(session) for session in found}


def event_text(session: Session) -> EventText:
    """Return what the event says. A class: the calendar's name with seats, the first notes and location, the roster.

    Reads `session.calendar` and `session.appointments` with their contacts; prefetch them for more than one.
    """
    rows = sorted(session.appointments.all(), key=lambda row: (row.seat, row.pk))
    seats = [row for row in rows if row.status == AppointmentStatus.CONFIRMED]
    if session.is_class:
        return EventText(
            title=f"{session.calendar.name} ({len(seats)}/{session.seats})",
            location=_first(row.location for row in seats),
            notes=_first(row.notes for row in seats),
            details=[", ".join(_lines(row.contact)) for row in seats],
        )
    shown: Appointment | None = next(iter(seats or rows[::-1]), None)
    if shown is None:
        return EventText(title=session.calendar.name, location="", notes="")
    return EventText(shown.title, shown.location, shown.notes, _lines(shown.contact))


def _first(texts: Iterable[str]) -> str:
    return next((text for text in texts if text), "")


def _lines(contact: Contact) -> list[str]:
    return [line for line in (contact.name, contact.email, contact.phone) if line]
