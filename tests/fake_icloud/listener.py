"""A listening socket on loopback with one thread for each connection."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable

from tests.fake_icloud import wire
from tests.fake_icloud.wire import Request, Response, Role

Serve = Callable[[Request], Response]


class Listener:
    """Accepts connections until closed; can refuse for a while and come back on the same port."""

    def __init__(self, role: Role, address: str, port: int, *, serve: Serve, done: Callable[[Request], None]) -> None:
        self.role = role
        self.address = address
        self._serve = serve
        self._done = done
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        self._stop = threading.Event()
        self._socket = self._listen(port)
        self.port: int = self._socket.getsockname()[1]
        self._run()

    def _listen(self, port: int) -> socket.socket:
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((self.address, port))
            listening.listen(128)
        except OSError:
            listening.close()
            raise
        return listening

    def _run(self) -> None:
        threading.Thread(
            target=self._accept, args=(self._socket, self._stop), name=f"icloud-{self.role}", daemon=True
        ).start()

    def _accept(self, listening: socket.socket, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                connection, _ = listening.accept()
            except OSError:
                return  # closed
            with self._lock:
                self._connections.add(connection)
            threading.Thread(target=self._converse, args=(connection, stop), daemon=True).start()

    def _converse(self, connection: socket.socket, stop: threading.Event) -> None:
        # A client that goes away in the middle of anything is its own affair.
        with contextlib.suppress(OSError, wire.BadRequest, ValueError), connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with connection.makefile("rb") as stream:
                while not stop.is_set():
                    request = wire.read_request(stream, connection, self.role)
                    if request is None or not self._exchange(connection, request, stop):
                        break
        with self._lock:
            self._connections.discard(connection)

    def _exchange(self, connection: socket.socket, request: Request, stop: threading.Event) -> bool:
        response = self._serve(request)
        head_only = request.method == "HEAD"
        if response.plain:
            self._done(request)  # before the last octet: the client may ask again at once
            return wire.send(connection, response, head_only=head_only, stop=stop) and _stays_open(request)
        try:
            return wire.send(connection, response, head_only=head_only, stop=stop) and _stays_open(request)
        finally:
            self._done(request)

    @property
    def refusing(self) -> bool:
        return self._stop.is_set()

    def close(self) -> None:
        """Refuse new connections and end the present ones."""
        self._stop.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes accept()
        self._socket.close()
        self.drop_connections()

    def drop_connections(self) -> None:
        """End the present connections, as Apple does with idle ones, and go on listening (fact 1.11)."""
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def reopen(self) -> None:
        """Listen again on the same port, if refusing."""
        if self.refusing:
            self._stop = threading.Event()
            self._socket = self._listen(self.port)
            self._run()


def _stays_open(request: Request) -> bool:
    return request.headers.get("connection", "").lower() != "close"
