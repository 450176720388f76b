"""What the transport must know; the caller builds it from the settings, so that nothing here needs Django."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteConfig:
    """Where iCloud is, whom we may speak to, and how much an answer may cost.

    `url` is asked for the current user's principal, whatever its path. `trusted_hosts` holds `host`, `host:port` or
    `.suffix` (see `hosts.TrustedHosts`). Times are seconds: `request_timeout` covers a whole request on the wall
    clock, from connecting to the last byte of the answer; `connect_timeout` covers connecting and TLS. `max_bytes`
    is counted after decompression.
    """

    url: str
    trusted_hosts: tuple[str, ...]
    request_timeout: float = 30.0
    connect_timeout: float = 10.0
    max_bytes: int = 10_000_000
    multiget_size: int = 50
