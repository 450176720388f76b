"""What a person does about a flagged appointment: put it back, leave it off, try again (rules P4, W9)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from calendars.models import Appointment
from icloud_sync.local import attention, journal, outbox
from icloud_sync.local import flags as resolvable
from icloud_sync.models import Attention, EventState, SyncedEvent
from icloud_sync.services import InvalidState

acknowledgeable = resolvable.acknowledgeable
FAILS = Q(state=EventState.FAILED)


def put_back(*, appointment_id: int, now: datetime, host_id: int | None = None) -> None:
    """Write again what was removed in iCloud or left off: a new event, with a new UID and name.

    Raises InvalidState when no host's event is in that state.
    """
    with transaction.atomic():
        rows = _rows(appointment_id, host_id, Q(state__in=[EventState.REMOVED, EventState.LEFT_OFF]))
        touched: set[int] = set()
        for row in rows:
            assert row.engagement is not None
            assert row.engagement.host_id is not None
            primary = outbox.primary_calendars({row.engagement.host_id}).get(row.engagement.host_id)
            if primary is None or not outbox.belongs_in_icloud(row.engagement):
                continue
            new = outbox.recreate(row, primary, now=now)
            journal.about_copy(new, "put_back")
            touched.add(primary.connection_id)
        if not touched:
            raise InvalidState(_("Nothing of this appointment was removed in iCloud, or there is no primary calendar."))
        outbox.ring(touched)


def leave_off(*, appointment_id: int, now: datetime, host_id: int | None = None) -> None:
    """Leave off iCloud what was removed there, also when it gets a new time. Raises InvalidState."""
    with transaction.atomic():
        rows = _rows(appointment_id, host_id, Q(state=EventState.REMOVED))
        if not rows:
            raise InvalidState(_("Nothing of this appointment was removed in iCloud."))
        for row in rows:
            assert row.engagement is not None
            row.state, row.due_at = EventState.LEFT_OFF, None
            row.save(update_fields=["state", "due_at"])
            attention.resolve(row.engagement, attention.REMOVED, now=now)
            journal.about_copy(row, "left_off")


def retry(*, appointment_id: int, now: datetime, host_id: int | None = None) -> None:
    """Send once more what could not be written. Raises InvalidState."""
    with transaction.atomic():
        _retry(_rows(appointment_id, host_id, FAILS | outbox.refused_removal()), now=now)


def retry_case(*, attention_id: int, now: datetime) -> None:
    """Send once more what a case is about, also when its appointment was deleted or has another host by now: what could
    not be removed stands in the calendar of who sees the case. Raises InvalidState."""
    with transaction.atomic():
        cases = Attention.objects.filter(pk=attention_id, code=attention.WRITE_FAILED, resolved_at__isnull=True)
        of_it = SyncedEvent.objects.filter(engagement__in=cases.values("engagement"))
        _retry(_locked(of_it.filter(FAILS | outbox.refused_removal())), now=now)


def _retry(rows: Sequence[SyncedEvent], *, now: datetime) -> None:
    if not rows:
        raise InvalidState(_("Nothing of this appointment failed to be written."))
    for row in rows:
        assert row.engagement is not None
        if row.state == EventState.FAILED:
            row.state = EventState.WRITTEN if row.base else EventState.PENDING
        row.due_at, row.attempts, row.failure, row.failure_text = now, 0, "", ""
        row.identities = 1
        row.save()
        attention.resolve(row.engagement, attention.WRITE_FAILED, now=now)
        journal.about_copy(row, "retried")
    outbox.ring({row.calendar.connection_id for row in rows})


def acknowledge(*, attention_id: int, now: datetime) -> None:
    """Put a flag aside that asks for nothing but to be seen. Raises InvalidState for any other."""
    if not resolvable.resolve([attention_id], now=now):
        raise InvalidState(_("This needs something to be done, or is settled already."))


def _rows(appointment_id: int, host_id: int | None, which: Q) -> list[SyncedEvent]:
    session_id = Appointment.objects.values_list("session_id", flat=True).get(pk=appointment_id)
    rows = SyncedEvent.objects.filter(which, engagement__session_id=session_id)
    if host_id is not None:
        rows = rows.filter(engagement__host_id=host_id)
    return _locked(rows)


def _locked(rows: QuerySet[SyncedEvent]) -> list[SyncedEvent]:
    found = rows.select_for_update(of=("self",)).order_by("pk")
    return list(found.select_related("calendar__connection", "engagement__session", "engagement__calendar"))
