"""Calendars with their members, hours and date overrides on one page."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms.models import BaseInlineFormSet, ModelForm
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from calendars.admin.access import StaffWrites
from calendars.choices import CalendarType
from calendars.models import Calendar, DateOverride, Member, WeeklyHours
from calendars.services import calendars as services
from calendars.services.calendar_rules import (
    HoursInput,
    MemberInput,
    OverrideInput,
    check_hours,
    check_members,
    check_overrides,
)
from calendars.services.errors import InvalidState

CLOCK = re.compile(r"(\d{1,2}):(\d{2})", re.ASCII)
WEEKDAYS = [
    (0, _("Monday")),
    (1, _("Tuesday")),
    (2, _("Wednesday")),
    (3, _("Thursday")),
    (4, _("Friday")),
    (5, _("Saturday")),
    (6, _("Sunday")),
]


class ClockField(forms.CharField):
    """A wall time "9:00", up to "24:00", as minutes after midnight."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=5, widget=forms.TextInput(attrs={"size": 5, "placeholder": "09:00"}), **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return f"{value // 60:02d}:{value % 60:02d}" if isinstance(value, int) else value

    def clean(self, value: Any) -> int | None:
        text = super().clean(value)
        if not text:
            return None
        match = CLOCK.fullmatch(text)
        minutes = int(match[1]) * 60 + int(match[2]) if match and int(match[2]) < 60 else -1
        if not 0 <= minutes <= 1440:
            raise ValidationError(_('Write a time as "09:00", up to "24:00".'), code="invalid")
        return minutes

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), data)


class MemberForm(ModelForm):
    """One member. Which one is primary is checked for the whole list, where it may change hands."""

    class Meta:
        model = Member
        fields = ["user", "priority", "is_primary", "position"]

    def validate_constraints(self) -> None:
        """Leave it to the list."""


class HoursForm(ModelForm):
    weekday = forms.TypedChoiceField(choices=WEEKDAYS, coerce=int)
    start_minute = ClockField(label=_("from"))
    end_minute = ClockField(label=_("to"))

    class Meta:
        model = WeeklyHours
        fields = ["weekday", "start_minute", "end_minute"]


class OverrideForm(ModelForm):
    start_minute = ClockField(label=_("from"), required=False, help_text=_("Leave both out to close the day."))
    end_minute = ClockField(label=_("to"), required=False)

    class Meta:
        model = DateOverride
        fields = ["date", "start_minute", "end_minute"]


class ListFormSet(BaseInlineFormSet):
    """The rows of a list as they are to be; checked as a whole by the rules that REST uses."""

    def kept(self) -> list[dict[str, Any]]:
        rows = [form.cleaned_data for form in self.forms if getattr(form, "cleaned_data", None)]
        return [row for row in rows if not row.get("DELETE")]

    def clean(self) -> None:
        super().clean()
        if not any(self.errors):
            self.check_rows()

    def check_rows(self) -> None:
        """Raise ValidationError when the list as a whole is wrong."""


class MemberFormSet(ListFormSet):
    def inputs(self) -> list[MemberInput]:
        rows = sorted(self.kept(), key=lambda row: row["position"])
        return [MemberInput(row["user"].pk, row["priority"], row["is_primary"]) for row in rows]

    def check_rows(self) -> None:
        if self.instance.type in CalendarType.values:
            check_members(self.instance.kind, self.inputs())


class HoursFormSet(ListFormSet):
    def inputs(self) -> list[HoursInput]:
        return [HoursInput(row["weekday"], row["start_minute"], row["end_minute"]) for row in self.kept()]

    def check_rows(self) -> None:
        check_hours(self.inputs())


class OverrideFormSet(ListFormSet):
    def inputs(self) -> list[OverrideInput]:
        by_date: dict[date, list[tuple[int, int]]] = {}
        for row in self.kept():
            intervals = by_date.setdefault(row["date"], [])
            if row["start_minute"] is not None:
                intervals.append((row["start_minute"], row["end_minute"]))
        return [OverrideInput(day, tuple(intervals)) for day, intervals in by_date.items()]

    def check_rows(self) -> None:
        rows = self.kept()
        closed = {row["date"] for row in rows if row["start_minute"] is None}
        if any(row["date"] in closed and row["start_minute"] is not None for row in rows):
            raise ValidationError(_("A date is closed or has intervals, not both."), code="closed_and_open")
        check_overrides(self.inputs())


class MemberInline(StaffWrites, admin.TabularInline):
    model = Member
    form = MemberForm
    formset = MemberFormSet
    extra = 1


class HoursInline(StaffWrites, admin.TabularInline):
    model = WeeklyHours
    form = HoursForm
    formset = HoursFormSet
    extra = 1


class OverrideInline(StaffWrites, admin.TabularInline):
    model = DateOverride
    form = OverrideForm
    formset = OverrideFormSet
    extra = 0


@admin.register(Calendar)
class CalendarAdmin(StaffWrites, admin.ModelAdmin):
    """Booking calendars. The type is chosen once."""

    list_display = ("name", "type", "timezone", "icloud_enabled", "slot_duration", "seats_per_slot")
    list_filter = ("type", "icloud_enabled")
    search_fields = ("name",)
    inlines = (MemberInline, HoursInline, OverrideInline)
    fieldsets = (
        (None, {"fields": ("name", "type", "timezone", "icloud_enabled")}),
        (
            _("Slots (minutes)"),
            {"fields": ("slot_duration", "slot_interval", "buffer_before", "buffer_after", "seats_per_slot")},
        ),
        (_("Booking"), {"fields": ("minimum_notice", "booking_window_days", "max_per_day", "assignment")}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Calendar | None = None) -> tuple[str, ...]:
        return ("type",) if obj else ()

    def save_model(self, request: HttpRequest, obj: Calendar, form: Any, change: bool) -> None:  # noqa: FBT001
        """Wait for the lists: save_related writes all at once, through the service."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001
        by_model = {formset.model: formset for formset in formsets}
        for formset in formsets:
            formset.save(commit=False)  # notes for the history what is new, changed and deleted
        lists = {
            "members": by_model[Member].inputs(),
            "hours": by_model[WeeklyHours].inputs(),
            "overrides": by_model[DateOverride].inputs(),
        }
        values = {name: value for name, value in form.cleaned_data.items() if name in form.fields}
        if change:
            services.update(calendar_id=form.instance.pk, values=values, now=timezone.now(), **lists)
            return
        made = services.create(values=values, **lists)
        form.instance.pk, form.instance._state.adding = made.pk, False

    def delete_model(self, request: HttpRequest, obj: Calendar) -> None:
        services.delete(calendar_id=obj.pk)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Calendar]) -> None:
        for calendar in queryset:
            try:
                services.delete(calendar_id=calendar.pk)
            except InvalidState as error:
                self.message_user(request, f"{calendar}: {error.text}", messages.ERROR)
