"""What people read about iCloud: what happened, and what to do next. One sentence for each error and each code.

Why a slot is closed or a blocked slot blocks is in calendars/messages.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Any

from django.utils import formats, timezone
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from calendars.models import SIMPLE_NOT_SUPPORTED, Engagement
from icloud_sync import errors
from icloud_sync.errors import ICloudError
from icloud_sync.models import Attention, ConnectionStatus, ICloudConnection, JournalEntry
from icloud_sync.rules import linking

Text = str | Promise
# Where Apple is not to blame for a status, its sentence must not say so.
OF_OUR_OWN = {"needs_password": "credentials_unreadable", "unreachable": "unforeseen"}

ERROR_TEXTS: dict[type[ICloudError], Text] = {
    errors.PasswordRejected: _(
        "Apple did not accept this e-mail and password. Your Apple ID password does not work here: create an "
        "app-specific password at appleid.apple.com, under Sign-In and Security, and paste it in."
    ),
    errors.NotAnAppSpecificPassword: _(
        "This is not an app-specific password; it was not sent to Apple. An app-specific password has 16 letters, "
        "like abcd-efgh-ijkl-mnop. Create one at appleid.apple.com, under Sign-In and Security, and paste it in."
    ),
    errors.AlreadyConnected: _(
        "This iCloud account is connected already. To give it a new password, use Reconnect on the account."
    ),
    errors.DifferentAccount: _(
        "This password belongs to another Apple account. Create the app-specific password while signed in with the "
        "Apple ID of this connection, or connect the other account on its own."
    ),
    errors.CredentialsUnreadable: _(
        "The stored password cannot be read any more. Reconnect with a new app-specific password from "
        "appleid.apple.com; nothing else is lost."
    ),
    errors.WriterAccessRequired: _(
        "Writer's access is required to select a calendar as the primary calendar. Choose one you may edit, or ask "
        "its owner in iCloud to let you edit it. It can still be checked for conflicts."
    ),
    errors.SubscriptionNotSupported: _(
        "Subscribed and public calendars (calendars added by URL) are not supported. Choose a calendar of your own, "
        "or one that is shared with you."
    ),
    errors.SimpleCalendarNotSupported: _(SIMPLE_NOT_SUPPORTED),
    errors.CalendarGone: _("This calendar is not in iCloud any more. Choose another one."),
    errors.Unreachable: _("iCloud did not answer. Try again in a moment."),
    errors.Throttled: _("iCloud asked to slow down. Try again in a few minutes."),
    errors.ServerFault: _("iCloud has a fault of its own at the moment. Try again in a few minutes."),
    errors.AccessRefused: _(
        "iCloud does not let LeadMagicX in at the moment. Try again in a few minutes; if it stays, sign in at "
        "icloud.com and see whether Apple asks you to accept new terms."
    ),
    errors.UntrustedHost: _(
        "iCloud pointed to an address that LeadMagicX does not trust, so nothing was sent there. Try again later; if "
        "it stays, ask whoever runs LeadMagicX to look at ICLOUD_TRUSTED_HOSTS."
    ),
    errors.BadAnswer: _("iCloud's answer could not be understood, so nothing of it was used. Try again in a moment."),
    errors.BudgetSpent: _("This account has used up its requests for this minute. It goes on by itself."),
    errors.Unforeseen: _(
        "LeadMagicX itself failed at this account. It tries again; whoever runs it finds why in its log."
    ),
    errors.CollectionMissing: _(
        "iCloud did not find the account's calendars. They are looked for again by themselves."
    ),
    errors.TokenLost: _("iCloud forgot where the last look ended, so the calendar is read in full. Nothing to do."),
    errors.ItemChanged: _("The event was changed in iCloud at the same moment; both changes are brought together."),
    errors.ItemMissing: _("The event was not found in iCloud."),
    errors.ItemRefused: _("iCloud refused the event. Change the appointment, then try again."),
    errors.ItemBusy: _("iCloud could not take the event just now. It is tried again by itself."),
    errors.UidConflict: _("iCloud has an event with this identity elsewhere. It is written under another one."),
    errors.OutcomeUnknown: _("The answer of iCloud was lost on the way. LeadMagicX looks first, then goes on."),
    errors.ItemUnreadable: _("This event cannot be read. Open it on your iPhone, change it slightly and save it."),
}

REASON_TEXTS: dict[str, Text] = {
    linking.WRITER_ACCESS_REQUIRED: _("Writer's access is required to select this calendar as the primary calendar."),
    linking.SUBSCRIPTION_NOT_SUPPORTED: _("Subscribed and public calendars (added by URL) are not supported."),
    linking.GONE: _("This calendar is not in iCloud any more."),
}

STATUS_TEXTS: dict[str, Text] = {
    ConnectionStatus.CONNECTED: "",
    ConnectionStatus.NEEDS_PASSWORD: _(
        "Apple does not accept the app-specific password of %(apple_id)s any more. Create a new one at "
        "appleid.apple.com, under Sign-In and Security, and reconnect. Blocked times stay blocked until then."
    ),
    ConnectionStatus.UNREACHABLE: _(
        "iCloud cannot be reached for %(apple_id)s since %(since)s. LeadMagicX keeps trying, and blocked times stay "
        "blocked."
    ),
    ConnectionStatus.DISCONNECTED: _("%(apple_id)s is disconnected."),
}

ATTENTION_TEXTS: dict[str, Text] = {
    "removed_in_icloud": _(
        "%(what)s was deleted in iCloud. The appointment stands: put it back in iCloud, leave it off, or cancel it."
    ),
    "moved_in_icloud": _("%(what)s was moved in iCloud, and LeadMagicX followed. Move it back if that was a mistake."),
    "outside_hours": _(
        "%(what)s was moved in iCloud to a time outside the calendar's hours. Move it, or leave it as it is."
    ),
    "clash": _(
        "%(what)s was moved in iCloud to a time that is taken already. Move or cancel one of the two; nothing else "
        "can be booked there."
    ),
    "affects_others": _(
        "%(what)s was moved in iCloud, which changes it for other people too. Tell them, or move it back."
    ),
    "unsupported_edit": _(
        "%(what)s was made all-day, recurring or zero minutes long in iCloud, which an appointment cannot be. "
        "LeadMagicX keeps its own time; edit it there or on the iPhone."
    ),
    "write_failed": _("%(what)s could not be written to iCloud. %(reason)s"),
    "needs_password": STATUS_TEXTS[ConnectionStatus.NEEDS_PASSWORD],
    "unreachable": STATUS_TEXTS[ConnectionStatus.UNREACHABLE],
    "primary_lost": _(
        "The primary calendar %(calendar)s cannot be written to any more: it is gone, or the right to edit it was "
        "taken away. Appointments wait; choose another primary calendar, or have the right restored."
    ),
    "unreadable_event": _(
        "An event in the iCloud calendar %(calendar)s cannot be read. If it was blocking, it keeps blocking. Open it "
        "on your iPhone, change it slightly and save it."
    ),
}

# The same flags, shown beside the appointment.
FLAG_TEXTS: dict[str, Text] = {
    "removed_in_icloud": _("Deleted in iCloud; it stands here. Put it back, leave it off, or cancel it."),
    "moved_in_icloud": _("Moved in iCloud, and moved here with it."),
    "outside_hours": _("Moved in iCloud to a time outside the calendar's hours."),
    "clash": _("Moved in iCloud to a time that is taken already. Move or cancel one of the two."),
    "affects_others": _("Moved in iCloud, which changes it for other people too. Tell them, or move it back."),
    "unsupported_edit": _(
        "Made all-day, recurring or without length in iCloud, which no appointment can be. Its time here stays."
    ),
    "write_failed": _("It could not be written to iCloud. %(reason)s"),
}

COPY_TEXTS: dict[str, Text] = {
    "simple": _(SIMPLE_NOT_SUPPORTED),
    "cancelled": _("The appointment is cancelled, so it is not in iCloud."),
    "icloud_off": _("iCloud is turned off for this calendar."),
    "no_primary_calendar": _("No primary calendar is chosen, so it is not written to iCloud."),
    "past": _("It was over before it could be written to iCloud."),
    "left_off": _("It was left off iCloud."),
}

JOURNAL_TEXTS: dict[str, Text] = {
    "connected": _("Connected."),
    "reconnected": _("Reconnected with a new password."),
    "disconnected": _("Disconnected."),
    "restored": _("iCloud answers again."),
    "needs_password": _("Apple refused the password twice, so LeadMagicX stopped asking."),
    "unreachable": _("iCloud could not be reached."),
    "sync_failed": _("The look at the account ended early."),
    "removal_given_up": _("Not everything could be removed from iCloud within a day; the password is erased now."),
    "first_import": _("The calendar was read for the first time."),
    "token_lost": _("The calendar was read anew."),
    "calendar_not_readable": _("The calendar could not be read; what it blocked stays blocked."),
    "calendar_gone": _("The calendar is not in iCloud any more."),
    "rights_lost": _("Writer's access to the calendar was lost; appointments wait."),
    "rights_regained": _("Writer's access to the calendar is back."),
    "created": _("Written to iCloud."),
    "updated": _("Updated in iCloud."),
    "deleted": _("Removed from iCloud."),
    "already_gone": _("It was to be removed from iCloud."),
    "adopted": _("An earlier write had arrived after all."),
    "postponed": _("It could not be written to iCloud yet."),
    "name_refused": _("iCloud refused its identity."),
    "write_failed": _("It could not be written to iCloud."),
    "edit_taken": _("Edited in iCloud, and taken over here."),
    "edit_lost": _("Edited on both sides; LeadMagicX's version won, this is what gave way."),
    "edit_not_taken": _("Made all-day, recurring or without length in iCloud; LeadMagicX keeps its time."),
    "removed_in_icloud": _("Deleted in iCloud; the appointment stands."),
    "back_in_icloud": _("It is in iCloud again."),
    "moved_between_calendars": _("Moved to another calendar in iCloud; LeadMagicX follows it there."),
    "primary_chosen": _("Chosen as the primary calendar."),
    "conflict_chosen": _("Chosen as a conflict calendar."),
    "conflict_removed": _("No conflict calendar any more."),
    "put_back": _("Put back into iCloud."),
    "left_off": _("Left off iCloud."),
    "retried": _("To be tried again."),
    "released": _("Freed by hand after its event was deleted in iCloud."),
    "event_new": _("A new event."),
    "event_changed": _("An event changed."),
    "event_deleted": _("An event was deleted in iCloud."),
    "event_moved": _("An event moved to another calendar."),
    "event_warning": _("An event was read with a guess."),
    "event_unreadable": _("An event was left out; the others went on."),
}
# Actions whose code is that of an error, which says more.
WITH_ERROR = frozenset({"sync_failed", "needs_password", "unreachable", "write_failed", "postponed"})
# Actions that one error is behind, whatever their code.
BEHIND: dict[str, type[ICloudError]] = {
    "token_lost": errors.TokenLost,
    "already_gone": errors.ItemMissing,
    "name_refused": errors.UidConflict,
    "event_unreadable": errors.ItemUnreadable,
}

# Why iCloud refused an event for good (rule W9): a precondition of CalDAV, or the HTTP status.
REFUSAL_TEXTS: dict[str, Text] = {
    "max-resource-size": _("It is too large for iCloud. Shorten its notes, then try again."),
    "quota-not-exceeded": _("The iCloud account is full. Make room in iCloud, then try again."),
    "need-privileges": _("Writer's access to the calendar is missing. Have it restored, then try again."),
    "valid-calendar-data": _("iCloud could not read it. Change its title, location or notes, then try again."),
    "supported-calendar-component": _("The calendar takes no events. Choose another primary calendar."),
    "unreadable": _("What stands in iCloud cannot be read. Delete it on your iPhone, then put it back."),
    "name_taken": _("iCloud holds another event under its name. Try again."),
    "403": _("iCloud does not allow it. Check that you may edit the calendar, then try again."),
    "404": _("iCloud did not take it. Change its title, location or notes, then try again."),
    "413": _("It is too large for iCloud. Shorten its notes, then try again."),
    "507": _("The iCloud account is full. Make room in iCloud, then try again."),
}


def code_of(kind: type[ICloudError]) -> str:
    """Return the code of an error, as rows and REST keep it (services.run.error_code gives the same).

    >>> code_of(errors.PasswordRejected)
    'password_rejected'
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", kind.__name__).lower()


