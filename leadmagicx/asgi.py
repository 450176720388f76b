"""ASGI entry: `uvicorn leadmagicx.asgi:application`."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leadmagicx.settings")

application = get_asgi_application()

from icloud_sync.checks import refuse_misconfigured  # noqa: E402 - needs the apps

refuse_misconfigured()
