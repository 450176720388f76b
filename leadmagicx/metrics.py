"""What `/metrics` and `/readyz` say of the sync: read from the database when asked, in five queries.

Numbers of the database are the same in every process, so they are right whichever gunicorn worker answers. Nothing
names an account or a person (reliability S40).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.db.models import Count, F, Min, Q, Sum, Value
from django.utils import timezone
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest, multiprocess
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from icloud_sync.models import (
    Attention,
    ConnectionStatus,
    EventState,
    ICloudConnection,
    JournalEntry,
    SyncedEvent,
    SyncRun,
)
from icloud_sync.selectors import STALE_POLLS
from leadmagicx.webhooks.models import Delivery

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
ACTIVE = Q(status__in=[ConnectionStatus.CONNECTED, ConnectionStatus.UNREACHABLE])
# What the journal calls a write that arrived, and what it calls a failure.
PUSHES = {"created", "updated", "deleted", "adopted"}
FAILURES = {"sync_failed", "write_failed", "event_unreadable", "calendar_not_readable"}


def exposition() -> bytes:
    """Return everything Prometheus is told: this process (or all of gunicorn's) and the sync."""
    registry = CollectorRegistry()
    registry.register(SyncCollector())
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)
    return generate_latest(REGISTRY) + generate_latest(registry)


class SyncCollector(Collector):
    """The sync as gauges. When the database is down only that is told."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        now = timezone.now()
        try:
            families = [*_connections(now), *_outbox(now), *_cases_and_runs(now), *_journal(now), *_deliveries(now)]
        except DatabaseError:
            families = []
        yield _gauge("leadmagicx_database_up", "Whether the database answered.", float(bool(families)))
        yield from families

    def describe(self) -> list[GaugeMetricFamily]:
        """Return nothing: registering must not ask the database."""
        return []


def sync_state(now: datetime) -> dict[str, Any]:
    """Return what `/readyz` tells of the sync, as information only, in two queries."""
    accounts = _account_numbers(now)
    oldest = SyncedEvent.objects.filter(due_at__lte=now).aggregate(at=Min("due_at"))["at"]
    return {
        "ok": True,
        "oldest_outbox_row_seconds": _age(oldest, now),
        "stale_connections": accounts["stale"],
        "needing_password": accounts[ConnectionStatus.NEEDS_PASSWORD],
    }


def _account_numbers(now: datetime) -> dict[str, Any]:
    stale = now - timedelta(seconds=STALE_POLLS * settings.ICLOUD_POLL_SECONDS)
    read = ACTIVE & Q(data_as_of__isnull=False)
    by_status: dict[str, Any] = {str(value): Count("pk", filter=Q(status=value)) for value in ConnectionStatus.values}
    return ICloudConnection.objects.aggregate(
        **by_status,
        stale=Count("pk", filter=read & Q(data_as_of__lt=stale)),
        oldest=Min("data_as_of", filter=ACTIVE),
        failing=Count("pk", filter=ACTIVE & Q(failures__gt=0)),
        requests=Sum("budget_used", filter=Q(budget_since__gt=now - MINUTE), default=0),
    )


def _connections(now: datetime) -> Iterator[GaugeMetricFamily]:
    numbers = _account_numbers(now)
    statuses = {value: numbers[value] for value in ConnectionStatus.values}
    yield _gauges("leadmagicx_icloud_connections", "iCloud connections by status.", "status", statuses)
    yield _gauge("leadmagicx_icloud_connections_failing", "Accounts whose last look failed.", numbers["failing"])
    yield _gauge("leadmagicx_icloud_connections_stale", "Accounts whose data is old.", numbers["stale"])
    yield _gauge("leadmagicx_icloud_data_oldest_seconds", "Age of the oldest data.", _age(numbers["oldest"], now) or 0)
    yield _gauge(
        "leadmagicx_icloud_requests_last_minute",
        "Requests to iCloud in the minutes that accounts are counting.",
        numbers["requests"],
    )


def _outbox(now: datetime) -> Iterator[GaugeMetricFamily]:
    waiting = Q(due_at__isnull=False)
    numbers = SyncedEvent.objects.filter(waiting | Q(state=EventState.FAILED)).aggregate(
        waiting=Count("pk", filter=waiting),
        failed=Count("pk", filter=Q(state=EventState.FAILED)),
        oldest=Min("due_at", filter=Q(due_at__lte=now)),
    )
    yield _gauge("leadmagicx_icloud_outbox_rows", "Events waiting to be written.", numbers["waiting"])
    yield _gauge(
        "leadmagicx_icloud_outbox_oldest_seconds", "Age of the oldest of them.", _age(numbers["oldest"], now) or 0
    )
    yield _gauge("leadmagicx_icloud_events_failed", "Events that iCloud refused for good.", numbers["failed"])


def _cases_and_runs(now: datetime) -> Iterator[GaugeMetricFamily]:
    cases = _counted(Attention.objects.filter(resolved_at__isnull=True), "attention", "code")
    runs = _counted(SyncRun.objects.filter(created_at__gt=now - HOUR), "runs", "state")
    found: dict[str, dict[str, int]] = {"attention": {}, "runs": {}}
    for kind, label, number in cases.union(runs, all=True):
        found[kind][label] = number
    yield _gauges("leadmagicx_attention_open", "What needs a person.", "code", found["attention"])
    yield _gauges("leadmagicx_icloud_runs_last_hour", "Requested looks at accounts.", "state", found["runs"])


def _journal(now: datetime) -> Iterator[GaugeMetricFamily]:
    entries = JournalEntry.objects.filter(at__gt=now - HOUR, action__in=PUSHES | FAILURES).order_by()
    found = dict(entries.values("action").values_list("action", Count("pk")))
    pushes = {action: number for action, number in found.items() if action in PUSHES}
    failures = {action: number for action, number in found.items() if action in FAILURES}
    yield _gauges("leadmagicx_icloud_pushes_last_hour", "Writes that arrived in iCloud.", "action", pushes)
    yield _gauges("leadmagicx_icloud_failures_last_hour", "What went wrong.", "action", failures)


def _deliveries(now: datetime) -> Iterator[GaugeMetricFamily]:
    due = Delivery.objects.filter(next_try_at__isnull=False).aggregate(number=Count("pk"), oldest=Min("created_at"))
    yield _gauge("leadmagicx_webhook_deliveries_waiting", "Webhook deliveries not made yet.", due["number"])
    yield _gauge("leadmagicx_webhook_oldest_seconds", "Age of the oldest of them.", _age(due["oldest"], now) or 0)


def _counted(rows: Any, kind: str, label: str) -> Any:
    return rows.order_by().values(kind=Value(kind), label=F(label)).values_list("kind", "label", Count("pk"))


def _age(at: datetime | None, now: datetime) -> float | None:
    return None if at is None else max(0.0, round((now - at).total_seconds(), 1))


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=float(value))


def _gauges(name: str, text: str, label: str, values: Mapping[str, int]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=[label])
    for value, number in values.items():
        family.add_metric([value], number)
    return family
