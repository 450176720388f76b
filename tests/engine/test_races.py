"""Two things at once: a person acts while a worker is in the middle of it."""

from __future__ import annotations

from typing import Any

import pytest

from icloud_sync.models import EventState
from icloud_sync.remote.side import ICloudSide
from tests.stage import Stage, day


@pytest.mark.parametrize("when", ["before the first write", "before an update"])
def test_cancelled_while_its_write_is_being_prepared(stage: Stage, monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    ada = stage.person()
    calendar = stage.calendar(ada)
    ada.connect()
    appointment = stage.book(calendar, day(2, 9))
    if when == "before an update":
        ada.push()
        stage.edit(appointment, start=day(2, 15))
    drafted = ICloudSide.draft

    def cancel_then_draft(side: ICloudSide, *args: Any) -> Any:
        monkeypatch.setattr(ICloudSide, "draft", drafted)
        stage.cancel(appointment)
        return drafted(side, *args)

    monkeypatch.setattr(ICloudSide, "draft", cancel_then_draft)
    ada.push()
    assert ada.connection is not None
    assert ada.connection.claimed_until is None, "the account is given back"
    ada.sync(2)
    assert ada.phone.events("Home") == []
    assert [copy.state for copy in ada.copies()] == [EventState.GONE]
