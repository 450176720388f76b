"""The same client against two servers that nobody here wrote: Radicale and Xandikos."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from icloud_sync import errors
from icloud_sync.remote import Client
from icloud_sync.secret import Secret
from tests.peers import Peer, start_radicale, start_xandikos

pytestmark = pytest.mark.servers


def body(uid: str, summary: str = "x") -> bytes:
    return (
        f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20260101T000000Z\r\n"
        f"DTSTART:20260301T090000Z\r\nDTEND:20260301T100000Z\r\nSUMMARY:{summary}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    ).encode()


@pytest.fixture(params=[start_radicale, start_xandikos], ids=["radicale", "xandikos"])
def peer(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Peer]:
    with request.param(tmp_path) as peer:
        yield peer


@pytest.fixture
def radicale(tmp_path: Path) -> Iterator[Peer]:
    with start_radicale(tmp_path) as peer:
        yield peer


def client_of(peer: Peer, **config: object) -> Client:
    return Client(peer.config(**config), apple_id=peer.apple_id, password=Secret(peer.password))


def test_discovery_and_calendars(peer: Peer) -> None:
    path = peer.make_calendar("Work Plans", color="#11aa33FF")
    with client_of(peer) as client:
        account = client.discover()
        (calendar,) = client.calendars(account.home, principal=account.principal)
        assert client.requests == 3
    assert account.principal in account.addresses
    assert (calendar.path, calendar.name, calendar.color) == (path, "Work Plans", "#11AA33")
    assert (calendar.kind, calendar.writable, calendar.components) == ("own", True, {"VEVENT"})


def test_t1_the_mark_moves_with_the_calendar_and_costs_one_request(peer: Peer) -> None:
    home, work = peer.make_calendar("Home"), peer.make_calendar("Work")
    with client_of(peer) as client:
        first = {calendar.path: calendar.mark for calendar in client.calendars(peer.home)}
        peer.phone.put(work + "a.ics", body("a"))
        second = {calendar.path: calendar.mark for calendar in client.calendars(peer.home)}
        assert client.requests == 2
    assert first[home] == second[home] != ""
    assert first[work] != second[work]


def test_changes_listing_and_bodies(peer: Peer) -> None:
    work = peer.make_calendar("Work")
    for number in range(5):
        peer.phone.put(f"{work}{number}.ics", body(f"u{number}"))
    with client_of(peer, multiget_size=2) as client:
        start = client.changes(work, token=None)
        assert start.complete
        assert set(start.changed) == {f"{work}{number}.ics" for number in range(5)}
        assert client.listing(work) == start.changed
        fetched = client.fetch(work, sorted(start.changed))
        assert [found.status for found in fetched] == [200] * 5
        assert {found.path: found.etag for found in fetched} == start.changed
        assert b"UID:u3" in (fetched[3].body or b"")
        peer.phone.put(f"{work}1.ics", body("u1", "edited"))
        peer.phone.delete(f"{work}2.ics")
        peer.phone.put(f"{work}new.ics", body("new"))
        delta = client.changes(work, token=start.token)
        assert (set(delta.changed), delta.removed) == ({f"{work}1.ics", f"{work}new.ics"}, {f"{work}2.ics"})
        assert client.changes(work, token=delta.token).changed == {}
        assert [found.status for found in client.fetch(work, [f"{work}2.ics", f"{work}1.ics"])] == [404, 200]


def test_writes_are_conditional(peer: Peer) -> None:
    path = peer.make_calendar("Work") + "u1.ics"
    with client_of(peer) as client:
        first = client.create(path, body("u1")) or client.get(path).etag or ""
        with pytest.raises(errors.ItemChanged):
            client.create(path, body("u1"))
        second = client.update(path, body("u1", "mine"), etag=first) or client.get(path).etag or ""
        peer.phone.put(path, body("u1", "theirs"))
        for act in (lambda: client.update(path, body("u1"), etag=second), lambda: client.delete(path, etag=second)):
            with pytest.raises(errors.ItemChanged):
                act()
        assert b"theirs" in (peer.phone.get(path) or b"")
        client.delete(path, etag=client.get(path).etag or "")
        with pytest.raises(errors.ItemMissing):
            client.get(path)
        with pytest.raises(errors.ItemMissing):
            client.delete(path, etag=second)
    assert not [method for method, _ in peer.requests if method not in {"PUT", "GET", "DELETE"}]


def test_a_uid_that_exists_is_a_conflict(peer: Peer) -> None:
    work = peer.make_calendar("Work")
    peer.phone.put(work + "theirs.ics", body("u1"))
    with client_of(peer) as client, pytest.raises(errors.UidConflict):
        client.create(work + "ours.ics", body("u1"))


def test_lost_tokens_and_lost_calendars_are_told_apart(peer: Peer) -> None:
    work = peer.make_calendar("Work")
    with client_of(peer) as client:
        with pytest.raises(errors.TokenLost):
            client.changes(work, token="no-such-token")
        peer.delete_calendar(work)
        fetch = lambda path: client.fetch(path, [path + "a.ics"])  # noqa: E731
        for read in (client.listing, lambda path: client.changes(path, token=None), fetch):
            with pytest.raises(errors.CollectionMissing):
                read(work)


def test_a_wrong_password_is_told_once(peer: Peer) -> None:
    wrong = Client(peer.config(), apple_id=peer.apple_id, password=Secret("aaaa-bbbb-cccc-dddd"))
    for act in (wrong.discover, wrong.discover):
        with pytest.raises(errors.PasswordRejected):
            act()
    assert wrong.requests == 1


def test_unusual_names_survive_the_round_trip(peer: Peer) -> None:
    work = peer.make_calendar("Work")
    names = ["a b.ics", "a@b+c.ics", "100%.ics", "x&y.ics", "semi;colon.ics"]
    if peer.home.startswith("/ada@"):
        names.append("café é.ics")  # under WSGI Xandikos writes to one such name and reads from another
    for number, name in enumerate(names):
        peer.phone.put(work + name, body(f"u{number}"))
    with client_of(peer) as client:
        found = client.changes(work, token=None).changed
        assert len(found) == len(names)
        assert {one.status for one in client.fetch(work, list(found))} == {200}
        for path, etag in found.items():
            assert client.get(path).etag == etag


def test_k3_k6_rights_reminders_and_subscriptions(radicale: Peer) -> None:
    own, team = radicale.make_calendar("Own"), radicale.make_calendar("Team", writable=False)
    radicale.make_calendar("Tasks", component="VTODO")
    radicale.subscribe("Holidays", "https://feeds.example/private.ics")
    with client_of(radicale) as client:
        found = {one.name: (one.kind, one.writable) for one in client.calendars(radicale.home)}
        assert found == {"Own": ("own", True), "Team": ("own", False), "Holidays": ("subscribed", False)}
        with pytest.raises(errors.ItemRefused) as caught:
            client.create(team + "a.ics", body("a"))
        assert caught.value.status == 403
        radicale.set_writable(own, writable=False)
        assert not {one.path: one.writable for one in client.calendars(radicale.home)}[own]


def test_discovery_from_any_path(radicale: Peer) -> None:
    with client_of(radicale, url=radicale.url + "ada%40icloud.example/") as client:
        assert client.discover().principal == "/ada@icloud.example/"


@pytest.mark.parametrize("start", [start_radicale, start_xandikos])
def test_the_starters_can_be_used_twice(start: Callable[[Path], Peer], tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with start(tmp_path / "a") as one, start(tmp_path / "b") as two:
        path = one.make_calendar("Work")
        assert one.url != two.url
        with client_of(two) as client, pytest.raises(errors.CollectionMissing):
            client.listing(path)
