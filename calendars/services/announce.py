"""Count a session's changes and tell the apps above, inside the transaction that made them."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import F

from calendars import signals
from calendars.models import Session


def sessions_did_change(session_ids: Iterable[int], *, dropped: Iterable[tuple[int, int]] = ()) -> None:
    """Raise the revision of sessions whose hosts should see a change; `dropped` are (session, former host)."""
    ids = sorted(set(session_ids))
    if ids:
        Session.objects.filter(pk__in=ids).update(revision=F("revision") + 1)
        signals.sessions_changed.send(sender=Session, session_ids=ids, dropped=list(dropped))


def session_began(session_id: int) -> None:
    """Tell of a session that was just made; its first revision is 1."""
    signals.sessions_changed.send(sender=Session, session_ids=[session_id], dropped=[])


def appointment_did(event: str, appointment_id: int) -> None:
    """Tell that an appointment was "created", "updated" or "cancelled"."""
    signals.appointment_changed.send(sender=Session, appointment_id=appointment_id, event=event)
