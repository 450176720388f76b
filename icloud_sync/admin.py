"""iCloud for staff: how every account stands, what sync did, what needs a person.

Rows belong to the services, so they are looked at here, not edited; what staff do about them are actions that call the
same services as everybody. The password is on no page, and titles of private events on none either (rule P15).
"""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from calendars.admin.access import AsksWhatIsOffered
from icloud_sync import selectors
from icloud_sync.messages import attention_text, connection_detail, journal_text
from icloud_sync.models import (
    Attention,
    CalendarSettings,
    ConnectionStatus,
    ICloudCalendar,
    ICloudConnection,
    ICloudCredential,
    ICloudEvent,
    JournalEntry,
    SyncedEvent,
    SyncRun,
)
from icloud_sync.rules.privacy import public_part
from icloud_sync.services import InvalidState, connecting, syncing
from icloud_sync.tasks import sync_soon


class StaffReads(AsksWhatIsOffered):
    """Mixin: every member of staff may look, nobody adds, edits or deletes rows by hand."""

    show_full_result_count = False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and request.user.is_staff)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Return whether the actions of this page may be used."""
        return self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class CalendarInline(StaffReads, admin.TabularInline):
    """The calendars of an account."""

    model = ICloudCalendar
    fields = ("name", "kind", "writable", "checks_conflicts", "listed_at", "gone_at")
    readonly_fields = fields
    extra = 0


@admin.register(ICloudConnection)
class ConnectionAdmin(StaffReads, admin.ModelAdmin):
    """Accounts, disconnected ones included."""

    list_display = (
        "apple_id",
        "user",
        "status",
        "error_code",
        "failures",
        "last_synced_at",
        "data_as_of",
        "next_sync_at",
    )
    list_select_related = ("user",)
    list_filter = ("status", "error_code")
    search_fields = ("apple_id", "user__username", "user__email")
    fields = (
        "user",
        "apple_id",
        "status",
        "what_to_do",
        "has_password",
        "error_code",
        "failures",
        "failing_since",
        "connected_at",
        "last_synced_at",
        "data_as_of",
        "horizon",
        "next_sync_at",
        "not_before",
        "budget_used",
        "removal_until",
    )
    readonly_fields = fields
    inlines = [CalendarInline]
    actions = ["sync_now", "disconnect_and_keep"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ICloudConnection]:
        stored = ICloudCredential.objects.filter(connection=OuterRef("pk"))
        rows: QuerySet[ICloudConnection] = super().get_queryset(request)
        return rows.annotate(password_stored=Exists(stored))

    @admin.display(description=_("What to do"))
    def what_to_do(self, connection: ICloudConnection) -> str:
        return connection_detail(connection) or "–"

    @admin.display(boolean=True, description=_("Password stored"))
    def has_password(self, connection: Any) -> bool:
        return bool(connection.password_stored)

    @admin.action(description=_("Sync now"), permissions=["operate"])
    def sync_now(self, request: HttpRequest, queryset: QuerySet[ICloudConnection]) -> None:
        asked = []
        for connection in queryset:
            try:
                syncing.request_sync(connection_id=connection.pk, now=timezone.now())
            except InvalidState as error:
                self.message_user(request, f"{connection}: {error}", messages.WARNING)
            else:
                sync_soon(connection.pk)
                asked.append(connection)
        self._log(request, asked, "Asked for a sync.")
        text = ngettext("%(count)d account is synced now.", "%(count)d accounts are synced now.", len(asked))
        self.message_user(request, text % {"count": len(asked)})

    @admin.action(description=_("Disconnect; appointments stay in iCloud"), permissions=["operate"])
    def disconnect_and_keep(self, request: HttpRequest, queryset: QuerySet[ICloudConnection]) -> HttpResponse | None:
        connections = list(queryset.exclude(status=ConnectionStatus.DISCONNECTED).select_related("user"))
        if "confirmed" not in request.POST:
            context = {
                **self.admin_site.each_context(request),
                "title": _("Disconnect"),
                "connections": connections,
                "action_checkbox_name": ACTION_CHECKBOX_NAME,
            }
            return TemplateResponse(request, "admin/icloud_sync/disconnect.html", context)
        for connection in connections:
            connecting.disconnect(connection_id=connection.pk, written_events="keep", now=timezone.now())
        self._log(request, connections, "Disconnected; appointments stay in iCloud.")
        text = ngettext("%(count)d account is disconnected.", "%(count)d accounts are disconnected.", len(connections))
        self.message_user(request, text % {"count": len(connections)})
        return None

    def _log(self, request: HttpRequest, connections: list[ICloudConnection], what: str) -> None:
        if connections and request.user.pk is not None:
            LogEntry.objects.log_actions(request.user.pk, connections, CHANGE, what)


@admin.register(ICloudCalendar)
class CalendarAdmin(StaffReads, admin.ModelAdmin):
    """What accounts list, and what is read of it."""

    list_display = ("name", "connection", "kind", "writable", "checks_conflicts", "listed_at", "gone_at")
    list_select_related = ("connection",)
    list_filter = ("kind", "writable", "checks_conflicts")
    search_fields = ("name", "connection__apple_id", "connection__user__username")
    fields = (*list_display, "path", "color", "missing_since", "recheck_at")
    readonly_fields = fields


@admin.register(CalendarSettings)
class CalendarSettingsAdmin(StaffReads, admin.ModelAdmin):
    """What users chose; they change it themselves."""

    list_display = ("user", "primary_calendar", "deleted_in_icloud", "travel_time_blocks", "share_titles")
    list_select_related = ("user", "primary_calendar")
    search_fields = ("user__username",)
    fields = list_display
    readonly_fields = fields


@admin.register(ICloudEvent)
class EventAdmin(StaffReads, admin.ModelAdmin):
    """Events users made in iCloud: where they are and how they fare, never what they say."""

    list_display = ("uid", "calendar", "recurring", "unreadable", "vanished_at", "removed_at", "released_at")
    list_select_related = ("calendar",)
    list_filter = ("recurring", "unreadable")
    search_fields = ("uid", "path")
    fields = (*list_display, "path", "etag", "expanded_to", "attempts", "fetch_at")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[ICloudEvent]:
        return super().get_queryset(request).defer("essence")


@admin.register(SyncedEvent)
class SyncedEventAdmin(StaffReads, admin.ModelAdmin):
    """Our events in iCloud: what is written, and what waits to be."""

    list_display = ("uid", "engagement", "calendar", "state", "due_at", "attempts", "failure", "written_at")
    list_select_related = ("engagement__host", "calendar")
    list_filter = ("state", "failure")
    search_fields = ("uid", "path")
    fields = (*list_display, "failure_text", "path", "etag", "revision", "identities", "sent_at", "created_at")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[SyncedEvent]:
        return super().get_queryset(request).defer("base", "intent", "before", "details", "additions")


@admin.register(SyncRun)
class RunAdmin(StaffReads, admin.ModelAdmin):
    """Looks at accounts that somebody asked for."""

    list_display = ("pk", "connection", "state", "done", "total", "error", "created_at", "finished_at")
    list_select_related = ("connection",)
    list_filter = ("state", "error")
    fields = ("connection", "state", "done", "total", "counts", "error", "created_at", "started_at", "finished_at")
    readonly_fields = fields


@admin.register(Attention)
class AttentionAdmin(StaffReads, admin.ModelAdmin):
    """What needs a person, and what needed one."""

    list_display = ("code", "user", "what", "since", "resolved_at")
    list_filter = ("code", ("resolved_at", admin.EmptyFieldListFilter))
    search_fields = ("user__username",)
    fields = ("code", "user", "connection", "calendar", "engagement", "what", "since", "resolved_at")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Attention]:
        related = ("user", "connection", "calendar", "engagement__session__calendar", "engagement__host")
        rows = super().get_queryset(request).select_related(*related)
        return rows.prefetch_related("engagement__session__appointments")

    @admin.display(description=_("What happened"))
    def what(self, attention: Attention) -> str:
        return attention_text(attention)


@admin.register(JournalEntry)
class JournalAdmin(StaffReads, admin.ModelAdmin):
    """What sync did and why. Only ever added to, by sync."""

    # The sentence stands where a narrow window still shows it.
    list_display = ("at", "user", "what", "calendar", "connection", "action", "code")
    list_select_related = ("user", "connection", "calendar")
    list_filter = ("action",)
    search_fields = ("uid", "path", "connection__apple_id", "user__username")
    fields = (*list_display, "session_id", "path", "uid", "was", "became")
    readonly_fields = fields

    @admin.display(description=_("In words"))
    def what(self, entry: JournalEntry) -> str:
        return journal_text(entry)

    @admin.display(description=_("Before"))
    def was(self, entry: JournalEntry) -> str:
        return self._told(entry, entry.before)

    @admin.display(description=_("After"))
    def became(self, entry: JournalEntry) -> str:
        return self._told(entry, entry.after)

    def _told(self, entry: JournalEntry, values: Any) -> str:
        open_to_all = entry.session_id is not None or entry.user_id in selectors.sharing_titles([entry.user_id])
        found = values if open_to_all else public_part(values)
        return json.dumps(found, ensure_ascii=False, indent=1) if found else "–"
