"""What happened is noted for other services in the transaction in which it happened, and told after the commit."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django.dispatch import receiver
from django.utils import timezone
from rest_framework.renderers import JSONRenderer

from calendars.signals import appointment_changed
from icloud_sync import signals
from icloud_sync.api import appointments
from icloud_sync.api.connections import ConnectionSerializer
from icloud_sync.models import ICloudConnection
from leadmagicx.webhooks import services, tasks


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
    name = f"connection.{event}"
    if services.anybody_listens(name):
        connection = ICloudConnection.objects.get(pk=connection_id)
        data = json.loads(JSONRenderer().render(ConnectionSerializer(connection).data))
        _tell(name, data, hearers=[connection.user_id])


def _tell_of_appointments(name: str, appointment_ids: Iterable[int]) -> None:
    """Tell the hosts of appointments, as they stand now: a later change is told by an event of its own."""
    if services.anybody_listens(name):
        for data in appointments.shown(appointment_ids):
            _tell(name, data, hearers=data["hosts"])


def _tell(name: str, data: dict[str, Any], *, hearers: list[int]) -> None:
    for webhook_id in services.record(event=name, data=data, hearers=hearers, now=timezone.now()):
        tasks.deliver_soon(webhook_id)