BY_CODE: dict[str, Text] = {code_of(kind): text for kind, text in ERROR_TEXTS.items()}
# A write that waits keeps the status it was answered with.
BY_STATUS: dict[str, type[ICloudError]] = {"412": errors.ItemChanged} | dict.fromkeys(
    ("404", "409", "423", "425"), errors.ItemBusy
)


def error_text(error: ICloudError | str) -> str:
    """Return what people read about an error, or about the code of one that a row keeps."""
    if isinstance(error, str):
        known = BY_CODE.get(error) or REFUSAL_TEXTS.get(error)
        return str(known or gettext("iCloud answered: %(code)s. Try again later.") % {"code": error})
    return next(str(ERROR_TEXTS[kind]) for kind in type(error).__mro__ if kind in ERROR_TEXTS)


def refusal_text(code: str) -> str:
    """Return why iCloud refused an event for good."""
    return str(REFUSAL_TEXTS.get(code, ERROR_TEXTS[errors.ItemRefused]))


def reason_text(code: str) -> str:
    """Return why a calendar cannot be chosen (rules K3, K6, K7)."""
    return str(REASON_TEXTS[code])


def connection_detail(connection: ICloudConnection, *, zone: tzinfo | None = None) -> str:
    """Return what is wrong with a connection and what to do; empty when nothing is."""
    values = {"apple_id": connection.apple_id, "since": moment(connection.failing_since, zone)}
    if OF_OUR_OWN.get(connection.status) == connection.error_code:
        return error_text(connection.error_code)
    return str(STATUS_TEXTS[connection.status]) % values


