"""Every exception class of what is under us has its error (style: a test walks them all)."""

from __future__ import annotations

import http.client
import inspect
import socket
import ssl
import zlib
from types import ModuleType

import caldav.lib.error
import niquests.exceptions
import pytest
import urllib3_future.exceptions
from lxml import etree
from niquests.packages.urllib3 import exceptions as urllib3_exceptions

from icloud_sync import errors
from icloud_sync.remote.translate import AnswerTooLarge, translate

MODULES: tuple[ModuleType, ...] = (
    http.client,
    socket,
    ssl,
    etree,
    caldav.lib.error,
    niquests.exceptions,
    urllib3_exceptions,
    urllib3_future.exceptions,
)
PRIVATE = "Basic YWRh secret words"


def classes(module: ModuleType) -> list[type[Exception]]:
    """The public exceptions that a module defines: no warnings, nothing borrowed from elsewhere."""
    own = module.__name__.partition(".")[0]
    found = [thing for name, thing in inspect.getmembers(module, inspect.isclass) if not name.startswith("_")]
    return [
        kind
        for kind in found
        if issubclass(kind, Exception) and not issubclass(kind, Warning) and kind.__module__.partition(".")[0] == own
    ]


def made(kind: type[Exception]) -> Exception:
    """An instance; where the constructor wants a response or a pool, one made without it."""
    for arguments in ((PRIVATE,), (PRIVATE, 1, 2, 3)):
        try:
            return kind(*arguments)
        except TypeError:
            continue
    error = kind.__new__(kind)
    error.args = (PRIVATE,)
    return error


MISUSE = {"ProxySchemeUnsupported"}
"""A ValueError about settings of urllib3 that nobody here can make."""
FOUND = {kind for module in MODULES for kind in classes(module) if kind.__name__ not in MISUSE}
ALL = sorted(FOUND | {zlib.error, OSError, TimeoutError, socket.gaierror}, key=repr)


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_every_exception_below_us_becomes_one_of_ours(kind: type[Exception]) -> None:
    ours = translate(made(kind))
    assert isinstance(ours, errors.TryLater | errors.PasswordRejected), kind
    assert PRIVATE not in str(ours)


def test_there_are_many_of_them() -> None:
    assert len(ALL) > 90


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (TimeoutError(), errors.Unreachable),
        (socket.gaierror(-2, "x"), errors.Unreachable),
        (ConnectionRefusedError(), errors.Unreachable),
        (ConnectionResetError(), errors.Unreachable),
        (BrokenPipeError(), errors.Unreachable),
        (OSError(101, "Network is unreachable"), errors.Unreachable),
        (ssl.SSLCertVerificationError(), errors.Unreachable),
        (http.client.RemoteDisconnected(), errors.Unreachable),
        (http.client.IncompleteRead(b"x"), errors.BadAnswer),
        (http.client.LineTooLong("header"), errors.BadAnswer),
        (http.client.BadStatusLine("x"), errors.BadAnswer),
        (zlib.error(), errors.BadAnswer),
        (caldav.lib.error.AuthorizationError(status=401), errors.PasswordRejected),
        (caldav.lib.error.AuthorizationError(status=403), errors.AccessRefused),
        (caldav.lib.error.NotFoundError(status=404), errors.CollectionMissing),
        (caldav.lib.error.RateLimitError(retry_after_seconds=5), errors.Throttled),
        (caldav.lib.error.ReportError(status=500), errors.ServerFault),
        (niquests.exceptions.ReadTimeout(), errors.Unreachable),
        (niquests.exceptions.ChunkedEncodingError(), errors.BadAnswer),
        (AnswerTooLarge("x"), AnswerTooLarge),
    ],
)
def test_each_failure_is_told_apart(error: Exception, expected: type) -> None:
    assert type(translate(error)) is expected


@pytest.mark.parametrize("bug", [TypeError("x"), KeyError("x"), ValueError("x"), AssertionError()])
def test_a_bug_of_ours_is_not_hidden(bug: Exception) -> None:
    assert translate(bug) is None


def test_one_of_ours_stays_what_it_is() -> None:
    error = errors.ItemChanged("x")
    assert translate(error) is error


def test_a_failure_inside_caldav_arrives_as_one_of_ours(
    monkeypatch: pytest.MonkeyPatch, client: object, stage: object
) -> None:
    from icloud_sync.remote.wire import Wire

    def broken(*_: object, **__: object) -> None:
        raise caldav.lib.error.ReportError(status=500, reason=PRIVATE, body=PRIVATE)

    monkeypatch.setattr(Wire, "report", broken)
    with pytest.raises(errors.ServerFault) as caught:
        client.changes("/1/c/", token=None)  # type: ignore[attr-defined]
    assert PRIVATE not in str(caught.value)
