"""What happened is noted for other services in the transaction in which it happened, and told after the commit."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from django.db import transaction
from django.dispatch import receiver
from django.utils import timezone
from rest_framework.renderers import JSONRenderer

from calendars.signals import appointment_changed
from icloud_sync import signals
from icloud_sync.api import appointments
from icloud_sync.api.connections import ConnectionSerializer
from icloud_sync.models import ICloudConnection
from leadmagicx.webhooks import services, tasks
from leadmagicx.webhooks.models import Delivery


@receiver(appointment_changed, dispatch_uid="webhooks.appointment_changed")
def on_appointment_changed(sender: object, appointment_id: int, event: str, **kwargs: Any) -> None:
    """An appointment was created, updated or cancelled."""
    _tell_of_appointments(f"appointment.{event}", [appointment_id])


@receiver(signals.appointment_flagged, dispatch_uid="webhooks.appointment_flagged")
def on_appointment_flagged(sender: object, appointment_ids: list[int], code: str, **kwargs: Any) -> None:
    """An appointment was moved or removed in iCloud."""
    _tell_of_appointments(f"appointment.{code}", appointment_ids)


@receiver(signals.write_failed, dispatch_uid="webhooks.write_failed")
def on_write_failed(sender: object, appointment_ids: list[int], **kwargs: Any) -> None:
    """An appointment cannot be written to iCloud (rule W9)."""
    _tell_of_appointments("write.failed", appointment_ids)


@receiver(signals.connection_changed, dispatch_uid="webhooks.connection_changed")
def on_connection_changed(sender: object, connection_id: int, event: str, **kwargs: Any) -> None:
    """An account was connected, lost, restored or disconnected."""
    _tell(f"connection.{event}", partial(_connections, connection_id))


def _tell_of_appointments(name: str, appointment_ids: Iterable[int]) -> None:
    """Tell the hosts of appointments, as they stand now: a later change is told by an event of its own."""
    _tell(name, partial(appointments.shown, list(appointment_ids)))


def _connections(connection_id: int) -> list[dict[str, Any]]:
    found = ICloudConnection.objects.filter(pk=connection_id)
    return list(json.loads(JSONRenderer().render(ConnectionSerializer(found, many=True).data)))


def _tell(name: str, shown: Callable[[], list[dict[str, Any]]]) -> None:
    """Note what `shown` returns, as REST shows it.

    The transaction may go on and change the object once more: when it is committed, what nobody has sent yet is put
    right. An object that is gone by then stays as it was.
    """
    if not services.anybody_listens(name):
        return
    told: dict[int, tuple[dict[str, Any], list[Delivery]]] = {}
    for data in shown():
        told[data["id"]] = data, services.record(event=name, data=data, now=timezone.now())

    def put_right() -> None:
        for data in shown():
            early, deliveries = told[data["id"]]
            if data != early:
                services.correct(deliveries, data=data)

    if any(deliveries for _, deliveries in told.values()):
        transaction.on_commit(put_right, robust=True)
    for webhook_id in {delivery.webhook_id for _, deliveries in told.values() for delivery in deliveries}:
        tasks.deliver_soon(webhook_id)
