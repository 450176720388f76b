"""What people type and choose under Calendar Settings; fields are named as in REST."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from icloud_sync.models import CalendarSettings, ICloudCalendar


def _plain_text(**attrs: str) -> dict[str, str]:
    """Return attributes that keep a phone from "correcting" what is typed or pasted."""
    return {"autocapitalize": "none", "autocorrect": "off", "spellcheck": "false", **attrs}


class PasswordForm(forms.Form):
    """An app-specific password. The text is never shown again, and its shape is judged by the service (rule C3)."""

    app_specific_password = forms.CharField(
        label=_("App-specific password"),
        max_length=200,
        widget=forms.PasswordInput(
            attrs=_plain_text(
                autocomplete="off",
                placeholder="abcd-efgh-ijkl-mnop",
                **{"class": "code", "data-shape": "shape", "aria-describedby": "shape", "data-focus": ""},
            )
        ),
        error_messages={"required": _("Paste the app-specific password here.")},
    )


class ConnectForm(PasswordForm):
    """The account as well."""

    apple_id = forms.CharField(
        label=_("iCloud email address"),
        max_length=254,
        widget=forms.EmailInput(
            attrs=_plain_text(autocomplete="username", placeholder="name@icloud.com", **{"data-focus": ""})
        ),
        error_messages={"required": _("Enter the email address of your Apple Account.")},
    )
    field_order = ("apple_id", "app_specific_password")

    def clean_apple_id(self) -> str:
        return str(self.cleaned_data["apple_id"]).strip()


class DisconnectForm(forms.Form):
    """What becomes of the future appointments that are in iCloud (rule C6); nothing is chosen beforehand."""

    written_events = forms.ChoiceField(
        choices=[
            ("keep", _("Keep them in iCloud")),
            ("remove", _("Remove them from iCloud")),
        ],
        error_messages={
            "required": _("Choose what happens to the appointments that are in iCloud."),
            "invalid_choice": _("Choose what happens to the appointments that are in iCloud."),
        },
    )


class PrimaryCalendarForm(forms.Form):
    """One of the account's calendars, or none. Whether it may be chosen is the service's business (rules K3, K6)."""

    primary_calendar = forms.ModelChoiceField(
        queryset=ICloudCalendar.objects.none(),
        required=False,
        error_messages={"invalid_choice": _("This calendar is not in your account any more. Choose another one.")},
    )

    def __init__(self, *args: Any, calendars: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["primary_calendar"].queryset = calendars  # type: ignore[attr-defined]


class ConflictCalendarsForm(forms.Form):
    """Any number of calendars (rule K5)."""

    conflict_calendars = forms.ModelMultipleChoiceField(
        queryset=ICloudCalendar.objects.none(),
        required=False,
        error_messages={"invalid_choice": _("One of these calendars is not in your account any more.")},
    )

    def __init__(self, *args: Any, calendars: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["conflict_calendars"].queryset = calendars  # type: ignore[attr-defined]


class FurtherSettingsForm(forms.ModelForm):
    """Rules P5, P12 and P15."""

    class Meta:
        model = CalendarSettings
        fields = ["deleted_in_icloud", "travel_time_blocks", "share_titles"]
