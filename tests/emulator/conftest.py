"""A server of its own for the self-tests: they break manners on purpose, so nothing is checked at their end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.emulator.raw import Raw
from tests.fake_icloud import FakeICloud
from tests.fake_icloud.account import Account


@pytest.fixture(scope="session")
def emulator() -> Iterator[FakeICloud]:
    server = FakeICloud()
    yield server
    server.stop()


@pytest.fixture
def server(emulator: FakeICloud) -> FakeICloud:
    """The server, emptied, under the probed profile, with time standing still at 2027-01-01."""
    emulator.reset()
    emulator.clock.freeze(1_798_761_600)
    return emulator


@pytest.fixture
def ada(server: FakeICloud) -> Account:
    return server.account("ada@icloud.example", name="Ada Lovelace", aliases=["ada@alias.example"])


@pytest.fixture
def ben(server: FakeICloud, ada: Account) -> Account:
    return server.account("ben@icloud.example", name="Ben Carter")


@pytest.fixture
def raw(server: FakeICloud, ada: Account) -> Iterator[Raw]:
    with Raw(server, ada) as client:
        yield client


@pytest.fixture
def bens(server: FakeICloud, ben: Account) -> Iterator[Raw]:
    with Raw(server, ben) as client:
        yield client


@pytest.fixture
def home(ada: Account) -> str:
    """The path of Ada's Home calendar."""
    return ada.calendar("Home").path
