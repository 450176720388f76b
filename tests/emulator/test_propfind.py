"""Discovery and the list of calendars: emulator section 5."""

from __future__ import annotations

import re

import pytest

from tests.emulator.raw import Answer, Raw, text
from tests.fake_icloud import FakeICloud
from tests.fake_icloud.account import Account

RW = {
    "{DAV:}read",
    "{urn:ietf:params:xml:ns:caldav}read-free-busy",
    "{DAV:}read-current-user-privilege-set",
    "{DAV:}write",
    "{DAV:}write-properties",
    "{DAV:}write-content",
    "{DAV:}bind",
    "{DAV:}unbind",
}


def privileges(answer: Answer, href: str) -> set[str]:
    node = answer.node(href, "d:current-user-privilege-set")
    assert node is not None
    return {str(child.tag) for privilege in node for child in privilege}


def types(answer: Answer, href: str) -> list[str]:
    node = answer.node(href, "d:resourcetype")
    assert node is not None
    return [str(child.tag).rpartition("}")[2] for child in node]


def components(answer: Answer, href: str) -> list[str]:
    node = answer.node(href, "c:supported-calendar-component-set")
    return [] if node is None else [child.get("name") or "" for child in node]


def test_the_root_names_the_principal(raw: Raw) -> None:
    answer = raw.propfind("/", "<d:current-user-principal/>", host="discovery")
    assert answer.status == 207
    node = answer.node("/", "d:current-user-principal/d:href")
    assert node is not None
    assert node.text == "/123456789/principal/"


def test_the_principal_names_the_home_on_the_partition_with_its_port(
    server: FakeICloud, raw: Raw, ada: Account
) -> None:
    props = "<c:calendar-home-set/><c:calendar-user-address-set/><d:displayname/><d:quota/>"
    answer = raw.propfind(ada.principal_path, props)
    node = answer.node(ada.principal_path, "c:calendar-home-set/d:href")
    assert node is not None
    assert node.text == server.base_url("p1") + ada.home_path
    assert re.fullmatch(r"http://localhost:\d+/123456789/calendars/", node.text or "")
    addresses = answer.node(ada.principal_path, "c:calendar-user-address-set")
    assert addresses is not None
    assert {"mailto:ada@icloud.example", "mailto:ada@alias.example", ada.principal_path} <= {
        child.text for child in addresses
    }
    assert answer.found(ada.principal_path, "d:displayname") == "Ada Lovelace"
    assert answer.missing(ada.principal_path, "d:quota")
    server.flags.home_href_path_only = True
    node = raw.propfind(ada.principal_path, props).node(ada.principal_path, "c:calendar-home-set/d:href")
    assert node is not None
    assert node.text == ada.home_path


def test_a_migrated_account_names_its_new_home(server: FakeICloud, raw: Raw, ada: Account) -> None:
    ada.migrate("p2")
    answer = raw.propfind(ada.principal_path, "<c:calendar-home-set/>", host="discovery")
    node = answer.node(ada.principal_path, "c:calendar-home-set/d:href")
    assert node is not None
    assert node.text == server.base_url("p2") + ada.home_path


def test_depth_1_on_the_principal_is_400(raw: Raw, ada: Account) -> None:
    assert raw.propfind(ada.principal_path, depth="1").status == 400


def test_home_rows_come_in_apples_order(raw: Raw, ada: Account, ben: Account) -> None:
    subscribed = ada.subscribe("Bank Holidays")
    shared = ben.share("Work", to=ada, access="ro")
    answer = raw.propfind(ada.home_path, depth="1")
    names = ["", "home/", "work/", "inbox/", "notification/", "tasks/"]
    expected = [ada.home_path + name for name in names] + [shared.path, subscribed.path, ada.home_path + "outbox/"]
    assert answer.hrefs == expected


def test_depth_0_on_the_home_is_the_home_only(raw: Raw, ada: Account) -> None:
    assert raw.propfind(ada.home_path).hrefs == [ada.home_path]


def test_the_home_itself(raw: Raw, ada: Account) -> None:
    answer = raw.propfind(ada.home_path, depth="1")
    assert types(answer, ada.home_path) == ["collection"]
    assert components(answer, ada.home_path) == ["VEVENT", "VTODO", "VFREEBUSY"]
    assert privileges(answer, ada.home_path) == RW
    assert answer.found(ada.home_path, "d:displayname") == "Ada Lovelace"
    assert answer.found(ada.home_path, "cs:getctag")


