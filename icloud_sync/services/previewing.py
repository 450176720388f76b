"""What the first sync of a calendar would do, in numbers, before anybody says yes to it."""

from __future__ import annotations

import time
from collections import Counter
from datetime import datetime

from django.utils.translation import gettext as _

from icloud_sync.errors import ItemUnreadable
from icloud_sync.ical.scan import NOT_AN_EVENT, scan
from icloud_sync.local import blocks, leases
from icloud_sync.local.context import BlockContext, block_context
from icloud_sync.models import ICloudCalendar, ICloudEvent, SyncedEvent
from icloud_sync.selectors import Preview, choice_of
from icloud_sync.services import InvalidState
from icloud_sync.services.run import Run, open_run

SECONDS = 8.0
# While a worker looks at the account, it is waited for in steps of this many seconds.
STEP = 0.1
# More than this is not read for a preview; the sync itself shows how far it is.
MOST = 1_000
FETCH = 50


def preview_of(*, calendar: ICloudCalendar, now: datetime) -> Preview:
    """Read a calendar as a conflict calendar, keep nothing of it, and return what its coming events would do.

    Raises what any look at iCloud may raise, and InvalidState when the calendar may not be read, is too large, or the
    account is busy; then nobody is kept waiting.
    """
    if not choice_of(calendar).can_check_conflicts:
        raise InvalidState(_("This calendar cannot be read."))
    deadline = time.monotonic() + SECONDS
    run = _claimed(calendar.connection_id, deadline=deadline)
    try:
        return _counted(run, calendar, now=now)
    except leases.LeaseLost:
        raise InvalidState(_("The account was needed for a sync.")) from None
    finally:
        run.close()


def _claimed(connection_id: int, *, deadline: float) -> Run:
    while time.monotonic() < deadline:
        run = open_run(connection_id, deadline=deadline)
        if run is not None:
            return run
        time.sleep(STEP)
    raise InvalidState(_("The account is being synced at this moment."))


def _counted(run: Run, calendar: ICloudCalendar, *, now: datetime) -> Preview:
    ours = set(SyncedEvent.objects.filter(calendar=calendar).values_list("path", flat=True))
    paths = [path for path in run.client.listing(calendar.path) if path not in ours]
    if len(paths) > MOST:
        raise InvalidState(_("The calendar is too large to be looked through beforehand."))
    # Counted as if it were chosen: the primary calendar joins the conflict calendars (rule K4). Never saved.
    calendar.checks_conflicts = True
    context = block_context(run.connection, now=now)
    found: Counter[str] = Counter()
    for start in range(0, len(paths), FETCH):
        for fetched in run.client.fetch(calendar.path, paths[start : start + FETCH]):
            if fetched.body is not None:
                found.update(_says(fetched.body, calendar, context, now=now))
    return Preview(found["events"], found["blocking"], found["all_day_free"], found["unreadable"])


def _says(body: bytes, calendar: ICloudCalendar, context: BlockContext, *, now: datetime) -> list[str]:
    """Return what one event counts as; nothing when all of it is over."""
    try:
        scanned = scan(body)
        event = ICloudEvent(calendar=calendar, recurring=scanned.recurring)
        slots = blocks.expanded(event, scanned, calendar=calendar, context=context).slots
    except ItemUnreadable as error:
        return [] if error.reason == NOT_AN_EVENT else ["unreadable"]
    coming = [slot for slot in slots if slot.end > now]
    if not coming:
        return []
    counts = ["events"]
    if any(slot.blocks for slot in coming):
        counts.append("blocking")
    if any(slot.all_day and slot.code == "FREE" for slot in coming):
        counts.append("all_day_free")
    return counts