def attention_text(attention: Attention, *, zone: tzinfo | None = None) -> str:
    """Return what happened and what next; times in `zone`, else in the one that is active.

    Reads engagement, session, calendar and appointments: fetch them with the row (selectors.open_attention).
    """
    code = attention.code
    if code in OF_OUR_OWN and OF_OUR_OWN[code] == attention.values.get("why"):
        return error_text(OF_OUR_OWN[code])
    values = {
        "what": _subject(attention, zone=zone),
        "apple_id": attention.connection.apple_id if attention.connection else "",
        "calendar": _quoted(attention.calendar.name if attention.calendar else attention.values.get("calendar", "")),
        "since": moment(attention.since, zone),
        "reason": refusal_text(str(attention.values.get("status", ""))),
    }
    return str(ATTENTION_TEXTS[code]) % values


def flag_text(code: str, values: Mapping[str, Any]) -> str:
    """Return a flag of an appointment for a reader who has the appointment in front of them."""
    return str(FLAG_TEXTS[code]) % {"reason": refusal_text(str(values.get("status", "")))}


def journal_text(entry: JournalEntry) -> str:
    """Return what sync did, in words."""
    text = str(JOURNAL_TEXTS.get(entry.action, entry.action.replace("_", " ")))
    behind = BEHIND.get(entry.action) or (BY_STATUS.get(entry.code) if entry.action == "postponed" else None)
    if behind is not None:
        return f"{text} {ERROR_TEXTS[behind]}"
    return f"{text} {error_text(entry.code)}" if entry.action in WITH_ERROR and entry.code else text


