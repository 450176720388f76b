"""Which hosts are ever contacted: those of ICLOUD_TRUSTED_HOSTS, and nobody else, by redirect or href either."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from ..errors import BadAnswer, UntrustedHost
from .paths import identity, on_the_wire

_PORTS = {"https": 443, "http": 80}
_HOST_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|[0-9A-Fa-f:.]+")
_UNSAFE_IN_A_URL = re.compile(r"[\x00-\x20\x7f\\]")


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, lower-case host and port: what a connection is made to."""

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """The Host header: the port is named only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """True for localhost and loopback addresses."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


@dataclass(frozen=True, slots=True)
class Location:
    """A place on a trusted host: where a request goes, and what its answer's hrefs are relative to."""

    origin: Origin
    path: str
    query: str = ""

    @property
    def target(self) -> str:
        """What stands in the request line."""
        return on_the_wire(self.path) + (f"?{self.query}" if self.query else "")

    @property
    def url(self) -> str:
        """The absolute URL."""
        return f"{self.origin.scheme}://{self.origin.authority}{self.target}"


class TrustedHosts:
    """The allow-list, with the contract's meaning.

    `host`: https on port 443 – or, for a loopback name, http too and any port. `host:port`: https on that port only
    (loopback: http too). `.suffix`: any host below it, https on port 443, or on the port named. An entry never
    covers another name of the same machine: `127.0.0.1` does not admit `127.0.0.3`.
    """

    def __init__(self, entries: Iterable[str]) -> None:
        self._entries = tuple(_entry(text) for text in entries if text.strip())
        self._admitted: set[Origin] = set()

    def admits(self, origin: Origin) -> bool:
        """Say whether this origin may be contacted."""
        if origin in self._admitted:
            return True
        if any(_covers(name, port, origin) for name, port in self._entries):
            self._admitted.add(origin)
            return True
        return False

    def locate(self, url: str, *, base: Location | None = None) -> Location:
        """Return where a URL or href points; an href is relative to `base`. Raises UntrustedHost, BadAnswer."""
        text = url.strip()
        if base is not None and not text.startswith("//") and "://" not in text.split("?", 1)[0]:
            path, _, query = text.partition("#")[0].partition("?")
            if not path.startswith("/"):
                path = on_the_wire(base.path.rpartition("/")[0]) + "/" + path
            return Location(base.origin, identity(path), _clean_query(query))
        return self._locate_absolute(text, scheme=base.origin.scheme if base else "")

    def _locate_absolute(self, text: str, *, scheme: str) -> Location:
        if _UNSAFE_IN_A_URL.search(text):
            raise UntrustedHost("an address with characters that no address has")
        try:
            parts = urlsplit(text, scheme=scheme)
            port = parts.port
        except ValueError:
            raise UntrustedHost("an address that cannot be read") from None
        host = (parts.hostname or "").lower()
        if parts.scheme not in _PORTS or not _HOST_NAME.fullmatch(host) or "@" in parts.netloc:
            raise UntrustedHost("an address that is not a plain https URL")
        origin = Origin(parts.scheme, host, port or _PORTS[parts.scheme])
        if not self.admits(origin):
            raise UntrustedHost(f"{origin.host}:{origin.port} over {origin.scheme} is not among the trusted hosts")
        return Location(origin, identity(parts.path or "/"), _clean_query(parts.query))


def _entry(text: str) -> tuple[str, int | None]:
    """Return (name, port) of one entry; a name that begins with a dot is a suffix."""
    name = text.strip().lower()
    port: int | None = None
    bracketed = re.fullmatch(r"\[(?P<name>[0-9a-f:.]+)\](?::(?P<port>\d+))?", name)
    plain = re.fullmatch(r"(?P<name>[^:\[\]]+):(?P<port>\d+)", name)
    if found := bracketed or plain:
        name, port = found["name"], int(found["port"]) if found["port"] else None
    return name, port


def _covers(name: str, port: int | None, origin: Origin) -> bool:
    if name.startswith("."):
        return origin.host.endswith(name) and origin.scheme == "https" and origin.port == (port or 443)
    if origin.host != name:
        return False
    if origin.is_loopback:
        return port is None or origin.port == port
    return origin.scheme == "https" and origin.port == (port or 443)


def _clean_query(query: str) -> str:
    if query and not re.fullmatch(r"[!-~]*", query):
        raise BadAnswer("an address with characters that no address has")
    return query
