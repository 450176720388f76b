"""The Celery application: `celery -A leadmagicx worker` and `celery -A leadmagicx beat`."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leadmagicx.settings")

app = Celery("leadmagicx")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.autodiscover_tasks(["leadmagicx"], related_name="health")
