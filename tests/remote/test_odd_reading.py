"""Listings, deltas and batches that no decent server answers: facts section 4, F27-F33, P6."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from icloud_sync import errors
from icloud_sync.remote import Client, Fetched
from tests.remote.stage import HTML_PAGE, Stage, answer, multistatus, response

HOME = "/1/calendars/"
CAL = "/1/calendars/home/"
C = 'xmlns="urn:ietf:params:xml:ns:caldav"'
SELF = response(CAL, '<getetag>"c"</getetag>')


def event(name: str, etag: str = '"1"', *, where: str = CAL) -> str:
    return response(f"{where}{name}", f"<getetag>{etag}</getetag>")


def with_data(name: str, text: str = "BEGIN:VCALENDAR", *, where: str = CAL) -> str:
    return response(f"{where}{name}", f'<getetag>"1"</getetag><calendar-data {C}>{text}</calendar-data>')


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
