"""One signed POST to one webhook, within a deadline, to an address that was checked."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import socket
import ssl
import string
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import quote

from leadmagicx.webhooks import addresses
from leadmagicx.webhooks.addresses import AddressRefused

DEADLINE_SECONDS = 10.0
MAX_ANSWER_BYTES = 64 * 1024
PORTS = {"http": 80, "https": 443}


class SendingFailed(Exception):
    """No answer came; `reason` is a short code for the delivery's row."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def signature(*, secret: str, body: bytes, at: int) -> str:
    """Return `t=<unix>,v1=<hex HMAC-SHA256(secret, t + "." + body)>`.

    >>> signature(secret="s", body=b"{}", at=1)[:20]
    't=1,v1=0ed5ec2abb14b'
    """
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256)
    return f"t={at},v1={digest.hexdigest()}"


def send(
    *,
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    allow_private: bool,
    deadline_seconds: float = DEADLINE_SECONDS,
) -> int:
    """POST the body once and return the answer's status. No redirect is followed, no proxy used, no cookie kept.

    Raises SendingFailed when there is no answer within the deadline (the whole exchange, not one read of it), or when
    the host may not be contacted.
    """
    until = time.monotonic() + deadline_seconds
    try:
        parts = addresses.split(url)
        port = parts.port or PORTS[parts.scheme]
        host = (parts.hostname or "").encode("idna").decode("ascii")
        address = addresses.resolve(host, port, allow_private=allow_private, seconds=deadline_seconds)
    except AddressRefused as error:
        raise SendingFailed(error.code) from None
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    exchange = _Exchange(host, port, address=address, secure=parts.scheme == "https", until=until)
    return exchange.post(path, body, headers)


class _Exchange(http.client.HTTPConnection):
    """One request to a fixed address. A watchdog ends it at the deadline, however slowly bytes keep coming."""

    def __init__(self, host: str, port: int, *, address: str, secure: bool, until: float) -> None:
        super().__init__(host, port)
        self.address = address
        self.secure = secure
        self.until = until
        self.over = threading.Event()
        if secure:
            self.default_port = http.client.HTTPS_PORT

    def connect(self) -> None:
        left = max(0.1, self.until - time.monotonic())
        self.sock = socket.create_connection((self.address, self.port), timeout=left)
        if self.secure:
            context = ssl.create_default_context()
            self.sock = context.wrap_socket(self.sock, server_hostname=self.host)

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> int:
        watchdog = threading.Timer(max(0.1, self.until - time.monotonic()), self._end)
        watchdog.daemon = True
        watchdog.start()
        try:
            self.request("POST", _quoted(path), body=body, headers=dict(headers))
            answer = self.getresponse()
        except ssl.SSLError:
            raise SendingFailed("deadline" if self.over.is_set() else "tls") from None
        except (TimeoutError, OSError, http.client.HTTPException) as error:
            late = self.over.is_set() or isinstance(error, TimeoutError)
            raise SendingFailed("deadline" if late else "no_answer") from None
        else:
            with suppress(OSError, http.client.HTTPException):
                answer.read(MAX_ANSWER_BYTES)
            return answer.status
        finally:
            watchdog.cancel()
            self.close()

    def _end(self) -> None:
        self.over.set()
        if self.sock is not None:
            with suppress(OSError):
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)


def _quoted(path: str) -> str:
    """Return path and query with letters beyond ASCII percent-encoded; what is encoded already stays as it is."""
    return quote(path, safe=string.punctuation)
