"""Every page there is, with everything on it that it can show."""

from __future__ import annotations

from datetime import timedelta

from icloud_sync.models import ICloudConnection
from tests.scene import Scene

SETTINGS = "/settings/profile/"
REFERENCE = "/api/v1/docs/"
# What everybody may see, signed in or not.
PUBLIC = {REFERENCE, "/nowhere/"}


def pages(scene: Scene) -> dict[str, str]:
    """Return the address of each page of Ada's, by name."""
    connection = ICloudConnection.objects.get(user=scene.ada.user).pk
    appointment, slot, day = f"/appointments/{scene.removed.pk}/", scene.removed_slot.pk, scene.monday
    return {
        "week": f"/?date={day}",
        "settings": SETTINGS,
        "connect": f"{SETTINGS}icloud/connect/",
        "reconnect": f"{SETTINGS}icloud/{connection}/reconnect/",
        "disconnect": f"{SETTINGS}icloud/{connection}/disconnect/",
        "primary calendar": f"{SETTINGS}primary-calendar/",
        "attention": "/attention/",
        "appointment": appointment,
        "move": f"{appointment}move/",
        "details": f"{appointment}edit/",
        "cancel": f"{appointment}cancel/",
        "new appointment": f"/appointments/new/?calendar={scene.consultation.pk}&date={day}",
        "why": f"/availability/?calendar={scene.consultation.pk}&date={day}",
        "closed": f"/availability/?calendar={scene.consultation.pk}&date={day - timedelta(days=1)}",
        "block time": "/blocked-slots/new/",
        "blocked slot": f"/blocked-slots/{slot}/",
        "rest": REFERENCE,
        "not found": "/nowhere/",
    }