def copy_detail(code: str) -> str:
    """Return why an appointment's event stands as it does in iCloud, from the code of selectors.overlay."""
    return str(COPY_TEXTS.get(code) or refusal_text(code)) if code else ""


def moment(at: datetime | None, zone: tzinfo | None = None) -> str:
    """Return a time as people read it; a dash when there is none."""
    if at is None:
        return "–"
    return formats.date_format(timezone.localtime(at, zone), "SHORT_DATETIME_FORMAT")


def _subject(attention: Attention, *, zone: tzinfo | None) -> str:
    """Return the appointment a case is about, with its time; empty when it is about none."""
    engagement = attention.engagement
    if engagement is None:
        return ""
    title = _title(engagement) or str(attention.values.get("title", ""))
    values = {"title": _quoted(title) if title else gettext("An appointment"), "when": moment(engagement.start, zone)}
    return gettext("%(title)s on %(when)s") % values


def _title(engagement: Engagement) -> str:
    """Return what the appointment is called now; empty when it was deleted, or is another host's by now."""
    session = engagement.session
    if session.is_class:
        return session.calendar.name
    seats = [] if engagement.dropped else session.appointments.all()
    return next((seat.title for seat in seats), "")


def _quoted(text: str) -> str:
    return gettext("“%(text)s”") % {"text": text}
