"""pytest fixtures: an iCloud for each test, and manners checked at its end.

def test_it(icloud): ...                                # profile probed
@pytest.mark.icloud(profile="hostile")                  # another profile for `icloud`
@pytest.mark.icloud(impolite="why", ignore={5})         # some invariants (or all, without ignore) do not count
@pytest.mark.icloud(mail="why")                         # iCloud may send invitations here
@pytest.mark.icloud(destructive="why")                  # calendars may be changed here
@pytest.mark.icloud_all_profiles                        # `icloud` under each profile (by day: one, taking turns)
def test_it(icloud_all_profiles): ...                   # the same as a fixture
def test_it(icloud_settings): ...                       # icloud, and Django's settings point to it
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from tests import night
from tests.fake_icloud.profiles import PROFILES
from tests.fake_icloud.server import FakeICloud

_OPTIONS = {"profile", "impolite", "ignore", "mail", "destructive"}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "icloud(profile, impolite, ignore, mail, destructive): how the icloud fixture behaves, and what it lets pass",
    )
    config.addinivalue_line("markers", "icloud_all_profiles: run under every profile, by day under one")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "icloud" in metafunc.fixturenames and metafunc.definition.get_closest_marker("icloud_all_profiles"):
        metafunc.parametrize("icloud", night.turn(PROFILES, of=metafunc.definition.nodeid), indirect=True)


@pytest.fixture(scope="session")
def icloud_server() -> Iterator[FakeICloud]:
    """The one server of the session; `icloud` gives it out, emptied."""
    server = FakeICloud()
    yield server
    server.stop()


@pytest.fixture
def icloud(
    request: pytest.FixtureRequest, icloud_server: FakeICloud, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FakeICloud]:
    """An empty iCloud; at the end of the test the client must have been polite."""
    options = _options(request.node)
    profile = getattr(request, "param", None) or options.get("profile", "probed")
    yield from _story(icloud_server, profile, options, monkeypatch)


@pytest.fixture(params=PROFILES)
def icloud_all_profiles(
    request: pytest.FixtureRequest, icloud_server: FakeICloud, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FakeICloud]:
    """As `icloud`, once under each profile."""
    yield from _story(icloud_server, request.param, _options(request.node), monkeypatch)


@pytest.fixture
def icloud_settings(icloud: FakeICloud, settings: Any) -> FakeICloud:
    """As `icloud`, with Django's settings pointing to it."""
    settings.ICLOUD_CALDAV_URL = icloud.url
    settings.ICLOUD_TRUSTED_HOSTS = tuple(icloud.trusted_hosts.split(","))
    return icloud


def _options(node: pytest.Item) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for marker in reversed(list(node.iter_markers("icloud"))):
        options |= marker.kwargs
    unknown = set(options) - _OPTIONS
    if unknown:
        raise pytest.UsageError(f"icloud marker: unknown {sorted(unknown)}")
    return options


def _story(
    server: FakeICloud, profile: str, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> Iterator[FakeICloud]:
    server.reset(profile)
    watch = _Watch(server)
    watch.guard_messages(monkeypatch)
    root = logging.getLogger()
    root.addHandler(watch)
    try:
        yield server
    finally:
        root.removeHandler(watch)
    assert not watch.leaks, f"an app-specific password was seen in: {watch.leaks[:5]}"
    if not options.get("impolite"):
        server.assert_polite()
    elif "ignore" in options:
        server.assert_polite(ignore=set(options["ignore"]))
    if not options.get("mail"):
        assert server.mail_log == [], "iCloud would have sent mail"
    if not options.get("destructive"):
        assert server.destructive_log == [], "a calendar itself was changed"


class _Watch(logging.Handler):
    """Looks for app-specific passwords in log records and in queued messages (emulator invariant 10.7)."""

    def __init__(self, server: FakeICloud) -> None:
        super().__init__(logging.DEBUG)
        self._server = server
        self.leaks: list[str] = []

    def guard_messages(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Look into everything Celery serialises."""
        from kombu import messaging

        dumps = vars(messaging)["dumps"]

        def watched(data: Any, *args: Any, **kwargs: Any) -> Any:
            self.look(repr(data), "a queued message")
            return dumps(data, *args, **kwargs)

        monkeypatch.setattr(messaging, "dumps", watched)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = f"{record.getMessage()} {record.args!r} {record.__dict__!r}"
        except (TypeError, ValueError):
            text = f"{record.msg!r} {record.args!r}"
        if record.exc_info and record.exc_info[1] is not None:
            text += repr(record.exc_info[1])
        self.look(text, f"log record of {record.name}")

    def look(self, text: str, where: str) -> None:
        for account in self._server.accounts:
            for secret in self._server.world.secrets:
                pair = base64.b64encode(f"{account.apple_id}:{secret}".encode()).decode()
                if secret in text or secret.replace("-", "") in text or pair in text:
                    self.leaks.append(where)
                    return
