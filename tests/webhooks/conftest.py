from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.webhooks.receiver import Receiver


@pytest.fixture
def receiver(settings) -> Iterator[Receiver]:
    """A receiver that is listening, on a host that may be told."""
    settings.WEBHOOK_ALLOW_PRIVATE_HOSTS = True
    with Receiver() as running:
        yield running
