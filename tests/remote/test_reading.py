"""What is in a calendar and what changed: facts section 4, F5, F23-F33, P6."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import pytest

from icloud_sync import errors
from icloud_sync.remote import Client, Fetched
from tests.fake_icloud import FakeICloud
from tests.remote.conftest import client_of
from tests.remote.stage import HTML_PAGE, Stage, answer, multistatus, response

HOME = "/1/calendars/"
CAL = "/1/calendars/home/"
C = 'xmlns="urn:ietf:params:xml:ns:caldav"'
SELF = response(CAL, '<getetag>"c"</getetag>')


def event(name: str, etag: str = '"1"', *, where: str = CAL) -> str:
    return response(f"{where}{name}", f"<getetag>{etag}</getetag>")


def with_data(name: str, text: str = "BEGIN:VCALENDAR", *, where: str = CAL) -> str:
    return response(f"{where}{name}", f'<getetag>"1"</getetag><calendar-data {C}>{text}</calendar-data>')


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


# -- answers no decent server gives -------------------------------------------------------------------------------


def changed(
    stage: Stage, client: Client, *rows: str, token: str | None = "t2"
) -> tuple[dict[str, str | None], set[str]]:
    stage.play(answer(207, multistatus(*rows, token=token)))
    delta = client.changes(CAL, token="t1")
    return delta.changed, delta.removed


def test_f30_an_answer_without_a_token_can_be_used_once(stage: Stage, client: Client) -> None:
    stage.play(answer(207, multistatus(SELF, event("a.ics"))))
    delta = client.changes(CAL, token="t1")
    assert (set(delta.changed), delta.token) == ({CAL + "a.ics"}, None)


def test_f29_only_404_and_410_mean_gone(stage: Stage, client: Client) -> None:
    rows = [
        response(CAL + "404.ics", status="404 Not Found"),
        response(CAL + "410.ics", status="410 Gone"),
        response(CAL + "403.ics", status="403 Forbidden"),
        response(CAL + "500.ics", status="500 Oops"),
        response(CAL + "none.ics", missing="<getetag/>"),
        response(CAL + "201.ics", status="201 Created"),
    ]
    found, removed = changed(stage, client, *rows)
    assert removed == {CAL + "404.ics", CAL + "410.ics"}
    assert found == {CAL + name: None for name in ("403.ics", "500.ics", "none.ics", "201.ics")}


def test_f33_what_comes_later_wins(stage: Stage, client: Client) -> None:
    gone = response(CAL + "a.ics", status="404 Not Found")
    assert changed(stage, client, event("a.ics", '"1"'), event("a.ics", '"2"')) == ({CAL + "a.ics": '"2"'}, set())
    assert changed(stage, client, event("a.ics"), gone) == ({}, {CAL + "a.ics"})
    assert changed(stage, client, gone, event("a.ics")) == ({CAL + "a.ics": '"1"'}, set())


def test_the_collection_is_no_event_however_it_is_written(stage: Stage, client: Client) -> None:
    own = [SELF, event("", where=CAL), response(CAL.rstrip("/"), '<getetag>"c"</getetag>'), event("sub/")]
    full = response(stage.url.rstrip("/") + CAL, '<getetag>"c"</getetag>')
    assert changed(stage, client, *own, full) == ({}, set())


def test_hrefs_are_known_by_their_decoded_path(stage: Stage, client: Client) -> None:
    rows = [event("caf%C3%A9.ics"), event("a%40b.ics"), event("x.ics", where=stage.url.rstrip("/") + CAL)]
    assert set(changed(stage, client, *rows)[0]) == {CAL + "café.ics", CAL + "a@b.ics", CAL + "x.ics"}


def test_an_href_that_no_request_could_name_is_passed_over(stage: Stage, client: Client) -> None:
    rows = [event("../../x.ics"), event("%2e%2e/x.ics"), event("/x.ics"), event("ok.ics")]
    assert set(changed(stage, client, *rows)[0]) == {CAL + "ok.ics"}


@pytest.mark.parametrize(("given", "etag"), [("ldp3", '"ldp3"'), ('W/"x"', 'W/"x"'), ("", None), ("a b", None)])
def test_etags_come_as_they_are(stage: Stage, client: Client, given: str, etag: str | None) -> None:
    assert changed(stage, client, event("a.ics", given))[0] == {CAL + "a.ics": etag}
    stage.play(answer(207, multistatus(SELF, event("a.ics", given))))
    assert client.listing(CAL) == {CAL + "a.ics": etag or ""}


@pytest.mark.parametrize("status", [400, 403, 409, 410, 412])
def test_fact_4_6_each_refusal_of_the_report_may_mean_a_lost_token(stage: Stage, client: Client, status: int) -> None:
    stage.play(answer(status))
    with pytest.raises(errors.TokenLost):
        client.changes(CAL, token="t1")


@pytest.mark.parametrize("status", [400, 403, 412])
def test_a_token_may_be_lost_between_two_pages(stage: Stage, client: Client, status: int) -> None:
    cut = response(CAL, status="507 Insufficient Storage")
    stage.play(answer(207, multistatus(event("a.ics"), cut, token="t2")), answer(status))
    with pytest.raises(errors.TokenLost):
        client.changes(CAL, token="t1")


def test_a_507_for_the_whole_answer_means_more(stage: Stage, client: Client) -> None:
    stage.play(
        answer(507, multistatus(event("a.ics"), token="t2")), answer(207, multistatus(event("b.ics"), token="t3"))
    )
    delta = client.changes(CAL, token="t1")
    assert (set(delta.changed), delta.token) == ({CAL + "a.ics", CAL + "b.ics"}, "t3")
    for page in (b"", HTML_PAGE):
        stage.play(answer(507, page))
        with pytest.raises((errors.ServerFault, errors.BadAnswer)):
            client.changes(CAL, token="t1")


def test_endless_pages_end(stage: Stage, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("icloud_sync.remote.reading._MOST_PAGES", 5)
    cut = response(CAL, status="507 Insufficient Storage")
    stage.play(*(answer(207, multistatus(event("a.ics"), cut, token=f"t{number}")) for number in range(9)))
    delta = client.changes(CAL, token="x")
    assert (delta.token, delta.complete, client.requests) == (None, False, 5)


def test_p6_a_listing_that_was_cut_short_is_no_listing(stage: Stage, client: Client) -> None:
    stage.play(answer(207, multistatus(SELF, event("a.ics"), response(CAL, status="507 Insufficient Storage"))))
    with pytest.raises(errors.BadAnswer):
        client.listing(CAL)


def test_p6_a_member_that_could_not_be_read_is_still_there(stage: Stage, client: Client) -> None:
    rows = [SELF, response(CAL + "a.ics", status="500 X"), response(CAL + "b.ics", missing="<getetag/>")]
    stage.play(answer(207, multistatus(*rows, response(CAL + "c.ics", status="404 Not Found"))))
    assert client.listing(CAL) == {CAL + "a.ics": "", CAL + "b.ics": ""}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (404, errors.CollectionMissing),
        (410, errors.CollectionMissing),
        (403, errors.AccessRefused),
        (503, errors.ServerFault),
    ],
)
def test_p6_a_calendar_that_says_of_itself_that_it_is_not_there_is_not_empty(
    stage: Stage, client: Client, status: int, expected: type
) -> None:
    """Xandikos puts the 404 of the collection into a 207."""
    for href in (CAL, CAL.rstrip("/")):
        stage.play(answer(207, multistatus(response(href, status=f"{status} X"), token="t")))
        for read in (client.listing, client.calendars, lambda path: client.changes(path, token=None)):
            with pytest.raises(expected):
                read(CAL)


def test_an_empty_calendar_is_empty(stage: Stage, client: Client) -> None:
    stage.play(answer(207, multistatus(SELF)))
    assert client.listing(CAL) == {}


A, B = CAL + "a.ics", CAL + "b.ics"


def test_a_batch_too_large_for_us_is_halved_down_to_one(stage: Stage, client_with: Callable[..., Client]) -> None:
    big = answer(207, multistatus(with_data("a.ics", "x" * 3000), with_data("b.ics", "y" * 3000)))
    stage.play(
        big,
        answer(207, multistatus(with_data("a.ics", "x" * 10))),
        big,
        answer(200, b"BEGIN:VCALENDAR" + b"y" * 3000, content_type="text/calendar"),
    )
    fetched = client_with(max_bytes=2000).fetch(CAL, [A, B])
    assert [(found.status, found.body) for found in fetched] == [(200, b"x" * 10), (413, None)]
    assert [heard.method for heard in stage.requests] == ["REPORT", "REPORT", "REPORT", "GET"]


@pytest.mark.parametrize("status", [400, 413, 507])
def test_a_batch_that_is_too_much_for_the_server_ends_in_single_gets(stage: Stage, client: Client, status: int) -> None:
    stage.play(*[answer(status)] * 2, answer(200, b"BEGIN:VCALENDAR"), answer(status), answer(404))
    assert [(found.path, found.status) for found in client.fetch(CAL, [A, B])] == [(A, 200), (B, 404)]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (403, errors.AccessRefused),
        (404, errors.CollectionMissing),
        (410, errors.CollectionMissing),
        (500, errors.ServerFault),
        (429, errors.Throttled),
    ],
)
def test_trouble_with_the_whole_batch_is_not_tried_in_pieces(
    stage: Stage, client: Client, status: int, expected: type
) -> None:
    stage.play(answer(status))
    with pytest.raises(expected):
        client.fetch(CAL, [A, B])
    assert len(stage.requests) == 1


def statuses(found: list[Fetched]) -> list[int]:
    return [one.status for one in found]


def test_an_odd_member_gets_one_get_and_keeps_its_status(stage: Stage, client: Client) -> None:
    odd = {
        "no data": response(A, '<getetag>"1"</getetag>', missing=f"<calendar-data {C}/>"),
        "empty data": with_data("a.ics", "  "),
        "nothing found": response(A, missing=f"<getetag/><calendar-data {C}/>"),
        "503": response(A, status="503 X"),
    }
    for row in odd.values():
        stage.play(answer(207, multistatus(row, with_data("b.ics"))), answer(403))
        assert statuses(client.fetch(CAL, [A, B])) == [403, 200]
        stage.play(answer(207, multistatus(row, with_data("b.ics"))), answer(410))
        assert statuses(client.fetch(CAL, [A, B])) == [404, 200]
        stage.play(answer(207, multistatus(row, with_data("b.ics"))), answer(500))
        assert statuses(client.fetch(CAL, [A, B])) == [500, 200]


def test_a_batch_of_odd_members_is_not_asked_for_one_by_one(stage: Stage, client: Client) -> None:
    paths = [f"{CAL}{number}.ics" for number in range(20)]
    stage.play(answer(207, multistatus(*(response(path, status="503 X") for path in paths))), answer(500))
    assert set(statuses(client.fetch(CAL, paths))) == {500, 503}
    assert len(stage.requests) == 1 + 5


def test_being_asked_to_wait_ends_the_fetch(stage: Stage, client: Client) -> None:
    stage.play(answer(207, multistatus(response(A, status="503 X"))), answer(429, headers=[("Retry-After", "9")]))
    with pytest.raises(errors.Throttled):
        client.fetch(CAL, [A])


def test_fact_4_9_what_the_answer_leaves_out_is_not_gone(stage: Stage, client: Client) -> None:
    stage.play(answer(207, multistatus(with_data("b.ics"))))
    assert statuses(client.fetch(CAL, [A, B])) == [0, 200]
    assert len(stage.requests) == 1


def test_an_answer_about_somebody_else_is_cleared_up_by_a_get(stage: Stage, client: Client) -> None:
    stage.play(
        answer(207, multistatus(with_data("b.ics"), with_data("zzz.ics", where="/2/x/"))), answer(200, b"BEGIN:")
    )
    assert statuses(client.fetch(CAL, [A, B])) == [200, 200]
    assert stage.requests[-1].target == A


def test_the_last_segment_counts_only_where_it_is_clear(stage: Stage, client: Client) -> None:
    one, two = CAL + "x.ics", "/1/calendars/work/x.ics"
    stage.play(answer(207, multistatus(with_data("x.ics", where="/9/z/"))), answer(404))
    assert statuses(client.fetch(CAL, [one, two])) == [404, 404]


def test_the_exact_path_wins_over_the_last_segment(stage: Stage, client: Client) -> None:
    rows = [with_data("a.ics", "theirs", where="/9/z/"), with_data("a.ics", "ours")]
    stage.play(answer(207, multistatus(*rows)))
    assert [found.body for found in client.fetch(CAL, [A])] == [b"ours"]


@pytest.mark.parametrize("text", [HTML_PAGE, b"", b"  \r\n"])
def test_f27_a_page_is_no_event(stage: Stage, client: Client, text: bytes) -> None:
    stage.play(answer(200, text, content_type="text/html"))
    with pytest.raises(errors.BadAnswer):
        client.get(A)


def test_p14_an_event_may_look_like_a_page(stage: Stage, client: Client) -> None:
    stage.play(answer(200, b"<oops>", content_type="text/calendar; charset=utf-8"))
    assert client.get(A).body == b"<oops>"
