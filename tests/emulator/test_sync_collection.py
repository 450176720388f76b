"""sync-collection: emulator section 6, facts 4.1-4.10."""

from __future__ import annotations

import pytest

from tests.emulator.raw import Answer, Raw, sync_body, text
from tests.fake_icloud import FakeICloud
from tests.fake_icloud.account import Account
from tests.fake_icloud.state import Calendar


@pytest.fixture
def calendar(ada: Account) -> Calendar:
    """Home with three events a, b, c."""
    place = ada.calendar("Home")
    place.load([(f"{name}.ics", text(name, summary=name).encode()) for name in "abc"])
    return place


def members(answer: Answer, home: str) -> list[str]:
    return [href.removeprefix(home) for href in answer.hrefs]


def test_sync_level_is_required(raw: Raw, home: str) -> None:
    assert raw.ask("REPORT", home, sync_body("", level="")).status == 400


@pytest.mark.parametrize("depth", ["0", "1"])
def test_an_empty_token_lists_everything_and_the_collection_itself(
    raw: Raw, home: str, calendar: Calendar, depth: str
) -> None:
    answer = raw.ask("REPORT", home, sync_body(""), headers={"Depth": depth})
    assert members(answer, home) == ["", "a.ics", "b.ics", "c.ics"]
    assert answer.found(home, "d:getetag")
    assert answer.found(home + "a.ics", "d:getetag") == calendar.etag("a.ics")
    assert answer.token == calendar.token
    assert answer.xml[-1].tag == "{DAV:}sync-token", "the token is the last child"


def test_calendar_data_is_never_in_it(raw: Raw, home: str, calendar: Calendar) -> None:
    answer = raw.sync(home, props="<d:getetag/><c:calendar-data/>")
    assert answer.missing(home + "a.ics", "c:calendar-data")


def test_nothing_changed_is_an_answer_without_responses(raw: Raw, home: str, calendar: Calendar) -> None:
    token = raw.sync(home).token
    answer = raw.sync(home, token or "")
    assert answer.hrefs == []
    assert answer.token == token


def test_changes_come_once_each_with_the_collection_first(
    raw: Raw, ada: Account, home: str, calendar: Calendar
) -> None:
    token = raw.sync(home).token or ""
    ada.phone.find("b").edit(title="b2").edit(title="b3")
    answer = raw.sync(home, token)
    assert members(answer, home) == ["", "b.ics"]
    assert answer.found(home + "b.ics", "d:getetag") == calendar.etag("b.ics")


def test_removed_and_short_lived_names_are_404(raw: Raw, ada: Account, home: str, calendar: Calendar) -> None:
    token = raw.sync(home).token or ""
    ada.phone.find("a").delete()
    ada.phone.create("Home", title="brief", start=ada.world.clock.moment(), name="brief.ics").delete()
    answer = raw.sync(home, token)
    assert set(members(answer, home)) == {"", "a.ics", "brief.ics"}
    for name in ("a.ics", "brief.ics"):
        assert answer.status_of(home + name) == "HTTP/1.1 404 Not Found"


def test_a_limit_is_ignored(raw: Raw, home: str, calendar: Calendar) -> None:
    answer = raw.sync(home, extra="<d:limit><d:nresults>1</d:nresults></d:limit>")
    assert len(answer.hrefs) == 4


def foreign_token(calendar: Calendar, ada: Account) -> str:
    return ada.calendar("Work").issue(0)


def test_a_lost_token_is_refused_in_the_exact_words(raw: Raw, home: str, calendar: Calendar, ada: Account) -> None:
    for token in ("garbage", foreign_token(calendar, ada), calendar.token_at(99)):
        answer = raw.sync(home, token)
        assert answer.status == 403
        expected = b"<?xml version='1.0' encoding='UTF-8'?>\n<error xmlns='DAV:'>\n<valid-sync-token/>\n</error>"
        assert answer.body == expected


@pytest.mark.parametrize(("flag", "status"), [("bare403", 403), ("410", 410), ("412", 412)])
def test_other_ways_to_lose_a_token(
    server: FakeICloud, raw: Raw, home: str, calendar: Calendar, flag: str, status: int
) -> None:
    server.flags.token_error = flag  # type: ignore[assignment]
    answer = raw.sync(home, "garbage")
    assert (answer.status, answer.body) == (status, b"")


def test_relist_answers_everything_and_keeps_silent_about_deletions(
    server: FakeICloud, raw: Raw, ada: Account, home: str, calendar: Calendar
) -> None:
    server.flags.token_error = "relist"
    token = raw.sync(home).token or ""
    ada.phone.find("a").delete()
    calendar.forget_tokens()
    answer = raw.sync(home, token)
    assert members(answer, home) == ["", "b.ics", "c.ics"]
    assert raw.sync(home, answer.token or "").hrefs == []


def test_tokens_expire_and_are_kept_alive_by_use(server: FakeICloud, raw: Raw, home: str, calendar: Calendar) -> None:
    token = raw.sync(home).token or ""
    server.clock.advance(13 * 86400)
    assert raw.sync(home, token).status == 207
    server.clock.advance(13 * 86400)
    assert raw.sync(home, token).status == 207
    server.clock.advance(15 * 86400)
    assert raw.sync(home, token).status == 403


def test_forgotten_tokens_are_lost_and_fresh_ones_work(raw: Raw, home: str, calendar: Calendar) -> None:
    token = raw.sync(home).token or ""
    calendar.forget_tokens()
    assert raw.sync(home, token).status == 403
    assert raw.sync(home, raw.sync(home).token or "").status == 207