def test_an_event_calendar(raw: Raw, ada: Account, home: str) -> None:
    answer = raw.propfind(ada.home_path, depth="1")
    assert types(answer, home) == ["collection", "calendar"]
    assert components(answer, home) == ["VEVENT"]
    assert privileges(answer, home) == RW
    assert re.fullmatch(r"#[0-9A-F]{8}", answer.found(home, "a:calendar-color") or "")
    assert (answer.found(home, "a:calendar-order") or "").isdigit()
    assert answer.found(home, "cs:getctag") == answer.found(home, "d:sync-token")
    assert (answer.found(home, "cs:getctag") or "").startswith("HwoQEgw")
    owner = answer.node(home, "d:owner/d:href")
    assert owner is not None
    assert owner.text == ada.principal_path
    assert answer.missing(home, "cs:source")


def test_a_calendar_shared_out_says_so(raw: Raw, ada: Account, ben: Account, home: str) -> None:
    ada.share("Home", to=ben, access="rw")
    assert types(raw.propfind(ada.home_path, depth="1"), home) == ["collection", "calendar", "shared-owner"]


def test_the_inbox_has_no_displayname(raw: Raw, ada: Account) -> None:
    answer, inbox = raw.propfind(ada.home_path, depth="1"), ada.home_path + "inbox/"
    assert types(answer, inbox) == ["collection", "schedule-inbox"]
    assert components(answer, inbox) == ["VEVENT"]
    assert answer.missing(inbox, "d:displayname")
    assert privileges(answer, inbox) == RW | {"{urn:ietf:params:xml:ns:caldav}schedule-deliver"}


def test_the_notification_collection(raw: Raw, ada: Account) -> None:
    answer, place = raw.propfind(ada.home_path, depth="1"), ada.home_path + "notification/"
    assert types(answer, place) == ["collection", "notification"]
    assert components(answer, place) == []
    assert privileges(answer, place) == {"{DAV:}read", "{DAV:}read-current-user-privilege-set", "{DAV:}unbind"}


def test_the_reminders_list(raw: Raw, ada: Account) -> None:
    answer, tasks = raw.propfind(ada.home_path, depth="1"), ada.home_path + "tasks/"
    assert types(answer, tasks) == ["collection", "calendar"]
    assert components(answer, tasks) == ["VTODO"]
    assert privileges(answer, tasks) == RW
    assert answer.found(tasks, "d:displayname") == "Reminders ⚠️"
    assert answer.found(tasks, "a:calendar-color") == "#FF9500FF"


@pytest.mark.parametrize("access", ["ro", "rw"])
def test_a_calendar_shared_to_the_user(server: FakeICloud, raw: Raw, ada: Account, ben: Account, access: str) -> None:
    calendar = ben.share("Work", to=ada, access=access)  # type: ignore[arg-type]
    assert re.fullmatch(r"[0-9a-f]{64}", calendar.path_id)
    answer = raw.propfind(ada.home_path, depth="1")
    assert types(answer, calendar.path) == ["collection", "calendar", "shared"]
    read_only = {
        "{DAV:}read",
        "{urn:ietf:params:xml:ns:caldav}read-free-busy",
        "{DAV:}read-current-user-privilege-set",
        "{DAV:}write-properties",
    }
    assert privileges(answer, calendar.path) == (RW if access == "rw" else read_only)
    owner = answer.node(calendar.path, "d:owner/d:href")
    assert owner is not None
    assert owner.text == ben.principal_path
    server.flags.shared_type = False
    assert types(raw.propfind(ada.home_path, depth="1"), calendar.path) == ["collection", "calendar"]


def test_access_to_a_share_can_change_and_end(raw: Raw, ada: Account, ben: Account) -> None:
    calendar = ben.share("Work", to=ada, access="rw")
    ben.change_calendar_access("Work", to=ada, access="ro")
    assert "{DAV:}write" not in privileges(raw.propfind(ada.home_path, depth="1"), calendar.path)
    ben.unshare("Work", to=ada)
    assert calendar.path not in raw.propfind(ada.home_path, depth="1").hrefs
    assert raw.propfind(calendar.path).status == 404


def test_a_subscription_is_no_calendar_and_names_its_source(raw: Raw, ada: Account) -> None:
    calendar = ada.subscribe("Bank Holidays", "webcal://example.org/a.ics")
    answer = raw.propfind(ada.home_path, depth="1")
    assert types(answer, calendar.path) == ["collection", "subscribed"]
    assert components(answer, calendar.path) == ["VEVENT"]
    assert privileges(answer, calendar.path) == {"{DAV:}read", "{DAV:}write-properties", "{DAV:}unbind"}
    source = answer.node(calendar.path, "cs:source/d:href")
    assert source is not None
    assert source.text == "webcal://example.org/a.ics"


