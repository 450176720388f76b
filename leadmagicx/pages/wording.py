"""Small phrases about time, as pure functions."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _


def ago(moment: datetime, *, now: datetime) -> str:
    """Return how long ago an aware moment was: "20 s ago", "3 min ago", "2 h ago", else its date and time."""
    seconds = int((now - moment).total_seconds())
    if seconds < 1:
        return _("just now")
    if seconds < 100:
        return _("%(n)d s ago") % {"n": seconds}
    if seconds < 6000:
        return _("%(n)d min ago") % {"n": seconds // 60}
    if seconds < 36 * 3600:
        return _("%(n)d h ago") % {"n": seconds // 3600}
    return _("on %(when)s") % {"when": date_format(localtime(moment), "DATETIME_FORMAT")}


def span(start: datetime, end: datetime, *, all_day: bool = False) -> str:
    """Return when something is, in the zone that is active: one day, or from day to day.

    All-day spans end at a midnight that is not part of them (rule P11).
    """
    first, last = localtime(start), localtime(end)
    if all_day:
        final = (last - timedelta(microseconds=1)).date()
        return _day(first.date()) if final <= first.date() else f"{_day(first.date())} – {_day(final)}"
    begin, finish = date_format(first, "TIME_FORMAT"), date_format(last, "TIME_FORMAT")
    if first.date() == last.date() or (last - first < timedelta(days=1) and finish == "00:00"):
        return f"{_day(first.date())}, {begin}–{finish}"
    return f"{_day(first.date())}, {begin} – {_day(last.date())}, {finish}"


def _day(day: date) -> str:
    return f"{date_format(day, 'D')} {date_format(day, 'DATE_FORMAT')}"
