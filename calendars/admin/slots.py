"""Blocked slots. Those of iCloud are looked at without their titles, which are their owner's (rule P15)."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from calendars import messages
from calendars.admin.access import StaffWrites
from calendars.choices import SlotSource
from calendars.models import BlockedSlot
from calendars.services import blocked


@admin.register(BlockedSlot)
class BlockedSlotAdmin(StaffWrites, admin.ModelAdmin):
    """Time without an appointment; only what was made in LeadMagicX can be changed here."""

    list_display = ("shown_title", "user", "start", "end", "all_day", "blocks", "source", "why")
    list_display_links = ("shown_title",)
    list_select_related = ("user",)
    list_filter = ("source", "blocks", "code")
    search_fields = ("user__username",)
    fields = ("user", "title", "start", "end", "all_day")

    @admin.display(description=_("title"))
    def shown_title(self, slot: BlockedSlot) -> str:
        return messages.busy() if slot.source == SlotSource.ICLOUD else slot.title or "–"

    @admin.display(description=_("why"))
    def why(self, slot: BlockedSlot) -> str:
        return messages.why(slot.code, place=slot.place)

    def get_fields(self, request: HttpRequest, obj: BlockedSlot | None = None) -> tuple[str, ...]:
        if obj is not None and obj.source == SlotSource.ICLOUD:
            return ("user", "shown_title", "start", "end", "busy_start", "busy_end", "all_day", "blocks", "why")
        return self.fields

    def get_readonly_fields(self, request: HttpRequest, obj: BlockedSlot | None = None) -> tuple[str, ...]:
        if obj is not None and obj.source == SlotSource.ICLOUD:
            return self.get_fields(request, obj)
        return ("user",) if obj is not None else ()

    def has_change_permission(self, request: HttpRequest, obj: BlockedSlot | None = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.source != SlotSource.ICLOUD)

    def has_delete_permission(self, request: HttpRequest, obj: BlockedSlot | None = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or obj.source != SlotSource.ICLOUD)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Delete one by one: a list may hold rows of iCloud."""
        return {name: action for name, action in super().get_actions(request).items() if name != "delete_selected"}

    def save_model(self, request: HttpRequest, obj: BlockedSlot, form: Any, change: bool) -> None:  # noqa: FBT001
        given = {name: form.cleaned_data[name] for name in ("title", "start", "end", "all_day")}
        stored = blocked.update(slot_id=obj.pk, changes=given) if change else blocked.create(user=obj.user, **given)
        obj.pk = stored.pk

    def delete_model(self, request: HttpRequest, obj: BlockedSlot) -> None:
        blocked.delete(slot_id=obj.pk)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[BlockedSlot]) -> None:
        for slot in queryset:
            blocked.delete(slot_id=slot.pk)