def test_the_outbox(raw: Raw, ada: Account) -> None:
    answer, outbox = raw.propfind(ada.home_path, depth="1"), ada.home_path + "outbox/"
    assert types(answer, outbox) == ["collection", "schedule-outbox"]
    assert privileges(answer, outbox) == {"{urn:ietf:params:xml:ns:caldav}schedule-send"}
    assert answer.missing(outbox, "cs:getctag")


def test_hrefs_may_name_the_discovery_host(server: FakeICloud, raw: Raw, ada: Account) -> None:
    server.flags.hrefs_on_discovery_host = True
    base = server.base_url("discovery")
    assert all(href.startswith(base + ada.home_path) for href in raw.propfind(ada.home_path, depth="1").hrefs)


def test_one_calendar_names_its_reports(raw: Raw, home: str) -> None:
    answer = raw.propfind(home, "<d:supported-report-set/><cs:getctag/><d:sync-token/><d:displayname/>")
    node = answer.node(home, "d:supported-report-set")
    assert node is not None
    names = {str(report[0][0].tag).rpartition("}")[2] for report in node}
    assert names == {"sync-collection", "calendar-query", "calendar-multiget"}
    assert answer.found(home, "d:displayname") == "Home"


def test_a_listing_names_the_collection_and_every_event(raw: Raw, ada: Account, home: str) -> None:
    ada.calendar("Home").load([("a.ics", text("a").encode()), ("b@x.ics", text("b").encode())])
    answer = raw.propfind(home, "<d:getetag/>", depth="1")
    assert answer.hrefs == [home, home + "a.ics", home + "b%40x.ics"]
    assert answer.found(home, "d:getetag")
    assert answer.found(home + "a.ics", "d:getetag") == ada.calendar("Home").etag("a.ics")


def test_one_events_etag(raw: Raw, ada: Account, home: str) -> None:
    ada.calendar("Home").put("a.ics", text("a").encode())
    etag = raw.propfind(home + "a.ics", "<d:getetag/>").found(home + "a.ics", "d:getetag")
    assert etag == ada.calendar("Home").etag("a.ics")
    assert re.fullmatch(r'"[0-9a-z]+"', etag or "")
    assert raw.propfind(home + "missing.ics", "<d:getetag/>").status == 404


@pytest.mark.parametrize("body", [b"<propfind xmlns='DAV:'><allprop/></propfind>", b""])
def test_allprop_leaves_out_the_resourcetype(raw: Raw, ada: Account, home: str, body: bytes) -> None:
    for path in (home, ada.home_path, ada.principal_path):
        answer = raw.ask("PROPFIND", path, body, headers={"Depth": "0"})
        assert answer.status == 207
        assert answer.node(path, "d:resourcetype") is None
        assert answer.node(path, "d:displayname") is not None


def test_unknown_paths_are_404(raw: Raw, ada: Account) -> None:
    for path in (ada.home_path + "nowhere/", f"/{ada.dsid}/else/", ada.home_path + "nowhere/x.ics"):
        assert raw.propfind(path).status == 404


def test_a_renamed_and_a_deleted_calendar(raw: Raw, ada: Account, home: str) -> None:
    before = raw.propfind(home).found(home, "cs:getctag")
    ada.rename_calendar("Home", "<b>🏠</b>")
    answer = raw.propfind(home)
    assert answer.found(home, "d:displayname") == "<b>🏠</b>"
    assert answer.found(home, "cs:getctag") != before
    ada.rename_calendar("home", None)
    assert raw.propfind(home).missing(home, "d:displayname")
    ada.delete_calendar("home")
    assert raw.propfind(home).status == 404


def test_the_ctag_moves_with_every_write_and_only_then(raw: Raw, ada: Account, home: str) -> None:
    def ctag() -> str | None:
        return raw.propfind(home).found(home, "cs:getctag")

    first = ctag()
    assert ctag() == first
    ada.calendar("Home").put("a.ics", text("a").encode())
    second = ctag()
    assert second != first
    event = ada.phone.find("Fitting")
    event.edit(title="Other")
    third = ctag()
    assert third not in (first, second)
    event.delete()
    assert ctag() not in (first, second, third)
