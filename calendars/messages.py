"""Sentences for people: why a slot is closed, why a blocked slot blocks. Event titles are in none of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TypedDict
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from calendars.choices import SlotCode
from calendars.rules.reasons import Code, Reason


class ReasonText(TypedDict):
    """A reason as REST and pages show it; `host` is a user id, or None when it is about the calendar."""

    code: str
    host: int | None
    text: str


def explained(reasons: Iterable[Reason], *, names: Mapping[int, str], zone: ZoneInfo) -> list[ReasonText]:
    """Return reasons with their sentences; times are in `zone`."""
    return [
        {"code": reason.code.value, "host": reason.host, "text": sentence(reason, names=names, zone=zone)}
        for reason in reasons
    ]


def sentence(reason: Reason, *, names: Mapping[int, str], zone: ZoneInfo) -> str:
    """Return one sentence, such as "Ada is busy in iCloud (Home) 9:30–10:30"."""
    who = names.get(reason.host, _("The host")) if reason.host is not None else _("The calendar")
    when = _span(reason, zone)
    match reason.code:
        case Code.HOURS:
            return _("Outside the opening hours, or not one of the calendar's starting times")
        case Code.NOTICE:
            return _("Too soon: bookable from %(when)s on") % {"when": _moment(reason.start, zone)}
        case Code.TOO_FAR:
            return ngettext(
                "Too far ahead: bookable %(days)d day ahead", "Too far ahead: bookable %(days)d days ahead",
                reason.limit or 0,
            ) % {"days": reason.limit or 0}  # fmt: skip
        case Code.DAY_LIMIT:
            return ngettext(
                "The day is full: %(count)d appointment a day", "The day is full: %(count)d appointments a day",
                reason.limit or 0,
            ) % {"count": reason.limit or 0}  # fmt: skip
        case Code.SEATS:
            return ngettext("The only seat is taken", "All %(count)d seats are taken", reason.limit or 0) % {
                "count": reason.limit or 0
            }
        case Code.COLLECTIVE:
            busy = ", ".join(names.get(host, _("The host")) for host in reason.hosts)
            return _("Everyone has to be free; not free: %(names)s") % {"names": busy}
        case _:
            return _about_host(reason, who=who, when=when, zone=zone)


def _about_host(reason: Reason, *, who: str, when: str, zone: ZoneInfo) -> str:
    values = {"who": who, "when": when, "place": reason.place}
    match reason.code:
        case Code.BOOKED:
            return _("%(who)s has an appointment %(when)s") % values
        case Code.BUFFER:
            return _("%(who)s needs time around the appointment %(when)s") % values
        case Code.BLOCKED:
            return _("%(who)s has blocked %(when)s") % values
        case Code.ICLOUD_BUSY if reason.place:
            return _("%(who)s is busy in iCloud (%(place)s) %(when)s") % values
        case Code.ICLOUD_BUSY:
            return _("%(who)s is busy in iCloud %(when)s") % values
        case Code.HORIZON:
            return _("%(who)s's iCloud calendars are known until %(moment)s") % {
                **values,
                "moment": _moment(reason.start, zone),
            }
        case _ if reason.host is not None:
            return _("%(who)s is passed over: three or more appointments ahead this month") % values
        case _:
            return _("Nobody gives appointments in this calendar")


def _span(reason: Reason, zone: ZoneInfo) -> str:
    """Return "9:30–10:30", with dates when it is not within one day."""
    if reason.start is None or reason.end is None:
        return ""
    start, end = datetime.fromtimestamp(reason.start, zone), datetime.fromtimestamp(reason.end, zone)
    if start.date() == end.date():
        return f"{_clock(start)}–{_clock(end)}"
    return f"{start:%Y-%m-%d} {_clock(start)} – {end:%Y-%m-%d} {_clock(end)}"


def _moment(second: int | None, zone: ZoneInfo) -> str:
    if second is None:
        return ""
    moment = datetime.fromtimestamp(second, zone)
    return f"{moment:%Y-%m-%d} {_clock(moment)}"


def _clock(moment: datetime) -> str:
    return f"{moment.hour}:{moment.minute:02d}"


def why(code: str, *, place: str = "") -> str:
    """Return why a blocked slot blocks or does not (rule A6); `place` is the iCloud calendar's name."""
    values = {"place": f" ({place})" if place else ""}
    texts = {
        SlotCode.BUSY: _("Busy in iCloud%(place)s, so the time is blocked"),
        SlotCode.FREE: _("Marked Free in iCloud%(place)s, so the time stays open"),
        SlotCode.CANCELLED: _("Cancelled in iCloud%(place)s, so the time stays open"),
        SlotCode.DECLINED: _("An invitation that was declined in iCloud%(place)s, so the time stays open"),
        SlotCode.NOT_CONFLICT_CALENDAR: _("Its calendar%(place)s is not a conflict calendar, so the time stays open"),
        SlotCode.ZERO_LENGTH: _("It has no length in iCloud%(place)s, so it takes no time"),
        SlotCode.RELEASED: _("Deleted in iCloud%(place)s and freed here"),
        SlotCode.LEADMAGICX: _("Blocked in LeadMagicX"),
    }
    return texts[SlotCode(code)] % values


def busy() -> str:
    """What everyone but the owner sees instead of an iCloud title (rule P15)."""
    return _("Busy")
