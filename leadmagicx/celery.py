"""The Celery application: `celery -A leadmagicx worker` and `celery -A leadmagicx beat`."""

from __future__ import annotations

import os
import sys
from typing import Any

import django
from celery import Celery
from celery.signals import beat_init, celeryd_init, worker_init
from django.core.exceptions import ImproperlyConfigured

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leadmagicx.settings")

app = Celery("leadmagicx")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.autodiscover_tasks(["leadmagicx"], related_name="health")


@celeryd_init.connect
@beat_init.connect
def _refuse_misconfigured(**kwargs: Any) -> None:
    """Celery runs no checks of its own, and goes on when a receiver raises anything but SystemExit."""
    django.setup()
    from icloud_sync.checks import refuse_misconfigured

    try:
        refuse_misconfigured()
    except ImproperlyConfigured as error:
        print(error, file=sys.__stderr__, flush=True)  # beat's sys.stderr goes to its log
        raise SystemExit(1) from None


@worker_init.connect
def _warm_up(**kwargs: Any) -> None:
    """Import and read in the parent what its children would each pay for at their first task."""
    from icloud_sync.remote import warm_up

    warm_up()
