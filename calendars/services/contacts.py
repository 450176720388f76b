"""Contacts: made by people only (rule P1)."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Lower

from calendars.models import Contact, Session
from calendars.services.announce import sessions_did_change
from calendars.services.transactions import in_transaction
from leadmagicx.accounts.models import User


@dataclass(frozen=True, slots=True)
class ContactInput:
    """A client as a booking names one."""

    name: str
    email: str
    phone: str = ""


def for_booking(given: ContactInput | Contact, *, by: User, calendar_id: int) -> Contact:
    """Return the contact of a booking: one with that e-mail is re-used as it is, else it is made for `by`.

    Staff, who act for all, also re-use the contact of a member of the calendar.
    """
    if isinstance(given, Contact):
        return given
    found = _with_email(given.email, by=by, calendar_id=calendar_id)
    if found is not None:
        return found
    contact = Contact(owner=by, name=given.name, email=given.email, phone=given.phone)
    contact.full_clean(validate_unique=False, validate_constraints=False)
    with transaction.atomic():
        Contact.objects.bulk_create([contact], ignore_conflicts=True)
    # Another booking may have made it meanwhile; ignore_conflicts has waited for that one.
    made = _with_email(given.email, by=by, calendar_id=calendar_id)
    assert made is not None
    return made


def _with_email(email: str, *, by: User, calendar_id: int) -> Contact | None:
    # The database lowers both, as its constraint does: Python lowers some letters otherwise.
    rows = Contact.objects.alias(lower=Lower("email")).filter(lower=Lower(Value(email)))
    own = rows.filter(owner=by).first()
    if own is None and by.is_staff:
        own = rows.filter(owner__memberships__calendar=calendar_id).order_by("pk").first()
    return own


@in_transaction
def save(contact: Contact) -> Contact:
    """Validate and store a contact, and let its appointments' events show the new lines."""
    contact.full_clean()
    is_new = contact.pk is None
    contact.save()
    if not is_new:
        held = Session.objects.filter(active=True, appointments__contact=contact).distinct()
        sessions_did_change(held.values_list("pk", flat=True))
    return contact
