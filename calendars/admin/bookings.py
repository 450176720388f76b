"""Appointments and what holds them, to look at; staff cancel through the same service as everybody."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from calendars import selectors
from calendars.admin.access import StaffReads, StaffWrites
from calendars.models import Appointment, Contact, Engagement, IdempotencyKey, Session
from calendars.services import booking, contacts
from leadmagicx.accounts.models import User


@admin.register(Appointment)
class AppointmentAdmin(StaffReads, admin.ModelAdmin):
    """Appointments of all hosts."""

    list_display = ("title", "calendar", "starts", "hosts", "contact", "status", "verified")
    list_filter = ("status", "verified", "calendar")
    search_fields = ("title", "contact__name", "contact__email")
    date_hierarchy = "created_at"
    actions = ("cancel_appointments",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Appointment]:
        return selectors.with_details(super().get_queryset(request))

    @admin.display(ordering="session__start", description=_("start"))
    def starts(self, appointment: Appointment) -> Any:
        return appointment.start

    @admin.display(description=_("hosts"))
    def hosts(self, appointment: Appointment) -> str:
        rows = appointment.session.engagements.all()
        return ", ".join(selectors.host_name(row.host) for row in rows if row.host and not row.dropped)

    @admin.action(description=_("Cancel the chosen appointments"), permissions=["operate"])
    def cancel_appointments(self, request: HttpRequest, queryset: QuerySet[Appointment]) -> None:
        now, chosen = timezone.now(), list(queryset)
        for appointment in chosen:
            booking.cancel(appointment_id=appointment.pk, by=cast(User, request.user), now=now)
            self.log_change(request, appointment, "Cancelled.")
        text = ngettext("%(count)d appointment is cancelled.", "%(count)d appointments are cancelled.", len(chosen))
        self.message_user(request, text % {"count": len(chosen)})


class EngagementInline(StaffReads, admin.TabularInline):
    """The hosts of a session."""

    model = Engagement
    fields = ("host", "start", "end", "active", "exempt", "dropped", "is_primary")
    readonly_fields = fields
    extra = 0


class SeatInline(StaffReads, admin.TabularInline):
    """The seats of a session."""

    model = Appointment
    fields = ("seat", "title", "contact", "status")
    readonly_fields = fields
    extra = 0


@admin.register(Session)
class SessionAdmin(StaffReads, admin.ModelAdmin):
    """Meetings: who holds them, and who has a seat."""

    list_display = ("calendar", "start", "end", "is_class", "seats", "active", "revision")
    list_select_related = ("calendar",)
    list_filter = ("active", "is_class", "calendar")
    inlines = (EngagementInline, SeatInline)


@admin.register(Engagement)
class EngagementAdmin(StaffReads, admin.ModelAdmin):
    """Hosts' time; exempt rows clash after a move in iCloud."""

    list_display = ("host", "calendar", "start", "end", "active", "exempt", "dropped")
    list_select_related = ("host", "calendar")
    list_filter = ("active", "exempt", "calendar")


@admin.register(Contact)
class ContactAdmin(StaffWrites, admin.ModelAdmin):
    """Clients."""

    list_display = ("name", "email", "phone", "owner", "created_at")
    list_select_related = ("owner",)
    search_fields = ("name", "email")

    def save_model(self, request: HttpRequest, obj: Contact, form: Any, change: bool) -> None:  # noqa: FBT001
        contacts.save(obj)


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(StaffReads, admin.ModelAdmin):
    """Requests that will not be done twice; what was answered is not shown."""

    list_display = ("user", "key", "status_code", "created_at")
    list_select_related = ("user",)
    exclude = ("body", "fingerprint")
