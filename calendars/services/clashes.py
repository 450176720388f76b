"""Overlaps that moves in iCloud leave behind, and their end (rule P7)."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Exists, OuterRef, QuerySet

from calendars import signals
from calendars.models import Engagement, Session
from calendars.services.transactions import in_transaction, lock_hosts


def overlapping() -> QuerySet[Engagement]:
    """Return, for use in Exists, the other active engagements of the outer engagement's host in its time."""
    return Engagement.objects.filter(
        host=OuterRef("host"), active=True, start__lt=OuterRef("end"), end__gt=OuterRef("start")
    ).exclude(pk=OuterRef("pk"))


@in_transaction
def settle_clashes(*, host_ids: Iterable[int | None]) -> list[int]:
    """Take the exemption from engagements that overlap nothing any more; return their ids.

    Every service that moves or cancels calls it, in its own transaction and with the hosts locked.
    """
    hosts = sorted({host for host in host_ids if host is not None})
    lock_hosts(hosts)
    settled = list(
        Engagement.objects.filter(~Exists(overlapping()), host_id__in=hosts, active=True, exempt=True)
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    if settled:
        Engagement.objects.filter(pk__in=settled).update(exempt=False)
        signals.clashes_settled.send(sender=Engagement, engagement_ids=settled)
    _return_to_their_start(hosts)
    return settled


def _return_to_their_start(hosts: list[int]) -> None:
    """Let class sessions that were put on another one's start have it, once that one is gone."""
    displaced = Session.objects.filter(
        active=True, displaced=True, engagements__active=True, engagements__host_id__in=hosts
    )
    for session in displaced.order_by("pk").distinct():
        taken = Session.objects.filter(
            calendar=session.calendar_id, start=session.start, active=True, is_class=True, displaced=False
        )
        if not taken.exists():
            Session.objects.filter(pk=session.pk).update(displaced=False)
