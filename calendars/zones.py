"""Names of time zones, and the years they are good for."""

from __future__ import annotations

from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

# Calendars end long before dates do; outside of these years the arithmetic of zones overflows.
YEARS = range(1970, 2200)


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """Return the IANA names this installation knows (from the pinned tzdata, reliability S43)."""
    return frozenset(available_timezones() - {"localtime", "Factory"})


def validate_zone(name: str) -> None:
    """Raise ValidationError unless name is an IANA zone; never touches a file named by the input."""
    if name not in zone_names():
        raise ValidationError(
            _("%(name)s is not a time zone. Use a name such as Europe/Berlin."),
            params={"name": name[:64]},
            code="invalid_timezone",
        )


def zone(name: str) -> ZoneInfo:
    """Return the zone of a validated name."""
    return ZoneInfo(name)
