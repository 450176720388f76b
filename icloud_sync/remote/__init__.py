"""Their side: everything that is said to iCloud. The only importer of caldav and lxml in the application."""

from .client import Client
from .config import RemoteConfig
from .values import Account, Delta, Fetched, RemoteCalendar


def warm_up() -> None:
    """Do once, before the first request, what takes a second of CPU: import caldav, read the trusted certificates.

    For processes whose first request may be a booking check with its short deadline: call it in the parent, before
    children are forked.
    """
    from . import wire  # noqa: F401
    from .connection import trusted_certificates

    trusted_certificates()


__all__ = ["Account", "Client", "Delta", "Fetched", "RemoteCalendar", "RemoteConfig", "warm_up"]
