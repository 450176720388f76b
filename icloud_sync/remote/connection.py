"""One HTTP/1.1 connection on which nothing can take longer, or grow larger, than it was given.

Python's own socket, ssl and http.client: they do what was asked and no more. The library that caldav brings along
retries, follows redirects, keeps cookies, asks netrc, upgrades to HTTP/3 and contacts certificate responders; each of
these would have to be switched off, its time-out is one for each read (a drip of single bytes outlives it,
reliability E1), and it takes 4 ms of CPU for a request against 0.3 ms here.
"""

from __future__ import annotations

import http.client
import io
import select
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import Message
from functools import lru_cache
from queue import Empty, SimpleQueue
from typing import Any

from ..errors import BadAnswer
from .hosts import Location, Origin
from .translate import TRANSPORT_ERRORS, AnswerTooLarge

_Address = tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]
_CHUNK = 65_536
_SMALL_ANSWER = 262_144
"""An error's body is read up to here: it may name a DAV precondition, and says nothing else of use."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that arrived whole; `location` is where it came from, after redirects."""

    status: int
    headers: Message = field(repr=False)
    body: bytes = field(repr=False)
    location: Location


class Connection:
    """A socket to one origin, kept open between requests. For one thread."""

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        self.began_to_answer = False
        self._sock: socket.socket | None = None

    @property
    def is_open(self) -> bool:
        """True when a request can be sent on it: the other side has not closed it while it was idle (fact 1.11)."""
        if self._sock is None:
            return False
        poll = select.poll()
        poll.register(self._sock, select.POLLIN | select.POLLERR | select.POLLHUP)
        return not poll.poll(0)

    def open(self, *, until: float) -> None:
        """Connect, with TLS where the origin says so; `until` is a time.monotonic() moment."""
        self.close()
        self._sock = _connect(self.origin, until=until)

    def exchange(
        self, method: str, location: Location, *, send: Callable[[socket.socket], None], until: float, max_bytes: int
    ) -> Answer:
        """Send one request and return its answer; on any failure the connection is closed.

        `send` puts the request on the socket, so that no frame here ever holds the credentials. Raises what
        translate.TRANSPORT_ERRORS names, BadAnswer and AnswerTooLarge.
        """
        self.began_to_answer = False
        sock = self._sock
        assert sock is not None
        keep = False
        try:
            sock.settimeout(_left(until))
            send(sock)
            response = http.client.HTTPResponse(_Source(sock, until=until), method=method)  # type: ignore[arg-type]
            response.begin()
            self.began_to_answer = True
            if response.status < 200:
                raise BadAnswer(f"HTTP {response.status} in place of an answer")
            body = _body(response, max_bytes=max_bytes)
            keep = body is not None and not response.will_close
        finally:
            if not keep:
                self.close()
        return Answer(response.status, response.headers, body or b"", location)

    def close(self) -> None:
        """Close the socket, if it is open."""
        if self._sock is not None:
            self._sock.close()
            self._sock = None


class _Source:
    """What http.client asks for a file to read from."""

    def __init__(self, sock: socket.socket, *, until: float) -> None:
        self._sock = sock
        self._until = until

    def makefile(self, *_: Any) -> io.BufferedReader:
        return io.BufferedReader(_TimedReader(self._sock, until=self._until), _CHUNK)


class _TimedReader(io.RawIOBase):
    """Reads from a socket until a moment, however many reads that takes."""

    def __init__(self, sock: socket.socket, *, until: float) -> None:
        self._sock = sock
        self._until = until

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._sock.settimeout(_left(self._until))
        return self._sock.recv_into(buffer)


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("the time for this request is over")
    return left


def _body(response: http.client.HTTPResponse, *, max_bytes: int) -> bytes | None:
    """Return the body, which has to be whole where it carries data; None when it could be left out and was.

    A refusal or a redirect is said by its status alone: a 412 stays one, however its page ends.
    """
    if response.status < 300 or response.status == 507:
        return _read(response, cap=max_bytes)
    try:
        return _read(response, cap=_SMALL_ANSWER)
    except (*TRANSPORT_ERRORS, BadAnswer):
        return None


def _read(response: http.client.HTTPResponse, *, cap: int) -> bytes:
    """Return the whole body, decompressed; never more than `cap` bytes are held."""
    coding = (response.getheader("Content-Encoding") or "").strip().lower()
    if coding in {"gzip", "x-gzip"}:
        return _gunzipped(response, cap=cap)
    if coding not in {"", "identity"}:
        raise BadAnswer("a content coding that was not asked for")
    if response.length is not None:
        if response.length > cap:
            raise AnswerTooLarge(f"an answer of more than {cap} bytes")
        return response.read()
    parts, size = [], 0
    while part := response.read(_CHUNK):
        parts.append(part)
        size += len(part)
        if size > cap:
            raise AnswerTooLarge(f"an answer of more than {cap} bytes")
    return b"".join(parts)


def _gunzipped(response: http.client.HTTPResponse, *, cap: int) -> bytes:
    unzip = zlib.decompressobj(wbits=31)
    parts, size = [], 0
    while part := response.read(_CHUNK):
        while part:
            plain = unzip.decompress(part, cap + 1 - size)
            parts.append(plain)
            size += len(plain)
            if size > cap:
                raise AnswerTooLarge(f"an answer of more than {cap} bytes")
            if unzip.eof and unzip.unused_data:
                raise BadAnswer("something follows the compressed answer")
            part = unzip.unconsumed_tail
    if response.length or (parts and not unzip.eof):
        raise BadAnswer("the compressed answer was cut")
    return b"".join(parts)


def _connect(origin: Origin, *, until: float) -> socket.socket:
    """Return a connected socket; each address of the host gets an equal share of the time that is left."""
    addresses = _addresses(origin, until=until)
    failure: OSError = ConnectionError("no address")
    for position, (family, kind, protocol, _, address) in enumerate(addresses):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(_left(until) / (len(addresses) - position))
            sock.connect(address)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if origin.scheme != "https":
                return sock
            sock.settimeout(_left(until))
            return trusted_certificates().wrap_socket(sock, server_hostname=origin.host)
        except OSError as error:
            sock.close()
            failure = error
            if isinstance(error, ssl.SSLError):
                break
    raise failure


def _addresses(origin: Origin, *, until: float) -> list[_Address]:
    """Return the addresses of a host, in time: the system's resolver has no time-out that could be given to it."""
    if origin.is_loopback:
        return socket.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
    found: SimpleQueue[list[_Address] | OSError] = SimpleQueue()

    def resolve() -> None:
        try:
            found.put(socket.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM))
        except OSError as error:
            found.put(error)

    threading.Thread(target=resolve, name="resolve", daemon=True).start()
    try:
        result = found.get(timeout=_left(until))
    except Empty:
        raise TimeoutError("the host's name was not found in time") from None
    if isinstance(result, OSError):
        raise result
    return result


@lru_cache(maxsize=1)
def trusted_certificates() -> ssl.SSLContext:
    """Return the one context of this process (70 ms of CPU to make); there is no way to switch verification off."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context
