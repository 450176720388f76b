"""Look at one account: one PROPFIND for all calendars, then only what changed (rules P1-P16, T1)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from functools import cache

import structlog
from django.utils import timezone

from icloud_sync.errors import AccessRefused, CollectionMissing, DifferentAccount
from icloud_sync.local import journal
from icloud_sync.local.context import block_context
from icloud_sync.local.listing import Listed, Listing, looked_at
from icloud_sync.models import ICloudCalendar
from icloud_sync.remote.values import RemoteCalendar
from icloud_sync.services.calendar_pull import CalendarPull, listing_due
from icloud_sync.services.proving import recheck
from icloud_sync.services.run import Run, settle

log = structlog.get_logger(__name__)


def look(run: Run) -> None:
    """Look at an account and apply what changed. Every batch is committed; a crash repeats, and loses nothing."""
    calendars = _calendars(run)
    listing = Listing(run.connection, settle=settle(), now=run.started)
    listing.apply(as_listed(calendars))
    marks = {calendar.path: calendar.mark for calendar in calendars}
    # Nearly every look finds nothing changed: what only a change needs is read when there is one.
    context = cache(lambda: block_context(run.connection, now=run.started))
    pulled = False
    for calendar in looked_at(run.connection, listing.rows.values()):
        mark = marks[calendar.path]
        if mark != calendar.mark or not mark or listing_due(calendar, now=run.started):
            pulled = True
            with _alone(run, calendar):
                CalendarPull(run, calendar, context()).pull(mark=mark)
    waiting = pulled or any(row.recheck_at and row.recheck_at <= timezone.now() for row in listing.rows.values())
    for calendar in _to_recheck(run, marks) if waiting else ():
        with _alone(run, calendar):
            recheck(CalendarPull(run, calendar, context()))
    if run.connection.horizon is None:
        run.connection.horizon = context().horizon


def _calendars(run: Run) -> list[RemoteCalendar]:
    """List the home; when it is not where it was, find it again (fact 1.6)."""
    connection = run.connection
    try:
        return run.client.calendars(connection.home, principal=connection.principal)
    except (CollectionMissing, AccessRefused):
        account = run.client.discover()
        if account.principal != connection.principal:
            raise DifferentAccount("the password opens another account") from None
        connection.home = account.home
        connection.save(update_fields=["home"])
        return run.client.calendars(connection.home, principal=connection.principal)


def as_listed(calendars: Iterable[RemoteCalendar]) -> list[Listed]:
    """Return what the rows need to know of listed calendars."""
    return [
        Listed(
            path=item.path,
            name=item.name[:500],
            color=item.color,
            position=item.order,
            kind=item.kind,
            writable=item.writable,
            mark=item.mark,
        )
        for item in calendars
    ]


def _to_recheck(run: Run, listed: Collection[str]) -> list[ICloudCalendar]:
    """Return the calendars where something is to be proved now: also those not read any more that hold our events."""
    rows = ICloudCalendar.objects.filter(connection=run.connection, path__in=list(listed), gone_at__isnull=True)
    return list(rows.filter(recheck_at__lte=timezone.now()).select_related("connection__user"))


@contextmanager
def _alone(run: Run, calendar: ICloudCalendar) -> Iterator[None]:
    """A calendar that is away or closed to us keeps its blocks and does not stop the others; what blocks is no newer
    for this look then (rule A5)."""
    try:
        yield
    except (CollectionMissing, AccessRefused) as error:
        run.unread |= calendar.checks_conflicts
        log.warning("calendar_not_readable", calendar=calendar.pk, error=type(error).__name__)
        journal.about_calendar(calendar, "calendar_not_readable", path=calendar.path).save()
