"""What the tests of the transport share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import icloud_sync.remote.wire  # noqa: F401  (its import takes a second, which no deadline here allows for)
from icloud_sync.remote import Client, RemoteConfig
from icloud_sync.secret import Secret
from tests.fake_icloud import FakeICloud
from tests.remote.acts import READS, WRITES
from tests.remote.stage import Stage

CANARY = "qwer-tyui-opas-dfgh"


@pytest.fixture
def stage() -> Iterator[Stage]:
    """A server that misbehaves on demand."""
    with Stage() as stage:
        yield stage


@pytest.fixture
def trap() -> Iterator[Stage]:
    """A listener on another loopback address; the tests that use it say that nothing may reach it."""
    with Stage(host="127.0.0.3") as trap:
        yield trap


@pytest.fixture(params=READS)
def read(request: pytest.FixtureRequest) -> Callable[[Client], object]:
    """Every way to read."""
    return READS[request.param]


@pytest.fixture(params=WRITES)
def write(request: pytest.FixtureRequest) -> Callable[[Client], object]:
    """Every way to write."""
    return WRITES[request.param]


@pytest.fixture
def client(stage: Stage) -> Iterator[Client]:
    """A client of the stage with short times."""
    yield from _clients(stage)


@pytest.fixture
def client_with(stage: Stage) -> Iterator[Callable[..., Client]]:
    """Clients of the stage with other limits: config fields, or budget and deadline."""
    made: list[Client] = []

    def make(*, budget: Any = None, deadline: float | None = None, home: str | None = None, **config: Any) -> Client:
        settings = config_of(stage, **config)
        made.append(
            Client(
                settings, apple_id="ada@icloud.example", password=Secret(CANARY), budget=budget, deadline=deadline,
                home=home,
            )
        )  # fmt: skip
        return made[-1]

    yield make
    for client in made:
        client.close()


def config_of(stage: Stage, **changes: Any) -> RemoteConfig:
    """Settings for a stage: a second at most, one megabyte at most."""
    given = {"url": stage.url, "trusted_hosts": ("127.0.0.1",), "request_timeout": 1.0, "max_bytes": 1_000_000}
    return RemoteConfig(**{**given, **changes})


def _clients(stage: Stage) -> Iterator[Client]:
    with Client(config_of(stage), apple_id="ada@icloud.example", password=Secret(CANARY)) as client:
        yield client


@pytest.fixture(scope="session")
def apple_server() -> Iterator[FakeICloud]:
    """One iCloud-like server for all tests here."""
    server = FakeICloud()
    yield server
    server.stop()


@pytest.fixture
def apple(apple_server: FakeICloud) -> FakeICloud:
    """That server, emptied, as iCloud was probed."""
    apple_server.reset("probed")
    return apple_server


def client_of(apple: FakeICloud, account: Any, **config: Any) -> Client:
    """A client of an account on the iCloud-like server."""
    settings = RemoteConfig(url=apple.url, trusted_hosts=tuple(apple.trusted_hosts.split(",")), **config)
    return Client(settings, apple_id=account.apple_id, password=Secret(account.password))
