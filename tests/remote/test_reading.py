"""What is in a calendar and what changed: facts section 4, F5, F23-F33, P6."""

from __future__ import annotations

from typing import Literal

import pytest

from icloud_sync import errors
from tests.fake_icloud import FakeICloud
from tests.remote.conftest import client_of


def body(number: int) -> bytes:
    return (
        f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//\r\nBEGIN:VEVENT\r\nUID:u{number}\r\nDTSTAMP:20260101T000000Z\r\n"
        f"DTSTART:20260301T090000Z\r\nDTEND:20260301T100000Z\r\nSUMMARY:é {number}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    ).encode()


# -- on an iCloud-like server -------------------------------------------------------------------------------------


class World:
    """One account with one calendar on the iCloud-like server."""

    def __init__(self, apple: FakeICloud, events: int = 0) -> None:
        self.account = apple.account("ada@icloud.example", calendars=("Home",))
        self.calendar = self.account.calendar("Home")
        self.calendar.load([(f"{number}.ics", body(number)) for number in range(events)])
        self.path = self.calendar.path
        self.client = client_of(apple, self.account)
        self.client.calendars(self.account.home_url)

    def paths(self, *numbers: int) -> list[str]:
        return [f"{self.path}{number}.ics" for number in numbers]


def test_the_initial_delta_is_the_whole_calendar(apple: FakeICloud) -> None:
    world = World(apple, events=3)
    delta = world.client.changes(world.path, token=None)
    assert delta.complete
    assert delta.changed == {path: world.calendar.etag(path.rpartition("/")[2]) for path in world.paths(0, 1, 2)}
    assert delta.removed == set()
    assert delta.token
    assert world.client.changes(world.path, token="").changed == delta.changed
    assert world.client.listing(world.path) == delta.changed


def test_a_delta_holds_what_was_made_edited_and_deleted(apple: FakeICloud) -> None:
    """Fact 4.3: also the 404 of an event nobody has ever seen."""
    world = World(apple, events=3)
    token = world.client.changes(world.path, token=None).token
    assert world.client.changes(world.path, token=token).changed == {}
    world.calendar.put("new.ics", body(9))
    world.account.phone.by_uid("u1").edit(title="Edited")
    world.account.phone.by_uid("u2").delete()
    made = world.account.phone.create("Home", title="Brief", **brief())
    gone = made.href
    made.delete()
    delta = world.client.changes(world.path, token=token)
    assert set(delta.changed) == {world.path + "new.ics", *world.paths(1)}
    assert delta.removed == {*world.paths(2), gone}
    assert not delta.complete
    assert world.client.changes(world.path, token=delta.token).changed == {}


def brief() -> dict[str, object]:
    from datetime import UTC, datetime

    return {"start": datetime(2026, 3, 1, 9, tzinfo=UTC), "end": datetime(2026, 3, 1, 10, tzinfo=UTC)}


@pytest.mark.parametrize("way", ["rfc", "bare403", "410", "412"])
def test_f5_a_lost_token_is_told_apart_from_a_lost_calendar(apple: FakeICloud, way: str) -> None:
    world = World(apple, events=2)
    token = world.client.changes(world.path, token=None).token
    apple.flags.token_error = way
    world.calendar.forget_tokens()
    for lost in (token, "garbage"):
        with pytest.raises(errors.TokenLost):
            world.client.changes(world.path, token=lost)
    assert len(world.client.listing(world.path)) == 2
    with pytest.raises(errors.CollectionMissing):
        world.client.changes(world.account.home_path + "nowhere/", token=token)


def test_an_old_token_may_just_return_everything(apple: FakeICloud) -> None:
    """Fact 4.6: deleted events are not mentioned then, so it proves nothing."""
    world = World(apple, events=2)
    token = world.client.changes(world.path, token=None).token
    apple.flags.token_error = "relist"
    world.calendar.forget_tokens()
    delta = world.client.changes(world.path, token=token)
    assert len(delta.changed) == 2
    assert not delta.complete


@pytest.mark.parametrize("mode", ["continue", "http507"])
def test_pages_are_followed_to_the_end(apple: FakeICloud, mode: Literal["continue", "http507"]) -> None:
    """Fact 4.5."""
    world = World(apple, events=10)
    apple.flags.truncate_at, apple.flags.truncate_mode = 3, mode
    delta = world.client.changes(world.path, token=None)
    assert set(delta.changed) == set(world.paths(*range(10)))
    assert delta.complete
    assert world.client.changes(world.path, token=delta.token).changed == {}


def test_f30_a_token_that_does_not_move_ends_the_pages(apple: FakeICloud) -> None:
    world = World(apple)
    token = world.client.changes(world.path, token=None).token
    world.calendar.load([(f"{number}.ics", body(number)) for number in range(10)])
    apple.flags.truncate_at, apple.flags.truncate_mode = 3, "stuck"
    before = world.client.requests
    delta = world.client.changes(world.path, token=token)
    assert (delta.token, delta.complete) == (None, False)
    assert world.client.requests - before <= 3


def test_f33_duplicates_and_the_collection_itself_are_no_events(apple: FakeICloud) -> None:
    """Facts 4.3, 4.10."""
    world = World(apple, events=2)
    apple.flags.duplicate_hrefs = True
    token = world.client.changes(world.path, token=None).token
    world.account.phone.by_uid("u1").edit(title="Edited")
    delta = world.client.changes(world.path, token=token)
    assert delta.changed == {world.paths(1)[0]: world.calendar.etag("1.ics")}


def test_many_events_come_in_batches_in_the_order_asked(apple: FakeICloud) -> None:
    """Fact 4.19."""
    world = World(apple, events=120)
    wanted = [path for number in range(119, -1, -1) for path in world.paths(number)]
    before = world.client.requests
    fetched = world.client.fetch(world.path, wanted)
    assert [found.path for found in fetched] == wanted
    assert world.client.requests - before == 3
    assert all(found.status == 200 and found.etag and found.body for found in fetched)
    assert fetched[0].body is not None
    assert fetched[0].body.replace(b"\r\n", b"\n") == body(119).replace(b"\r\n", b"\n")
    assert world.client.fetch(world.path, []) == []
    apple.assert_polite()


def test_a_path_asked_twice_is_fetched_once(apple: FakeICloud) -> None:
    world = World(apple, events=1)
    assert [found.status for found in world.client.fetch(world.path, world.paths(0, 0))] == [200, 200]
    assert apple.requests[-1].body.count(b"<D:href>") == 1


@pytest.mark.parametrize("limit", [1, 7, 20])
def test_p3_a_server_that_takes_fewer_at_once_gets_fewer(apple: FakeICloud, limit: int) -> None:
    world = World(apple, events=50)
    apple.flags.multiget_max = limit
    assert {found.status for found in world.client.fetch(world.path, world.paths(*range(50)))} == {200}


def test_a_missing_event_does_not_spoil_its_batch(apple: FakeICloud) -> None:
    """Facts 4.9, 4.19: a 404 is a proof, silence is not."""
    world = World(apple, events=3)
    world.account.phone.by_uid("u1").delete()
    assert [found.status for found in world.client.fetch(world.path, world.paths(0, 1, 2))] == [200, 404, 200]


@pytest.mark.parametrize("mode", ["multiget_member_503", "multiget_member_403"])
def test_f29_one_odd_member_is_asked_for_by_itself(apple: FakeICloud, mode: str) -> None:
    world = World(apple, events=3)
    setattr(apple.flags, mode, True)
    fetched = world.client.fetch(world.path, world.paths(0, 1, 2))
    assert [found.status for found in fetched] == [200, 200, 200]


def test_hrefs_under_the_owners_name_are_matched_by_their_last_segment(apple: FakeICloud) -> None:
    """Fact 4.19: vdirsyncer #800."""
    ada = apple.account("ada@icloud.example")
    eve = apple.account("eve@icloud.example", calendars=("Team",))
    shared = eve.share("Team", to=ada, access="rw")
    eve.calendar("Team").load([(f"{number}.ics", body(number)) for number in range(3)])
    apple.flags.multiget_other_href = True
    with client_of(apple, ada) as client:
        paths = [f"{shared.path}{number}.ics" for number in range(3)]
        fetched = client.fetch(shared.path, paths)
    assert [(found.path, found.status) for found in fetched] == [(path, 200) for path in paths]


def test_a_single_event_is_there_or_proved_gone(apple: FakeICloud) -> None:
    world = World(apple, events=1)
    (path,) = world.paths(0)
    found = world.client.get(path)
    assert (found.status, found.etag, found.body) == (200, world.calendar.etag("0.ics"), body(0))
    world.account.phone.by_uid("u0").delete()
    with pytest.raises(errors.ItemMissing):
        world.client.get(path)


def test_another_persons_calendar_is_refused_not_lost(apple: FakeICloud) -> None:
    """Fact 2.6: 403 is never the password."""
    world = World(apple)
    other = apple.account("eve@icloud.example", calendars=("Home",))
    for read in (world.client.listing, lambda path: world.client.fetch(path, [path + "a.ics"])):
        with pytest.raises(errors.AccessRefused):
            read(other.calendar("Home").path)


@pytest.mark.parametrize("profile", ["probed", "reported", "hostile"])
def test_every_profile_can_be_read(apple: FakeICloud, profile: str) -> None:
    apple.reset(profile)
    world = World(apple, events=7)
    apple.clock.advance(3600)
    delta = world.client.changes(world.path, token=None)
    fetched = world.client.fetch(world.path, list(delta.changed))
    assert {found.path for found in fetched} == set(world.paths(*range(7)))
    assert {found.status for found in fetched} == {200}
    assert set(world.client.listing(world.path)) == set(delta.changed)
    assert apple.violations == []