def test_pages_continue_after_tokens_were_forgotten(
    server: FakeICloud, raw: Raw, home: str, calendar: Calendar
) -> None:
    server.flags.truncate_at = 2
    calendar.forget_tokens()
    first = raw.sync(home)
    assert members(raw.sync(home, first.token or ""), home) == ["", "c.ics"]


def test_truncation_pages_until_all_is_told(
    server: FakeICloud, raw: Raw, ada: Account, home: str, calendar: Calendar
) -> None:
    server.flags.truncate_at = 2
    first = raw.sync(home)
    assert members(first, home) == ["", "a.ics", "b.ics", ""]
    last = first.xml.findall("{DAV:}response")[-1]
    assert "507" in (last.findtext("{DAV:}status") or "")
    assert last.find("{DAV:}error/{DAV:}number-of-matches-within-limits") is not None
    second = raw.sync(home, first.token or "")
    assert members(second, home) == ["", "c.ics"]
    assert raw.sync(home, second.token or "").hrefs == []
    for name in "abc":
        ada.phone.find(name).edit(location="here")
    third = raw.sync(home, second.token or "")
    assert members(third, home)[1:-1] == ["a.ics", "b.ics"]
    assert members(raw.sync(home, third.token or ""), home) == ["", "c.ics"]


def test_a_stuck_truncation_gives_the_same_token_again(
    server: FakeICloud, raw: Raw, home: str, calendar: Calendar
) -> None:
    server.flags.truncate_at, server.flags.truncate_mode = 2, "stuck"
    first = raw.sync(home)
    second = raw.sync(home, first.token or "")
    assert second.token == first.token
    assert second.hrefs == first.hrefs


def test_truncation_may_come_as_http_507(server: FakeICloud, raw: Raw, home: str, calendar: Calendar) -> None:
    server.flags.truncate_at, server.flags.truncate_mode = 2, "http507"
    answer = raw.sync(home)
    assert answer.status == 507
    assert raw.sync(home, answer.token or "").status == 207


def test_duplicates_name_the_old_etag_first(
    server: FakeICloud, raw: Raw, ada: Account, home: str, calendar: Calendar
) -> None:
    token, old = raw.sync(home).token or "", calendar.etag("a.ics")
    server.flags.duplicate_hrefs = True
    ada.phone.find("a").edit(title="a2")
    answer = raw.sync(home, token)
    assert members(answer, home) == ["", "a.ics", "a.ics"]
    etags = [node.findtext(".//{DAV:}getetag") for node in answer.xml.iterfind("{DAV:}response")]
    assert etags[1:] == [old, calendar.etag("a.ics")]


def test_a_subscription_is_always_empty(raw: Raw, ada: Account) -> None:
    calendar = ada.subscribe("Bank Holidays")
    answer = raw.sync(calendar.path)
    assert (answer.status, answer.hrefs) == (207, [])


@pytest.mark.parametrize("name", ["inbox", "outbox", "notification"])
def test_special_collections_do_not_sync(raw: Raw, ada: Account, name: str) -> None:
    answer = raw.sync(f"{ada.home_path}{name}/")
    assert answer.status == 403
    assert b"<supported-report/>" in answer.body


def test_a_moved_event_is_gone_here_and_new_there(raw: Raw, ada: Account, home: str, calendar: Calendar) -> None:
    work = ada.calendar("Work").path
    here, there = raw.sync(home).token or "", raw.sync(work).token or ""
    event = ada.phone.find("a").move("Work")
    assert raw.sync(home, here).status_of(home + "a.ics") == "HTTP/1.1 404 Not Found"
    assert raw.sync(work, there).hrefs == [work, event.href]
    assert event.uid == "a"


def test_listing_lag_hides_what_we_put_and_tells_it_later(
    server: FakeICloud, raw: Raw, home: str, calendar: Calendar
) -> None:
    server.flags.listing_lag = 30
    token = raw.sync(home).token or ""
    assert raw.create(home + "new.ics", text("new")).status == 201
    answer = raw.sync(home, token)
    assert answer.hrefs == []
    assert answer.token != token
    assert home + "new.ics" not in raw.propfind(home, "<d:getetag/>", depth="1").hrefs
    assert raw.ask("GET", home + "new.ics").status == 200
    server.clock.advance(31)
    assert members(raw.sync(home, answer.token or ""), home) == ["", "new.ics"]
    assert home + "new.ics" in raw.propfind(home, "<d:getetag/>", depth="1").hrefs


def test_absence_hides_an_event_from_so_many_full_listings(
    raw: Raw, ada: Account, home: str, calendar: Calendar
) -> None:
    calendar.absence("a.ics", listings=2)
    assert home + "a.ics" not in raw.propfind(home, "<d:getetag/>", depth="1").hrefs
    assert home + "a.ics" not in raw.sync(home).hrefs
    assert raw.ask("GET", home + "a.ics").status == 200
    assert home + "a.ics" in raw.sync(home).hrefs


def test_a_delta_does_not_grow_with_the_calendar(raw: Raw, ada: Account, home: str) -> None:
    calendar = ada.calendar("Home")
    body = text("x").encode()
    calendar.load((f"e{n}.ics", body.replace(b"UID:x", b"UID:e%d" % n)) for n in range(10_000))
    token = calendar.issue(ada.world.clock.now())
    calendar.put("e5.ics", body.replace(b"UID:x", b"UID:e5"))
    looked = calendar.store.log[-1:]
    assert calendar.store.since(calendar.store.rev - 1) == looked
    assert members(raw.sync(home, token), home) == ["", "e5.ics"]
