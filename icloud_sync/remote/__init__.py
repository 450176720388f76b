"""Their side: everything that is said to iCloud. The only importer of caldav and lxml in the application."""

from .client import Client
from .config import RemoteConfig
from .values import Account, Delta, Fetched, RemoteCalendar

__all__ = ["Account", "Client", "Delta", "Fetched", "RemoteCalendar", "RemoteConfig"]
