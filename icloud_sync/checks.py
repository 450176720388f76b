"""Misconfiguration that is noticed before it does harm: `manage.py check`, and every start of web, worker and beat."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register, run_checks
from django.core.exceptions import ImproperlyConfigured

from icloud_sync.errors import ICloudError
from icloud_sync.remote.hosts import TrustedHosts

TAG = "icloud_sync"
APPLE = ".icloud.com"
# Apple is asked once a minute by default; below this many seconds it starts to slow an account down.
SHORTEST_POLITE_POLL = 10
LOOPBACK = {"localhost", "127.0.0.1", "[::1]", "testserver", ".localhost"}
PER_PROCESS_CACHES = ("locmem", "dummy")

# Switches of the CalDAV library that must stay off (reliability S14), and why.
FORBIDDEN_VARIABLES = {
    "PYTHON_CALDAV_COMMDUMP": ("E001", "makes the CalDAV library write requests to disk, with the passwords in them"),
    "PYTHON_CALDAV_DEBUGMODE": ("E002", "makes the CalDAV library stop or guess where it should report an error"),
}


@register(TAG)
def variables_are_safe(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """E001 to E003: nothing is set that leaks passwords or removes guards."""
    return forbidden_variables(os.environ) + assertions_are_on(optimize=sys.flags.optimize)


def forbidden_variables(environ: Mapping[str, str]) -> list[CheckMessage]:
    """Return an Error for each switch of the CalDAV library that is set."""
    return [
        Error(f"{name} is set; it {why}.", hint=f"Unset {name} and start again.", id=f"{TAG}.{number}")
        for name, (number, why) in FORBIDDEN_VARIABLES.items()
        if environ.get(name)
    ]


def assertions_are_on(*, optimize: int) -> list[CheckMessage]:
    """Return an Error under `python -O`: the iCalendar library guards against injected lines with asserts."""
    if not optimize:
        return []
    hint = "Unset PYTHONOPTIMIZE, and start Python without -O."
    return [Error("Python runs with -O, so guards against injected lines are gone.", hint=hint, id=f"{TAG}.E003")]


@register(TAG)
def debug_stays_at_home(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """E004: with DEBUG, error pages show settings and local variables to whoever can reach them (reliability S29)."""
    if not settings.DEBUG or set(settings.ALLOWED_HOSTS) <= LOOPBACK:
        return []
    return [
        Error(
            "DEBUG is on while ALLOWED_HOSTS lets others in.",
            hint="Set DEBUG=false, or ALLOWED_HOSTS to localhost,127.0.0.1 on a development machine.",
            id=f"{TAG}.E004",
        )
    ]


@register(TAG)
def icloud_is_trusted(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """W001, W002: discovery starts at a host that may be contacted, and the list of those is no wider than needed."""
    found: list[CheckMessage] = []
    try:
        TrustedHosts(settings.ICLOUD_TRUSTED_HOSTS).locate(settings.ICLOUD_CALDAV_URL)
    except ICloudError as error:
        found.append(
            Warning(
                f"ICLOUD_CALDAV_URL cannot be contacted: {error}.",
                hint="Add its host (and port, unless it is 443) to ICLOUD_TRUSTED_HOSTS, and use https.",
                id=f"{TAG}.W001",
            )
        )
    wide = [host for host in settings.ICLOUD_TRUSTED_HOSTS if host.startswith(".") and "." not in host[1:]]
    if wide:
        found.append(
            Warning(
                f"ICLOUD_TRUSTED_HOSTS trusts every host under {', '.join(wide)} with passwords.",
                hint="Name Apple's own domain instead: .icloud.com.",
                id=f"{TAG}.W002",
            )
        )
    return found


@register(TAG)
def apple_is_asked_politely(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """W003: polling Apple every few seconds gets accounts slowed down."""
    apple = APPLE in settings.ICLOUD_CALDAV_URL
    if not apple or settings.ICLOUD_POLL_SECONDS >= SHORTEST_POLITE_POLL:
        return []
    return [
        Warning(
            f"ICLOUD_POLL_SECONDS is {settings.ICLOUD_POLL_SECONDS:g}, which Apple answers by slowing accounts down.",
            hint=f"Set it to 60, or at least {SHORTEST_POLITE_POLL}.",
            id=f"{TAG}.W003",
        )
    ]


@register(TAG)
def counters_are_shared(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """W004: limits on connect attempts are counted in the cache, which all processes must share (reliability S15)."""
    backend = settings.CACHES["default"]["BACKEND"]
    if not any(name in backend for name in PER_PROCESS_CACHES):
        return []
    return [
        Warning(
            "The default cache is kept by each process alone, so limits on connect attempts do not hold.",
            hint="Use the cache at REDIS_URL.",
            id=f"{TAG}.W004",
        )
    ]


def refuse_misconfigured() -> None:
    """Raise ImproperlyConfigured when a check finds an Error. Called where web, worker and beat start."""
    serious = [message for message in run_checks(tags=[TAG]) if message.is_serious()]
    if serious:
        lines = "\n".join(f"  - {message.msg} {message.hint}" for message in serious)
        raise ImproperlyConfigured(f"LeadMagicX does not start like this:\n{lines}")
