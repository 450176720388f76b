"""The account's calendars, under every profile (rules K3-K7; emulator section 9, Calendar list)."""

from __future__ import annotations

import pytest

from icloud_sync.errors import SubscriptionNotSupported, WriterAccessRequired
from icloud_sync.models import EventState, ICloudCalendar
from tests.stage import Stage, day

pytestmark = pytest.mark.icloud_all_profiles


def test_what_is_listed_and_what_may_be_chosen(stage: Stage) -> None:
    ada = stage.person()
    team = stage.icloud.account("ben@icloud.example", name="Ben", calendars=("Team", "Plans"))
    team.share("Team", to=ada.account, access="ro")
    team.share("Plans", to=ada.account, access="rw")
    ada.account.subscribe("Bank Holidays")
    for name in ("", "Café 🗓", "<b>Home</b> & co"):
        ada.account.add_calendar(name or None)
    ada.connect(primary=None)
    listed = {row.name: (row.kind, row.writable) for row in ICloudCalendar.objects.all()}
    assert len(listed) == 8, "no reminders, inbox, outbox or notifications"
    assert listed["Team"] == ("shared", False)
    assert listed["Plans"] == ("shared", True)
    assert listed["Bank Holidays"] == ("subscribed", False)
    assert listed["Café 🗓"] == listed["<b>Home</b> & co"] == ("own", True)
    assert all(listed), "one without a name has that of its address"
    for name, error in (("Team", WriterAccessRequired), ("Bank Holidays", SubscriptionNotSupported)):
        with pytest.raises(error):
            ada.choose(primary=name)
    with pytest.raises(SubscriptionNotSupported):
        ada.choose(conflicts=("Bank Holidays",))
    ada.choose(primary="Home", conflicts=("Home", "Team"))
    team.phone.create("Team", title="Meeting", start=day(2, 9), end=day(2, 10))
    ada.sync(3)
    assert [(slot.title, slot.place) for slot in ada.blocks] == [("Meeting", "Team")]


def test_a_share_that_loses_and_regains_writers_access(stage: Stage) -> None:
    ada = stage.person()
    calendar = stage.calendar(ada)
    team = stage.icloud.account("ben@icloud.example", name="Ben", calendars=("Team",))
    team.share("Team", to=ada.account, access="rw")
    ada.connect(primary="Team")
    stage.book(calendar, day(2, 9))
    ada.sync(3)
    team.change_calendar_access("Team", to=ada.account, access="ro")
    stage.book(calendar, day(3, 9), name="Mary Somerville")
    ada.sync(3)
    assert ada.flags == {"primary_lost"}
    assert [copy.state for copy in ada.copies()] == [EventState.WRITTEN, EventState.PENDING]
    assert ada.journal().count("rights_lost") + ada.journal().count("write_failed") <= 1
    puts = sum(record.method == "PUT" for record in stage.icloud.requests)
    ada.sync(2)
    assert sum(record.method == "PUT" for record in stage.icloud.requests) == puts, "it is not tried in vain"
    team.change_calendar_access("Team", to=ada.account, access="rw")
    ada.sync(2)
    assert ada.flags == set()
    assert [event.summary for event in team.phone.events("Team")] == ["Grace Hopper", "Mary Somerville"]


@pytest.mark.icloud(destructive="the user deletes a calendar")
def test_a_calendar_that_is_renamed_recoloured_unshared_or_deleted(stage: Stage) -> None:
    ada = stage.person()
    calendar = stage.calendar(ada)
    team = stage.icloud.account("ben@icloud.example", name="Ben", calendars=("Team",))
    team.share("Team", to=ada.account, access="ro")
    ada.connect(conflicts=("Home", "Work", "Team"))
    stage.book(calendar, day(2, 9))
    for number, name in enumerate(("Home", "Work")):
        ada.phone.create(name, title=f"In {name}", start=day(3 + number, 9), end=day(3 + number, 10))
    team.phone.create("Team", title="In Team", start=day(5, 9), end=day(5, 10))
    ada.sync(4)
    work = ada.calendar("Work")
    ada.account.rename_calendar("Work", "Office")
    ada.account.recolor_calendar("Office", "#112233FF")
    team.unshare("Team", to=ada.account)
    ada.sync(2)
    work.refresh_from_db()
    assert (work.name, work.color, work.checks_conflicts) == ("Office", "#112233", True)
    assert sorted(slot.place for slot in ada.blocks) == ["Home", "Office", "Team"], "blocks of what went are kept"
    assert ada.calendar("Team").gone_at is not None
    ada.account.delete_calendar("Home")
    ada.sync(3)
    assert "primary_lost" in ada.flags
    assert sorted(slot.title for slot in ada.blocks) == ["In Home", "In Team", "In Work"]
    (copy,) = ada.copies()
    assert copy.state == EventState.WRITTEN, "gone with its calendar, not deleted"
    ada.choose(primary="Office")
    ada.sync(2)
    assert [event.summary for event in ada.phone.events("Office")] == ["Grace Hopper", "In Work"]
    assert "primary_lost" not in ada.flags
