"""Which addresses a webhook may be sent to (reliability, section 5: SSRF)."""

from __future__ import annotations

import ipaddress
import socket
from queue import Empty, SimpleQueue
from threading import Thread
from urllib.parse import SplitResult, urlsplit

MAX_URL = 1000
NAT64 = ipaddress.ip_network("64:ff9b::/96")


class AddressRefused(Exception):
    """The URL cannot be used as it stands; `code` says why: invalid_url, private_host, unknown_host, deadline."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def split(url: str) -> SplitResult:
    """Return the parts of an http or https URL with a host; raise AddressRefused for anything else."""
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and (parts.port is None or 0 < parts.port < 65_536)
    except ValueError:
        usable = False
    if not usable or parts.scheme not in ("http", "https") or len(url) > MAX_URL or not url.isprintable() or " " in url:
        raise AddressRefused("invalid_url", "Give an address that starts with https:// or http:// and names a host.")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise AddressRefused("invalid_url", "Leave user name, password and #fragment out of the address.")
    try:
        (parts.hostname or "").encode("idna")
    except UnicodeError:
        raise AddressRefused("invalid_url", "The host's name is not a valid one.") from None
    return parts


def check(url: str, *, allow_private: bool) -> None:
    """Raise AddressRefused for a URL that can be seen to be wrong without asking the network.

    Names are looked up when something is sent, each time; what they lead to is checked then.
    """
    host = (split(url).hostname or "").lower().rstrip(".")
    if allow_private:
        return
    try:
        private = not is_public(host)
    except ValueError:
        private = host == "localhost" or host.endswith((".localhost", ".local", ".internal"))
    if private:
        raise AddressRefused("private_host", "This host is in a private network; webhooks only go to public ones.")


def resolve(host: str, port: int, *, allow_private: bool, seconds: float = 10.0) -> str:
    """Return the IP address to connect to. The caller connects to it, never to the name again (DNS rebinding).

    Waits `seconds` at most: a name server that does not answer would otherwise hold the worker for half a minute.
    """
    addresses = _looked_up(host, port, seconds=seconds)
    for address in addresses:
        if allow_private or is_public(address):
            return address
    raise AddressRefused("private_host", "The host's name leads into a private network.")


def _looked_up(host: str, port: int, *, seconds: float) -> list[str]:
    answers: SimpleQueue[list[str] | None] = SimpleQueue()

    def look_up() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            answers.put(None)
        else:
            answers.put([str(entry[4][0]) for entry in found])

    Thread(target=look_up, daemon=True).start()
    try:
        addresses = answers.get(timeout=max(0.01, seconds))
    except Empty:
        raise AddressRefused("deadline", "Nobody could say in time where the host's name leads.") from None
    if addresses is None:
        raise AddressRefused("unknown_host", "The host's name leads nowhere.")
    return addresses


def is_public(address: str) -> bool:
    """Whether an IP address is reached over the public internet; ValueError when it is none."""
    ip = ipaddress.ip_address(address.split("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and ip in NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)
