"""A throw-away PostgreSQL and Valkey for a pytest session, up before Django reads its settings.

With xdist the controller starts them and each worker has its own database and Valkey number. They end with
the controller, whatever ends it. TEST_DATABASE_URL and TEST_REDIS_URL name other servers to use instead.
No variable of the machine reaches the tests.
"""

from __future__ import annotations

import atexit
import os
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from leadmagicx.embedded import servers
from leadmagicx.embedded.folder import Folder

# Everything that contract or embedded servers read, by name or by the beginning of the name.
OUTSIDE = (
    "ALLOWED_HOSTS", "CREDENTIAL_KEYS", "CSRF_TRUSTED_ORIGINS", "DATABASE_URL", "DEBUG", "DEMO_", "EMAIL_URL",
    "EMBEDDED_SERVERS", "ICLOUD_", "INSECURE_LOCAL_HTTP", "PORT", "REDIS_URL", "SECRET_KEY", "SENTRY_DSN", "WEBHOOK_",
)  # fmt: skip
INSIDE = {
    "SECRET_KEY": "only-for-tests-0123456789-abcdefghijklmnopqrstuvwxyz",
    "CREDENTIAL_KEYS": "b25seS1mb3ItdGVzdHMtMDEyMzQ1Njc4OWFiY2RlZiE=",
    "ALLOWED_HOSTS": "testserver,127.0.0.1,localhost,[::1]",
    "INSECURE_LOCAL_HTTP": "true",
    "EMAIL_URL": "memorymail://",
    # A closed port: a test that forgot its server must not reach Apple.
    "ICLOUD_CALDAV_URL": "http://127.0.0.1:9/",
    "ICLOUD_TRUSTED_HOSTS": "127.0.0.1,localhost",
}
DATABASE, BROKER = "TEST_DATABASE_URL", "TEST_REDIS_URL"

_own: list[servers.Attachment] = []


def provide() -> None:
    """Give this process the environment of the tests, starting servers unless an xdist controller did."""
    for name in [name for name in os.environ if name.startswith(OUTSIDE)]:
        del os.environ[name]
    if not (os.environ.get(DATABASE) and os.environ.get(BROKER)):
        folder = Folder(Path(tempfile.mkdtemp(prefix="leadmagicx-tests-")))
        share = servers.attach(folder, throw_away=True)
        atexit.register(share.release)
        _own.append(share)
        os.environ |= {DATABASE: share.database_url, BROKER: share.redis_url}
    os.environ |= INSIDE | {
        "DJANGO_SETTINGS_MODULE": "leadmagicx.settings",
        "DATABASE_URL": os.environ[DATABASE],
        "REDIS_URL": os.environ[BROKER],
    }


def release() -> None:
    """Stop what `provide` started here."""
    while _own:
        _own.pop().release()


def of_worker(number: int) -> dict[str, str]:
    """Return the variables of one xdist worker: a number of its own at the broker. They must be there when it starts,
    for pytest-django reads the settings before any conftest."""
    own = urlsplit(os.environ[BROKER])._replace(path=f"/{number}").geturl()
    return {BROKER: own, "REDIS_URL": own}
