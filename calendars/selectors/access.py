"""Whose is what: a plain user sees and changes what is theirs, staff act for all (contract.md)."""

from __future__ import annotations

from django.db.models import Prefetch, Q, QuerySet

from calendars.models import Appointment, BlockedSlot, Calendar, Contact, Engagement
from leadmagicx.accounts.models import User


def calendars_of(user: User) -> QuerySet[Calendar]:
    """Return the calendars a user may read: those they are a member of."""
    if user.is_staff:
        return Calendar.objects.all()
    return Calendar.objects.filter(pk__in=user.memberships.values("calendar"))


def appointments_of(user: User) -> QuerySet[Appointment]:
    """Return the appointments a user gives, or has booked."""
    if user.is_staff:
        return Appointment.objects.all()
    given = Engagement.objects.filter(host=user, dropped=False).values("session")
    return Appointment.objects.filter(Q(session__in=given) | Q(created_by=user))


def is_shown(user: User, appointment: Appointment, *, engagement: Engagement) -> bool:
    """Return whether `appointments_of` holds an appointment for staff, or for the host of this engagement."""
    return user.is_staff or not engagement.dropped or appointment.created_by_id == user.pk


def contacts_of(user: User) -> QuerySet[Contact]:
    """Return a user's own contacts."""
    return Contact.objects.all() if user.is_staff else Contact.objects.filter(owner=user)


def blocked_slots_of(user: User) -> QuerySet[BlockedSlot]:
    """Return a user's own blocked slots."""
    return BlockedSlot.objects.all() if user.is_staff else BlockedSlot.objects.filter(user=user)


def with_details(appointments: QuerySet[Appointment]) -> QuerySet[Appointment]:
    """Return the same rows with everything REST and pages show of them, in a fixed number of queries."""
    hosts = Prefetch(
        "session__engagements",
        queryset=Engagement.objects.filter(dropped=False).select_related("host").order_by("-is_primary", "pk"),
    )
    return appointments.select_related("session", "contact", "calendar").prefetch_related(hosts)
