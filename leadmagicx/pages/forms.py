"""What people type on the pages; names as in REST."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_aware
from django.utils.translation import gettext_lazy as _

from calendars.zones import YEARS, validate_zone


class StartField(forms.CharField):
    """A start as the page offered it: ISO 8601 with its offset."""

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return None
        try:
            found = parse_datetime(text)
        except ValueError:
            found = None
        if found is None or not is_aware(found) or found.year not in YEARS:
            raise ValidationError(_("Choose one of the times."), code="invalid")
        return found


class MoveForm(forms.Form):
    """One of the open times."""

    start = StartField(error_messages={"required": _("Choose one of the times.")})


class DetailsForm(forms.Form):
    """What an appointment says."""

    title = forms.CharField(label=_("Title"), max_length=500, required=False)
    location = forms.CharField(label=_("Place"), max_length=1000, required=False)
    notes = forms.CharField(label=_("Notes"), max_length=20_000, required=False, widget=forms.Textarea({"rows": 4}))


class AppointmentForm(MoveForm, DetailsForm):
    """A booking: a time, the client, and what else is to be said."""

    name = forms.CharField(label=_("Client's name"), max_length=200)
    email = forms.EmailField(label=_("Client's email"), widget=forms.EmailInput({"autocomplete": "off"}))
    phone = forms.CharField(label=_("Phone (optional)"), max_length=50, required=False)
    host = forms.TypedChoiceField(label=_("Host"), coerce=int, empty_value=None, required=False)

    def __init__(self, *args: Any, hosts: dict[int, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["title"].help_text = _("Without one, the client's name.")
        if hosts:
            self.fields["host"].choices = [("", _("Whoever is free")), *hosts.items()]  # type: ignore[attr-defined]
        else:
            del self.fields["host"]


def _moment_input() -> forms.DateTimeInput:
    return forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


def validate_year(moment: datetime) -> None:
    """Raise ValidationError for a year that REST refuses too."""
    if moment.year not in YEARS:
        raise ValidationError(_("The year must be from 1970 to 2199."), code="far")


class BlockForm(forms.Form):
    """A blocked slot in the user's zone."""

    title = forms.CharField(label=_("Title (optional)"), max_length=500, required=False)
    start = forms.DateTimeField(label=_("From"), widget=_moment_input(), validators=[validate_year])
    end = forms.DateTimeField(label=_("To"), widget=_moment_input(), validators=[validate_year])
    all_day = forms.BooleanField(required=False)

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        start, end = found.get("start"), found.get("end")
        if start and end and (end < start if found.get("all_day") else end <= start):
            self.add_error("end", ValidationError(_("The end must be after the start."), code="order"))
        return found


class ZoneForm(forms.Form):
    """The user's time zone."""

    timezone = forms.CharField(label=_("Time zone"), max_length=64, validators=[validate_zone])
