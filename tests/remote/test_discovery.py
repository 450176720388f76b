"""Who am I, and which calendars: facts 1.2-1.8, section 3, rules K3, K5, K6, K7, T1."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from icloud_sync import errors
from icloud_sync.remote import Client, RemoteCalendar
from tests.fake_icloud import FakeICloud, faults
from tests.remote.conftest import client_of
from tests.remote.stage import PRINCIPAL, Stage, answer, home_set, multistatus, response

HOME = "/1/calendars/"
C = 'xmlns="urn:ietf:params:xml:ns:caldav"'
CS = 'xmlns="http://calendarserver.org/ns/"'
A = 'xmlns="http://apple.com/ns/ical/"'
ALL_RIGHTS = ("read", "write", "write-properties", "write-content", "bind", "unbind")


def named(calendars: list[RemoteCalendar]) -> dict[str, RemoteCalendar]:
    return {calendar.name: calendar for calendar in calendars}


# -- on an iCloud-like server -------------------------------------------------------------------------------------


def test_discovery_takes_two_requests_and_finds_the_account(apple: FakeICloud) -> None:
    account = apple.account("ada@icloud.example", name="Ada", calendars=("Home",))
    with client_of(apple, account) as client:
        found = client.discover()
        assert client.requests == 2
    assert found.principal == account.principal_path
    assert found.home == account.home_url
    assert found.name == "Ada"
    assert {account.principal_path, "ada@icloud.example"} <= found.addresses
    apple.assert_polite()


def test_a_wrong_password_is_told_by_one_request(apple: FakeICloud) -> None:
    """S17, F1."""
    account = apple.account("ada@icloud.example")
    with client_of(apple, account) as client:
        account.revoke_all()
        with pytest.raises(errors.PasswordRejected):
            client.discover()
    assert len(apple.requests) == 1


def test_a_locked_account_is_not_a_bad_password(apple: FakeICloud) -> None:
    """Fact 2.6."""
    account = apple.account("ada@icloud.example")
    account.lock()
    with client_of(apple, account) as client, pytest.raises(errors.AccessRefused):
        client.discover()


@pytest.mark.parametrize("way", ["301", "302", "307", "308"])
def test_accounts_that_are_redirected_to_their_partition_work(apple: FakeICloud, way: str) -> None:
    """Fact 1.7."""
    account = apple.account("ada@icloud.example", calendars=("Home",))
    apple.flags.redirect_discovery = way
    with client_of(apple, account) as client:
        found = client.discover()
        assert list(named(client.calendars(found.home))) == ["Home"]
    apple.assert_polite()


def test_every_kind_of_calendar_gets_its_kind(apple: FakeICloud) -> None:
    """K3, K5, K6; facts 3.2-3.6: no inbox, outbox, notifications or Reminders; subscriptions listed as such."""
    ada = apple.account("ada@icloud.example", calendars=("Home", "Work"))
    eve = apple.account("eve@icloud.example", calendars=("Team", "Board"))
    eve.share("Team", to=ada, access="rw")
    eve.share("Board", to=ada, access="ro")
    ada.share("Work", to=eve, access="ro")
    ada.subscribe("Holidays", "webcal://feeds.example/private-token.ics")
    with client_of(apple, ada) as client:
        found = client.discover()
        calendars = client.calendars(found.home, principal=found.principal)
    kinds = {name: (calendar.kind, calendar.writable) for name, calendar in named(calendars).items()}
    assert kinds == {
        "Home": ("own", True),
        "Work": ("own", True),
        "Team": ("shared", True),
        "Board": ("shared", False),
        "Holidays": ("subscribed", False),
    }


def test_a_shared_calendar_is_known_by_its_owner_too(apple: FakeICloud) -> None:
    """Fact 3.5: CS:shared is not certain on iCloud."""
    apple.flags.shared_type = False
    ada = apple.account("ada@icloud.example", calendars=("Home",))
    eve = apple.account("eve@icloud.example", calendars=("Team",))
    eve.share("Team", to=ada, access="rw")
    with client_of(apple, ada) as client:
        kinds = {name: found.kind for name, found in named(client.calendars(ada.home_url)).items()}
    assert kinds == {"Home": "own", "Team": "shared"}


def test_k7_names_colours_rights_and_marks_are_those_of_now(apple: FakeICloud) -> None:
    ada = apple.account("ada@icloud.example", calendars=("Home", "Work"))
    eve = apple.account("eve@icloud.example", calendars=("Team",))
    eve.share("Team", to=ada, access="rw")
    with client_of(apple, ada) as client:
        before = named(client.calendars(ada.home_url))
        ada.recolor_calendar("Home", "#112233FF")
        ada.calendar("Home").put("a.ics", EVENT)
        eve.change_calendar_access("Team", to=ada, access="ro")
        ada.delete_calendar("Work")
        after = named(client.calendars(ada.home_url))
        assert client.requests == 2
    assert after["Home"].color == "#112233"
    assert after["Home"].mark != before["Home"].mark
    assert after["Home"].path == before["Home"].path
    assert (before["Team"].writable, after["Team"].writable) == (True, False)
    assert "Work" not in after


EVENT = (
    b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//\r\nBEGIN:VEVENT\r\nUID:u1\r\nDTSTAMP:20260101T000000Z\r\n"
    b"DTSTART:20260301T090000Z\r\nDTEND:20260301T100000Z\r\nSUMMARY:x\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


def test_t1_an_idle_look_is_one_request_and_small(apple: FakeICloud) -> None:
    """P6: one request for any number of calendars."""
    account = apple.account("ada@icloud.example", calendars=tuple(f"C{number}" for number in range(20)))
    with client_of(apple, account) as client:
        first = client.calendars(account.home_url)
        assert client.calendars(account.home_url) == first
        assert client.requests == 2
    assert len(first) == 20
    body = apple.requests[-1].body
    assert body.count(b"getctag") == 1
    assert b"sync-token" not in body


@pytest.mark.parametrize("way", ["421", "301", "refuse", "closed"])
def test_a_stored_home_survives_a_move_to_another_partition(apple: FakeICloud, way: str) -> None:
    """Facts 1.6, 11.5: the old host is gone, or says 421."""
    account = apple.account("ada@icloud.example", calendars=("Home",))
    home, calendar = account.home_url, account.calendar("Home")
    calendar.put("a.ics", EVENT)
    account.migrate("p2")
    if way == "closed":
        apple.refuse("p1")
    else:
        apple.flags.wrong_partition = way
    with client_of(apple, account) as client:
        assert list(named(client.calendars(home))) == ["Home"]
        assert list(client.listing(calendar.path)) == [calendar.path + "a.ics"]
    with client_of(apple, account) as client:
        client._link.use_hint(home)
        client.get(calendar.path + "a.ics")


@pytest.mark.parametrize("kind", ["home-set", "principal", "redirect"])
def test_f26_discovery_never_leaves_the_trusted_hosts(apple: FakeICloud, kind: str) -> None:
    account = apple.account("ada@icloud.example")
    apple.faults.add(faults.evil_href(kind), times=None)  # type: ignore[arg-type]
    with client_of(apple, account) as client, pytest.raises(errors.UntrustedHost):
        client.discover()
    assert apple.evil.requests == []


@pytest.mark.parametrize("nth", [1, 2])
def test_f27_a_captive_page_is_no_account(apple: FakeICloud, nth: int) -> None:
    """Fact 9.12."""
    account = apple.account("ada@icloud.example")
    apple.faults.add(faults.html_200(), nth=nth)
    with client_of(apple, account) as client, pytest.raises(errors.BadAnswer):
        client.discover()


# -- shapes that the server above does not have -------------------------------------------------------------------


def entry(
    name: str,
    *,
    types: str = f"<calendar {C}/>",
    components: str | None = "VEVENT",
    rights: tuple[str, ...] = ALL_RIGHTS,
    more: str = f"<getctag {CS}>m1</getctag>",
) -> str:
    comp = "" if components is None else f'<supported-calendar-component-set {C}>' + "".join(
        f'<comp name="{one}"/>' for one in components.split()
    ) + "</supported-calendar-component-set>"  # fmt: skip
    privileges = "".join(f"<privilege><{right}/></privilege>" for right in rights)
    return response(
        f"{HOME}{name}/",
        f"<resourcetype><collection/>{types}</resourcetype><displayname>{name}</displayname>{comp}"
        f"<current-user-privilege-set>{privileges}</current-user-privilege-set>{more}",
    )


def listed(stage: Stage, client: Client, *entries: str) -> list[RemoteCalendar]:
    stage.play(answer(207, multistatus(*entries)))
    return client.calendars(HOME)


@pytest.mark.parametrize(
    ("rights", "writable"),
    [
        (ALL_RIGHTS, True),
        (("all",), True),
        (("read", "write"), True),
        (("read", "bind"), True),
        (("read", "write-properties"), False),
        (("read", "write-content"), False),
        (("read",), False),
        ((), False),
    ],
)
def test_k3_writers_access_is_write_all_or_bind(
    stage: Stage, client: Client, rights: tuple[str, ...], writable: bool
) -> None:
    """Fact 3.6: write-properties alone lets a sharee rename, not write."""
    assert listed(stage, client, entry("a", rights=rights))[0].writable is writable


@pytest.mark.parametrize(
    ("types", "components", "expected"),
    [
        (f"<calendar {C}/>", "VEVENT", "own"),
        (f"<calendar {C}/>", "VEVENT VTODO", "own"),
        (f"<calendar {C}/>", None, "own"),
        (f"<calendar {C}/>", "", "own"),
        (f"<calendar {C}/>", "VTODO", None),
        (f"<calendar {C}/><schedule-inbox {C}/>", "VEVENT", None),
        (f"<schedule-inbox {C}/>", "VEVENT", None),
        (f"<schedule-outbox {C}/>", None, None),
        (f"<notification {CS}/>", None, None),
        (f"<subscribed {CS}/>", "VEVENT", "subscribed"),
        (f"<calendar {C}/><subscribed {CS}/>", "VEVENT", "subscribed"),
        (f"<calendar {C}/><shared {CS}/>", "VEVENT", "shared"),
        (f"<calendar {C}/><shared-owner {CS}/>", "VEVENT", "own"),
        ("", "VEVENT", None),
        ("<calendar/>", "VEVENT", None),
    ],
)
def test_k6_what_is_listed_and_as_what(
    stage: Stage, client: Client, types: str, components: str | None, expected: str | None
) -> None:
    found = listed(stage, client, entry("a", types=types, components=components))
    assert [calendar.kind for calendar in found] == ([expected] if expected else [])


def test_k6_a_source_makes_a_calendar_a_subscription(stage: Stage, client: Client) -> None:
    more = f"<source {CS}><href xmlns='DAV:'>https://feeds.example/a.ics</href></source><getctag {CS}>m</getctag>"
    (found,) = listed(stage, client, entry("a", more=more))
    assert (found.kind, found.writable) == ("subscribed", False)
    assert "feeds.example" not in repr(found)


@pytest.mark.parametrize(
    ("given", "color"),
    [
        ("#1BADF8FF", "#1BADF8"),
        ("#1badf8", "#1BADF8"),
        ("  #1BADF8FF ", "#1BADF8"),
        ("red", ""),
        ("#12345", ""),
        ("#GGGGGG", ""),
        ("#1BADF8;background:url(x)", ""),
        ("", ""),
    ],
)
def test_s23_a_colour_is_a_colour(stage: Stage, client: Client, given: str, color: str) -> None:
    (found,) = listed(
        stage, client, entry("a", more=f"<calendar-color {A}>{given}</calendar-color><getctag {CS}>m</getctag>")
    )
    assert found.color == color


@pytest.mark.parametrize(
    ("given", "order"), [("3", 3), ("0", 0), ("-1", 0), ("x", 0), ("9" * 30, 0), ("9999999999", 2**31 - 1)]
)
def test_an_order_fits_a_database(stage: Stage, client: Client, given: str, order: int) -> None:
    (found,) = listed(
        stage, client, entry("a", more=f"<calendar-order {A}>{given}</calendar-order><getctag {CS}>m</getctag>")
    )
    assert found.order == order


def test_names_are_one_line_and_end(stage: Stage, client: Client) -> None:
    found = listed(
        stage,
        client,
        response(
            f"{HOME}a/", f"<resourcetype><calendar {C}/></resourcetype><displayname>\n Two\t lines 🏖 \n</displayname>"
        ),
        response(f"{HOME}caf%C3%A9/", f"<resourcetype><calendar {C}/></resourcetype>", missing="<displayname/>"),
        response(f"{HOME}c/", f"<resourcetype><calendar {C}/></resourcetype><displayname>{'n' * 400}</displayname>"),
    )
    assert [calendar.name for calendar in found] == ["Two lines 🏖", "café", "n" * 255]


def test_a_collection_without_its_slash_gets_one(stage: Stage, client: Client) -> None:
    (found,) = listed(stage, client, response("/1/calendars/a", f"<resourcetype><calendar {C}/></resourcetype>"))
    assert found.path == "/1/calendars/a/"


def test_without_a_ctag_the_sync_token_is_the_mark(stage: Stage, client: Client) -> None:
    bare = entry("a", more="")
    tokens = response(f"{HOME}a/", "<sync-token>t1</sync-token>")
    stage.play(answer(207, multistatus(bare)), answer(207, multistatus(tokens)))
    (found,) = client.calendars(HOME)
    assert (found.mark, found.token) == ("t1", "t1")
    assert client.requests == 2


def test_k7_a_calendar_that_cannot_be_read_is_not_taken_for_gone(stage: Stage, client: Client) -> None:
    """Leaving it out would say that it has vanished."""
    for broken in (
        response(f"{HOME}b/", status="500 Oops"),
        response(f"{HOME}b/", status="403 Forbidden"),
        response(f"{HOME}b/", missing="<resourcetype/>").replace("404 Not Found", "503 Later"),
        response(HOME, status="507 Insufficient Storage"),
    ):
        with pytest.raises(errors.BadAnswer):
            listed(stage, client, entry("a"), broken)


def test_a_calendar_that_says_404_of_itself_is_gone(stage: Stage, client: Client) -> None:
    found = listed(stage, client, entry("a"), response(f"{HOME}b/", status="404 Not Found"))
    assert [calendar.name for calendar in found] == ["a"]


def test_fact_3_1_a_listing_without_resource_types_is_not_believed(stage: Stage, client: Client) -> None:
    with pytest.raises(errors.BadAnswer):
        listed(stage, client, response(f"{HOME}a/", "<displayname>a</displayname>", missing="<resourcetype/>"))


@pytest.mark.parametrize(
    ("status", "expected"),
    [(404, errors.CollectionMissing), (410, errors.CollectionMissing), (403, errors.AccessRefused)],
)
def test_f6_a_missing_home_is_a_missing_collection(stage: Stage, client: Client, status: int, expected: type) -> None:
    stage.play(answer(status))
    with pytest.raises(expected):
        client.calendars(HOME)


@pytest.mark.parametrize(
    "first",
    [
        multistatus(response("/", "<current-user-principal><unauthenticated/></current-user-principal>")),
        multistatus(response("/", "<current-user-principal><href>/</href></current-user-principal>")),
        multistatus(response("/", "<current-user-principal><href></href></current-user-principal>")),
        multistatus(response("/", missing="<current-user-principal/>")),
        multistatus(),
    ],
)
def test_a_principal_must_look_like_one(stage: Stage, client: Client, first: bytes) -> None:
    stage.play(answer(207, first))
    with pytest.raises(errors.BadAnswer):
        client.discover()
    assert len(stage.requests) == 1


def test_fact_1_12_a_principal_without_a_home_is_asked_again_later(stage: Stage, client: Client) -> None:
    stage.play(
        answer(207, PRINCIPAL), answer(207, multistatus(response("/1/principal/", "<displayname>Ada</displayname>")))
    )
    with pytest.raises(errors.BadAnswer):
        client.discover()


@pytest.mark.parametrize("status", [404, 410, 501])
def test_a_server_without_discovery_is_tried_later(stage: Stage, client: Client, status: int) -> None:
    stage.play(answer(status))
    with pytest.raises((errors.BadAnswer, errors.ServerFault)):
        client.discover()


def test_the_home_may_be_a_path_and_any_path(stage: Stage, client_with: Callable[..., Client]) -> None:
    """The contract: discovery at this very URL, any path."""
    stage.play(answer(207, PRINCIPAL), answer(207, home_set("/1/calendars/")))
    client = client_with(url=stage.url + "dav/entry%20point/")
    assert client.discover().home == stage.url + "1/calendars/"
    assert [heard.target for heard in stage.requests] == ["/dav/entry%20point/", "/1/principal/"]
    assert {heard.headers["depth"] for heard in stage.requests} == {"0"}
