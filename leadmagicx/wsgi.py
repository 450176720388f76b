"""WSGI entry: `gunicorn leadmagicx.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leadmagicx.settings")

application = get_wsgi_application()

from icloud_sync.checks import refuse_misconfigured  # noqa: E402 - needs the apps
from icloud_sync.remote import warm_up  # noqa: E402 - needs the settings

refuse_misconfigured()
warm_up()
