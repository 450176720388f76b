"""Every exception of the libraries and of Python's sockets, as one of ours.

No text of the original is kept: it may hold a server's body, a URL or a header. Its type says enough.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import zlib

from lxml import etree

from ..errors import BadAnswer, ICloudError, Unreachable

TRANSPORT_ERRORS = (OSError, http.client.HTTPException, zlib.error)
"""What a request over a socket can raise. ssl, time-outs and name resolution are kinds of OSError."""


class AnswerTooLarge(BadAnswer):
    """The answer passes the size cap; asking for less may help."""


def translate(error: BaseException) -> ICloudError | None:
    """Return the error that says the same to the engine; None for what no transport raises, but a bug of ours."""
    if isinstance(error, ICloudError):
        return error
    for kinds, text in _UNREACHABLE:
        if isinstance(error, kinds):
            return Unreachable(text)
    if isinstance(error, (http.client.HTTPException, zlib.error, etree.LxmlError)):
        return BadAnswer(f"the answer cannot be read ({type(error).__name__})")
    if isinstance(error, OSError):
        return Unreachable(f"the connection failed ({type(error).__name__})")
    return None


_UNREACHABLE: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
    ((ssl.SSLCertVerificationError,), "the server's certificate is not valid for its name"),
    ((ssl.SSLError,), "no secure connection could be made"),
    ((socket.gaierror, socket.herror), "the host's name could not be found"),
    ((TimeoutError,), "no complete answer in time"),
    ((ConnectionRefusedError,), "the connection was refused"),
    ((http.client.RemoteDisconnected, ConnectionError), "the connection was closed before the answer"),
)
