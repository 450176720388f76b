"""HTTP/1.1 on a socket: requests in, answers out, and the ways an answer can go wrong on the way."""

from __future__ import annotations

import base64
import binascii
import gzip
import select
import socket
import threading
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, BinaryIO, Literal
from urllib.parse import unquote

if TYPE_CHECKING:
    from tests.fake_icloud.world import World

Role = Literal["discovery", "p1", "p2", "evil"]
MAX_HEAD = 64 * 1024


@dataclass
class Record:
    """One request as the server saw it."""

    number: int
    at: float
    method: str
    role: Role
    path: str  # percent-decoded, without the query
    target: str
    headers: dict[str, str]  # lower-case names
    body: bytes
    username: str | None = None
    dsid: str | None = None
    status: int = 0
    report: str | None = None  # sync-collection, calendar-multiget, calendar-query, ...
    fault: str | None = None
    answer: Response | None = None

    @property
    def depth(self) -> str | None:
        return self.headers.get("depth")


@dataclass
class Request:
    """A request with what later steps learn about it."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    role: Role
    path: str = ""
    username: str | None = None
    password: str | None = None
    report: str | None = None
    big_reply: int = 0  # extra members for the next listing
    bad_member: bytes | None = None  # replaces one member's data in a multiget
    world: World | None = None  # the one it began in; a reset may come in between

    def __post_init__(self) -> None:
        raw = self.target.split("?", 1)[0]
        if "://" in raw:
            raw = "/" + raw.split("://", 1)[1].partition("/")[2]
        self.path = unquote(raw)
        scheme, _, given = self.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            try:
                name, _, password = base64.b64decode(given.strip(), validate=True).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                return
            self.username, self.password = name, password


@dataclass
class Response:
    """An answer; the fields after `body` say how it fails to arrive."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    delay: float = 0  # seconds before the first octet
    drip: tuple[int, float] | None = None  # octets, seconds between them
    cut: int | None = None  # octets of the body sent before the connection closes
    silence: Literal["close", "forever"] | None = None  # no answer at all

    @property
    def plain(self) -> bool:
        return not (self.delay or self.drip or self.silence or self.cut is not None)

    def head(self) -> bytes:
        try:
            reason = HTTPStatus(self.status).phrase
        except ValueError:
            reason = "Unknown"
        lines = [f"HTTP/1.1 {self.status} {reason}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        if not any(name.lower() == "content-length" for name, _ in self.headers):
            lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")

    def zipped(self) -> None:
        self.body = gzip.compress(self.body, 1)
        self.headers.append(("Content-Encoding", "gzip"))


class BadRequest(Exception):
    """What arrived is no HTTP request."""


def read_request(stream: BinaryIO, connection: socket.socket, role: Role) -> Request | None:
    """Return the next request of a connection, or None when the client has closed it."""
    first = stream.readline(MAX_HEAD)
    while first in (b"\r\n", b"\n"):
        first = stream.readline(MAX_HEAD)
    if not first:
        return None
    words = first.decode("latin-1").split()
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise BadRequest(first[:80])
    headers = _read_headers(stream)
    if headers.get("expect", "").lower() == "100-continue":
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    if "chunked" in headers.get("transfer-encoding", "").lower():
        body = _read_chunks(stream)
    else:
        length = int(headers.get("content-length") or 0)
        body = stream.read(length) if length else b""
        if len(body) < length:
            return None
    return Request(words[0].upper(), words[1], headers, body, role)


def _read_headers(stream: BinaryIO) -> dict[str, str]:
    headers: dict[str, str] = {}
    while True:
        line = stream.readline(MAX_HEAD)
        if line in (b"\r\n", b"\n", b""):
            return headers
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()


def _read_chunks(stream: BinaryIO) -> bytes:
    parts: list[bytes] = []
    while True:
        size = int(stream.readline(MAX_HEAD).split(b";")[0] or b"0", 16)
        if size == 0:
            while stream.readline(MAX_HEAD) not in (b"\r\n", b"\n", b""):
                pass
            return b"".join(parts)
        parts.append(stream.read(size))
        stream.readline(MAX_HEAD)


def send(connection: socket.socket, response: Response, *, head_only: bool, stop: threading.Event) -> bool:
    """Send an answer, as badly as it asks for; return whether the connection can go on.

    Waits end early when `stop` is set or the client goes away.
    """
    if response.silence == "close":
        return False
    if response.silence == "forever":
        _wait(connection, None, stop)
        return False
    if response.delay and not _wait(connection, response.delay, stop):
        return False
    head, body = response.head(), b"" if head_only else response.body
    if response.cut is not None:
        connection.sendall(head + body[: response.cut])
        return False
    if response.drip is not None:
        size, interval = response.drip
        data = head + body
        for at in range(0, len(data), size):
            connection.sendall(data[at : at + size])
            if at + size < len(data) and not _wait(connection, interval, stop):
                return False
        return True
    connection.sendall(head + body)
    return True


def _wait(connection: socket.socket, seconds: float | None, stop: threading.Event) -> bool:
    """Wait; False when the server stops or the client closes meanwhile."""
    step, left = 0.02, seconds
    while left is None or left > 0:
        if stop.wait(step if left is None else min(step, left)):
            return False
        readable, _, _ = select.select([connection], [], [], 0)
        if readable and not connection.recv(1, socket.MSG_PEEK):
            return False
        if left is not None:
            left -= step
    return True
