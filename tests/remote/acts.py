"""Every way to read and to write, and what a failure must look like."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from icloud_sync import errors
from icloud_sync.remote import Client
from tests.remote.stage import (
    multistatus,
    response,
)

CALENDAR = "/1/calendars/home/"
EVENT = CALENDAR + "a.ics"
BODY = b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"
EMPTY = multistatus(response(CALENDAR, '<getetag>"c"</getetag>'))
ClientWith = Callable[..., Client]

READS: dict[str, Callable[[Client], object]] = {
    "discover": lambda client: client.discover(),
    "calendars": lambda client: client.calendars("/1/calendars/"),
    "changes": lambda client: client.changes(CALENDAR, token="t"),
    "listing": lambda client: client.listing(CALENDAR),
    "fetch": lambda client: client.fetch(CALENDAR, [EVENT]),
    "get": lambda client: client.get(EVENT),
}
WRITES: dict[str, Callable[[Client], object]] = {
    "create": lambda client: client.create(EVENT, BODY),
    "update": lambda client: client.update(EVENT, BODY, etag='"1"'),
    "delete": lambda client: client.delete(EVENT, etag='"1"'),
}


def fails_with(kind: type[Exception], act: Callable[[], object], *, within: float = 5.0) -> Exception:
    """Run `act`, which must raise exactly `kind`, in time, and return the error."""
    began = time.monotonic()
    with pytest.raises(errors.ICloudError) as caught:
        act()
    assert type(caught.value) is kind, repr(caught.value)
    assert time.monotonic() - began < within
    assert caught.value.__cause__ is None
    assert "secret words" not in str(caught.value)
    return caught.value
