"""Mail when a password stops working (rule C5)."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import mail as outbox

from icloud_sync.models import ConnectionStatus, ICloudConnection
from icloud_sync.signals import connection_changed
from leadmagicx.pages import mail, tasks
from tests.scene import Scene


def needs_password() -> int:
    ICloudConnection.objects.update(status=ConnectionStatus.NEEDS_PASSWORD)
    return ICloudConnection.objects.get().pk


def test_the_owner_and_staff_are_told(scene: Scene) -> None:
    scene.stage.staff.email = "staff@example.com"
    scene.stage.staff.save()
    tasks.mail_about_password(needs_password())
    by_address = {message.to[0]: message for message in outbox.outbox}
    assert set(by_address) == {"ada@example.com", "staff@example.com"}
    assert "Create a new one and name it LeadMagicX Calendar." in by_address["ada@example.com"].body
    assert by_address["staff@example.com"].subject == "Ada Lovelace's iCloud needs a new password"
    assert scene.ada.account.apple_id not in by_address["staff@example.com"].body


def test_nothing_is_sent_when_it_works_again(scene: Scene) -> None:
    assert mail.about_password(ICloudConnection.objects.get().pk) == 0
    assert mail.about_password(987_654) == 0
    assert outbox.outbox == []


def test_only_a_dead_password_asks_for_mail(
    scene: Scene, django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued: list[Any] = []
    monkeypatch.setattr(tasks.mail_about_password, "apply_async", lambda args, **_options: queued.append(args))
    pk = ICloudConnection.objects.get().pk
    for event in ("connected", "unreachable", "restored", "disconnected"):
        with django_capture_on_commit_callbacks(execute=True):
            connection_changed.send(sender=None, connection_id=pk, event=event)
    assert queued == []
    with django_capture_on_commit_callbacks(execute=True):
        connection_changed.send(sender=None, connection_id=pk, event="needs_password")
        assert queued == [], "not before the commit"
    assert queued == [(pk,)]


def test_the_link_is_there_when_the_sites_address_is_known(scene: Scene, settings: Any) -> None:
    pk = needs_password()
    tasks.mail_about_password(pk)
    assert "http" not in outbox.outbox[-1].body.split("Reconnect.")[1]
    settings.CSRF_TRUSTED_ORIGINS = ["https://*.example.com", "https://leadmagicx.example"]
    tasks.mail_about_password(pk)
    assert f"https://leadmagicx.example/settings/profile/icloud/{pk}/reconnect/" in outbox.outbox[-1].body
