"""What caldav calls its session: every request passes here, and nothing leaves that should not.

Trusted hosts only, Basic credentials from the first request on, no redirect that changes the request, no cookies, no
netrc, no proxy, one connection at a time for each host, and no second attempt of a write (reliability S9, S10, S12).
"""

from __future__ import annotations

import base64
import re
import socket
import ssl
import time
from collections.abc import Callable, Mapping

from ..errors import BadAnswer, ICloudError, OutcomeUnknown, PasswordRejected, Unreachable
from ..secret import Secret
from .config import RemoteConfig
from .connection import Answer, Connection
from .hosts import Location, Origin, TrustedHosts
from .translate import TRANSPORT_ERRORS, AnswerTooLarge, NothingDone, translate

MAX_HOPS = 3
SAME_REQUEST_REDIRECTS = frozenset({301, 302, 307, 308})
_REPEATABLE = frozenset({"PROPFIND", "REPORT", "GET"})
_CLOSED = (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError)
_HEADER_VALUE = re.compile(r"[ -~]*")


class Session:
    """HTTP to trusted hosts with one account's credentials. For one thread; `requests` counts what was sent.

    `budget` is called before every request and may raise. `deadline` is a time.monotonic() moment after which
    nothing is sent or read any more.
    """

    def __init__(
        self,
        config: RemoteConfig,
        *,
        apple_id: str,
        password: Secret,
        budget: Callable[[], None] | None = None,
        deadline: float | None = None,
    ) -> None:
        self.trusted = TrustedHosts(config.trusted_hosts)
        self.requests = 0
        self._config = config
        self._apple_id = apple_id
        self._password = password
        self._budget = budget
        self._deadline = deadline
        self._connections: dict[Origin, Connection] = {}
        self._rejected = False

    def request(self, method: str, url: str, *, data: bytes, headers: Mapping[str, str]) -> Answer:
        """Send a request and return its answer, whatever its status, but for 401.

        Redirects are followed here: the same method and body, three hops, trusted hosts only – a library would turn
        a PUT into a GET, or lose the credentials (fact 1.7, reliability E2). After one 401 nothing is sent any more
        (I16): Apple locks accounts. Raises PasswordRejected, UntrustedHost, Unreachable, BadAnswer, OutcomeUnknown.
        """
        if not all(_HEADER_VALUE.fullmatch(value) for value in headers.values()):
            raise BadAnswer("a header value that would not stay one line")
        until = time.monotonic() + self._config.request_timeout
        until = until if self._deadline is None else min(until, self._deadline)
        location = self.trusted.locate(url)
        for _ in range(MAX_HOPS + 1):
            answer = self._answer(method, location, data=data, headers=headers, until=until)
            if answer.status == 401:
                self._rejected = True
                raise PasswordRejected("HTTP 401")
            if answer.status not in SAME_REQUEST_REDIRECTS:
                return answer
            target = answer.headers.get("Location")
            if not target:
                raise BadAnswer("a redirect to nowhere")
            location = self.trusted.locate(target, base=location)
        raise BadAnswer(f"more than {MAX_HOPS} redirects")

    def close(self) -> None:
        """Close all connections."""
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()

    def _answer(
        self, method: str, location: Location, *, data: bytes, headers: Mapping[str, str], until: float
    ) -> Answer:
        """Return the answer to one request; a read that met a connection gone stale is sent once more (fact 1.11).

        The error is raised with no exception behind it: tracebacks of the socket's frames would carry the request.
        """
        outcome = self._attempt(method, location, data=data, headers=headers, until=until)
        if outcome is None:
            outcome = self._attempt(method, location, data=data, headers=headers, until=until)
        if isinstance(outcome, ICloudError):
            raise outcome
        assert outcome is not None
        return outcome

    def _attempt(
        self, method: str, location: Location, *, data: bytes, headers: Mapping[str, str], until: float
    ) -> Answer | ICloudError | None:
        """Return the answer or what went wrong; None: a kept connection failed before it answered, ask again."""
        if self._rejected:
            return PasswordRejected("the password was refused before")
        if until <= time.monotonic():
            return Unreachable("no time is left to ask")
        connection = self._connections.setdefault(location.origin, Connection(location.origin))
        sent = reused = False

        def send(sock: socket.socket) -> None:
            nonlocal sent
            sent = True
            sock.sendall(self._head(method, location, headers, len(data)) + data)

        if self._budget is not None:
            self._budget()
        try:
            reused = connection.is_open
            if not reused:
                connection.open(until=min(until, time.monotonic() + self._config.connect_timeout))
            self.requests += 1
            return connection.exchange(method, location, send=send, until=until, max_bytes=self._config.max_bytes)
        except AnswerTooLarge as error:
            failure: ICloudError = error
        except (*TRANSPORT_ERRORS, ICloudError) as error:
            failure = translate(error) or BadAnswer(type(error).__name__)
            hung_up = isinstance(error, _CLOSED) and not connection.began_to_answer
            if sent and hung_up and method in _REPEATABLE:
                return None if reused else NothingDone(str(failure))
        if not sent and isinstance(failure, Unreachable):
            return NothingDone(str(failure))
        if sent and method not in _REPEATABLE:
            return OutcomeUnknown(f"{method} was sent, and then: {failure}")
        return failure

    def _head(self, method: str, location: Location, headers: Mapping[str, str], length: int) -> bytes:
        """Return the request line and headers. Their values are ours but for ETags, which are checked on arrival."""
        credentials = base64.b64encode(f"{self._apple_id}:{self._password.reveal()}".encode()).decode("ascii")
        fields = {"Host": location.origin.authority, "Authorization": f"Basic {credentials}", **headers}
        if length or method in {"PUT", "PROPFIND", "REPORT"}:
            fields["Content-Length"] = str(length)
        lines = [f"{method} {location.target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")
