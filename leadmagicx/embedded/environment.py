"""Complete the environment of a process that was started with none: embedded servers, own keys, local defaults."""

from __future__ import annotations

import atexit
from collections.abc import Mapping, MutableMapping

from leadmagicx.embedded import servers
from leadmagicx.embedded.folder import Folder, demo_folder

KEYS = ("SECRET_KEY", "CREDENTIAL_KEYS")
DEFAULTS = {"ALLOWED_HOSTS": "127.0.0.1,localhost,[::1]"}
FLAGS = {"WEBHOOK_ALLOW_PRIVATE_HOSTS": "true", "INSECURE_LOCAL_HTTP": "true"}
# Where the demo's iCloud is: manage.py must not turn to Apple with the stand-in's accounts.
SHARED = ("ICLOUD_CALDAV_URL", "ICLOUD_TRUSTED_HOSTS")
DEMO_VARIABLES = "environment.json"


def prepare(environ: MutableMapping[str, str]) -> None:
    """Make `manage.py` work with no variable set; raise EmbeddedError when servers cannot be started.

    In production, that is with DATABASE_URL (or DATABASE_URL_FILE), nothing is touched; nor with
    EMBEDDED_SERVERS=false, which says that a missing variable is a mistake (the container image sets it).
    """
    off = environ.get("EMBEDDED_SERVERS", "").strip().lower() in {"0", "false", "no", "off"}
    if not off and not is_given(environ, "DATABASE_URL"):
        share = complete(environ, folder=demo_folder(environ).create())
        if share:
            atexit.register(share.release)


def complete(environ: MutableMapping[str, str], *, folder: Folder) -> servers.Attachment | None:
    """Set what is not set outside, from the folder, and return our share in its servers if any are used.

    Servers started for it run until the share is released, or the last other one in them.
    """
    share = None
    if not (is_given(environ, "DATABASE_URL") and is_given(environ, "REDIS_URL")):
        share = servers.attach(folder)
        _fill(environ, {"DATABASE_URL": share.database_url, "REDIS_URL": share.redis_url})
    kept = folder.kept()
    _fill(environ, {name: kept[name] for name in KEYS} | DEFAULTS)
    for name, value in FLAGS.items():
        environ.setdefault(name, value)
    if not any(is_given(environ, name) for name in SHARED):
        _fill(environ, folder.read(DEMO_VARIABLES))
    return share


def share_with_commands(folder: Folder, environ: Mapping[str, str]) -> None:
    """Let `manage.py` on this folder speak to the same iCloud as the demo."""
    folder.write(DEMO_VARIABLES, {name: environ[name] for name in SHARED if environ.get(name)})


def is_given(environ: Mapping[str, str], name: str) -> bool:
    """Say whether the variable, or the file that holds it, is named outside."""
    return bool(environ.get(name) or environ.get(f"{name}_FILE"))


def _fill(environ: MutableMapping[str, str], values: Mapping[str, str]) -> None:
    for name, value in values.items():
        if not is_given(environ, name):
            environ[name] = value
