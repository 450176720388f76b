"""A server that does on the wire exactly what a test says, right or wrong.

    with Stage() as stage:
        stage.play(answer(207, b"..."), drip(b"...", every=0.05))
        ... stage.url, stage.requests

Each request takes the next act; the last act is repeated. An act gets the socket and the request.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field


@dataclass
class Heard:
    """One request as it came in; `connection` numbers the socket it came on."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int


Act = Callable[[socket.socket, Heard], None]


def answer(
    status: int, body: bytes = b"", *, headers: Iterable[tuple[str, str]] = (), content_type: str = "text/xml"
) -> Act:
    """A well-formed answer that keeps the connection open."""
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}"]
    lines += [f"Content-Type: {content_type}"] if body else []
    lines += [f"{name}: {value}" for name, value in headers]
    return raw("\r\n".join(lines).encode() + b"\r\n\r\n" + body)


def raw(octets: bytes) -> Act:
    """Any bytes; the connection stays open."""
    return lambda sock, _: sock.sendall(octets)


def raw_and_close(octets: bytes) -> Act:
    """Any bytes, and the end."""

    def act(sock: socket.socket, _: Heard) -> None:
        sock.sendall(octets)
        sock.shutdown(socket.SHUT_RDWR)

    return act


def drip(octets: bytes, *, every: float, stop: threading.Event) -> Act:
    """One byte at a time, for as long as somebody listens."""

    def act(sock: socket.socket, _: Heard) -> None:
        for octet in octets:
            sock.sendall(bytes([octet]))
            if stop.wait(every):
                return

    return act


def silence(stop: threading.Event) -> Act:
    """Accept, read, never answer."""
    return lambda sock, _: (stop.wait(30), None)[1]


def hang_up(sock: socket.socket, _: Heard) -> None:
    """Close without an answer."""
    sock.shutdown(socket.SHUT_RDWR)


def answer_and_leave(status: int, body: bytes = b"") -> Act:
    """An answer that promises to keep the connection, and then closes it while it is idle."""

    def act(sock: socket.socket, heard: Heard) -> None:
        answer(status, body)(sock, heard)
        sock.shutdown(socket.SHUT_RDWR)

    return act


@dataclass
class Stage:
    """The server. `heard` grows with every complete request, `connections` with every accepted socket."""

    host: str = "127.0.0.1"
    tls: ssl.SSLContext | None = None
    requests: list[Heard] = field(default_factory=list)
    connections: int = 0
    stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Stage:
        self._acts: list[Act] = [answer(404)]
        self._listener = socket.create_server((self.host, 0))
        self.port = self._listener.getsockname()[1]
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in self._sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}/"

    @property
    def origin(self) -> str:
        return f"{self.host}:{self.port}"

    def play(self, *acts: Act) -> None:
        """Set the acts for the requests to come."""
        self._acts = list(acts)

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self.stop.is_set():
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._sockets.append(sock)
            self._start(self._serve, sock, self.connections)

    def _serve(self, sock: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as closing:
            closing.callback(sock.close)
            if self.tls:
                sock = self.tls.wrap_socket(sock, server_side=True)
                self._sockets.append(sock)
                closing.callback(sock.close)
            reader = closing.enter_context(sock.makefile("rb"))
            while (heard := _read(reader, number)) is not None:
                self.requests.append(heard)
                act = self._acts.pop(0) if len(self._acts) > 1 else self._acts[0]
                act(sock, heard)


def _read(reader: object, number: int) -> Heard | None:
    first = reader.readline().decode("latin-1").split()  # type: ignore[attr-defined]
    if len(first) != 3:
        return None
    headers: dict[str, str] = {}
    while line := reader.readline().decode("latin-1").strip():  # type: ignore[attr-defined]
        name, _, value = line.partition(":")
        assert name.lower() not in headers, f"{name} twice"
        headers[name.lower()] = value.strip()
    body = reader.read(int(headers.get("content-length", "0")))  # type: ignore[attr-defined]
    return Heard(first[0], first[1], headers, body, number)


def multistatus(*responses: str, token: str | None = None) -> bytes:
    """A multistatus of ready-made responses."""
    end = f"<sync-token>{token}</sync-token>" if token is not None else ""
    return f'<?xml version="1.0"?><multistatus xmlns="DAV:">{"".join(responses)}{end}</multistatus>'.encode()


def response(href: str, props: str = "", *, status: str = "", missing: str = "") -> str:
    """One response: properties with 200, others with 404, or a status for all of it."""
    found = f"<propstat><prop>{props}</prop><status>HTTP/1.1 200 OK</status></propstat>" if props else ""
    lost = f"<propstat><prop>{missing}</prop><status>HTTP/1.1 404 Not Found</status></propstat>" if missing else ""
    whole = f"<status>HTTP/1.1 {status}</status>" if status else ""
    return f"<response><href>{href}</href>{found}{lost}{whole}</response>"


PRINCIPAL = multistatus(response("/", "<current-user-principal><href>/1/principal/</href></current-user-principal>"))


HTML_PAGE = b"<!DOCTYPE html><html><head><title>secret words</title></head><body><p>Sign in</p></body></html>"


def home_set(href: str) -> bytes:
    """The principal's answer, naming a calendar home."""
    inner = (
        f'<calendar-home-set xmlns="urn:ietf:params:xml:ns:caldav"><href xmlns="DAV:">{href}</href></calendar-home-set>'
    )
    return multistatus(response("/1/principal/", inner))
