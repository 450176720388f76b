"""Every exception of the libraries and of Python's sockets, as one of ours.

No text of the original is kept: it may hold a server's body, a URL or a header. Its type says enough.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import zlib
from collections.abc import Callable
from datetime import UTC, datetime

from lxml import etree

from ..errors import BadAnswer, ICloudError, PasswordRejected, Throttled, Unreachable
from .statuses import read_error

TRANSPORT_ERRORS = (OSError, http.client.HTTPException, zlib.error)
"""What a request over a socket can raise. ssl, time-outs and name resolution are kinds of OSError."""


class AnswerTooLarge(BadAnswer):
    """The answer passes the size cap; asking for less may help."""


class NothingDone(Unreachable):
    """The host could not be reached, or hung up on a read: the same request may go to another host of the account."""


def translate(error: BaseException) -> ICloudError | None:
    """Return the error that says the same to the engine; None for what no transport raises, but a bug of ours."""
    if isinstance(error, ICloudError):
        return error
    for kinds, text in _UNREACHABLE:
        if isinstance(error, kinds):
            return Unreachable(text)
    if isinstance(error, (http.client.HTTPException, zlib.error, etree.Error)):
        return BadAnswer(f"the answer cannot be read ({type(error).__name__})")
    for kind in type(error).__mro__:
        if (make := _LIBRARIES.get((kind.__module__, kind.__name__))) is not None:
            return make(error)
    if isinstance(error, OSError):
        return Unreachable(f"the connection failed ({type(error).__name__})")
    return None


def _unreachable(error: BaseException) -> ICloudError:
    return Unreachable(f"the connection failed ({type(error).__name__})")


def _bad_answer(error: BaseException) -> ICloudError:
    return BadAnswer(f"the answer cannot be read ({type(error).__name__})")


def _by_status(error: BaseException) -> ICloudError:
    """Return what one of caldav's errors means; it knows the status, as a rule."""
    status = getattr(error, "status", None)
    if not isinstance(status, int):
        return _bad_answer(error)
    if status == 401:
        return PasswordRejected("HTTP 401")
    return read_error(status, retry_after=None, now=datetime.now(UTC), collection=True)


def _rate_limited(error: BaseException) -> ICloudError:
    wait = getattr(error, "retry_after_seconds", None)
    return Throttled("the server asked to wait", after_seconds=float(wait) if wait is not None else None)


_LIBRARIES: dict[tuple[str, str], Callable[[BaseException], ICloudError]] = {
    ("caldav.lib.error", "RateLimitError"): _rate_limited,
    ("caldav.lib.error", "DAVError"): _by_status,
    ("niquests.exceptions", "ContentDecodingError"): _bad_answer,
    ("niquests.exceptions", "ChunkedEncodingError"): _bad_answer,
    ("niquests.exceptions", "InvalidJSONError"): _bad_answer,
    ("niquests.exceptions", "TooManyRedirects"): _bad_answer,
    ("niquests.exceptions", "RequestException"): _unreachable,
    ("urllib3_future.exceptions", "DecodeError"): _bad_answer,
    ("urllib3_future.exceptions", "HTTPError"): _unreachable,
    ("urllib3.exceptions", "DecodeError"): _bad_answer,
    ("urllib3.exceptions", "HTTPError"): _unreachable,
}
"""By name, so that nothing is imported for it. None of these is expected: our session raises its own."""


_UNREACHABLE: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
    ((ssl.SSLCertVerificationError,), "the server's certificate is not valid for its name"),
    ((ssl.SSLError,), "no secure connection could be made"),
    ((socket.gaierror, socket.herror), "the host's name could not be found"),
    ((TimeoutError,), "no complete answer in time"),
    ((ConnectionRefusedError,), "the connection was refused"),
    ((http.client.RemoteDisconnected, ConnectionError), "the connection was closed before the answer"),
)
