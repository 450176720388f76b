"""What happens before the method: emulator section 4."""

from __future__ import annotations

import pytest

from tests.emulator.raw import Raw, propfind_body
from tests.fake_icloud import FakeICloud
from tests.fake_icloud.account import Account

PRINCIPAL = "<d:current-user-principal/>"


def look(raw: Raw, path: str = "/") -> int:
    return raw.propfind(path, PRINCIPAL).status


def test_no_user_agent_is_403_even_with_the_right_password(raw: Raw) -> None:
    answer = raw.ask("PROPFIND", "/", propfind_body(PRINCIPAL), headers={"Depth": "0"}, without=("User-Agent",))
    assert (answer.status, answer.body) == (403, b"")


def test_an_empty_user_agent_is_403(raw: Raw) -> None:
    answer = raw.ask("PROPFIND", "/", propfind_body(PRINCIPAL), headers={"Depth": "0", "User-Agent": ""})
    assert answer.status == 403


@pytest.mark.parametrize("path", ["//", "/123456789//calendars/", "/123456789/calendars//home/"])
def test_a_doubled_slash_is_400(raw: Raw, path: str) -> None:
    assert look(raw, path) == 400


@pytest.mark.parametrize("method", ["PROPFIND", "REPORT"])
@pytest.mark.parametrize("body", [b" <?xml version='1.0'?><propfind xmlns='DAV:'/>", b"\n<x/>", b"prop", b"<a><b></a>"])
def test_whitespace_before_the_xml_and_broken_xml_are_400(raw: Raw, method: str, body: bytes) -> None:
    assert raw.ask(method, "/", body, headers={"Depth": "0"}).status == 400


def test_a_dtd_is_refused(raw: Raw) -> None:
    body = "<!DOCTYPE a [<!ENTITY x 'y'>]><propfind xmlns='DAV:'><prop><displayname/></prop></propfind>"
    assert raw.ask("PROPFIND", "/", body, headers={"Depth": "0"}).status == 400


def refused(raw: Raw, login: str | None) -> list[tuple[str, str]]:
    headers = {"Depth": "0"} | ({"Authorization": login} if login else {})
    without = () if login else ("Authorization",)
    answer = raw.ask("PROPFIND", "/", propfind_body(PRINCIPAL), headers=headers, without=without)
    assert answer.status == 401
    assert answer.body == b""
    assert answer.header("Content-Type") is None
    assert answer.header("Content-Length") == "0"
    return answer.headers


@pytest.mark.parametrize("login", [None, "Basic !!!", "Bearer abc", "Basic YWRhQGljbG91ZC5leGFtcGxlOndyb25n"])
def test_no_or_wrong_credentials_are_401_with_two_challenges_in_order(raw: Raw, login: str | None) -> None:
    headers = refused(raw, login)
    assert [value for name, value in headers if name == "WWW-Authenticate"] == [
        'X-MobileMe-AuthToken realm="MMCalDav"',
        'Basic realm="MMCalDav"',
    ]
    names = [name for name, _ in headers]
    assert "X-Apple-Request-UUID" in names
    assert ("X-Responding-Instance", "caldavj:fake") in headers
    assert ("x-apple-user-partition", "1") in headers


def test_basic_first_swaps_the_challenges(server: FakeICloud, raw: Raw) -> None:
    server.flags.basic_first = True
    challenges = [value for name, value in refused(raw, None) if name == "WWW-Authenticate"]
    assert challenges[0].startswith("Basic")


def test_a_revoked_password_is_401_and_another_one_goes_on_working(raw: Raw, ada: Account) -> None:
    login = raw.headers()["Authorization"]
    new = ada.new_password("second")
    assert look(raw) == 207
    ada.revoke(raw.password)
    refused(raw, login)
    raw.password = new
    assert look(raw) == 207


def test_changing_the_apple_password_revokes_all(raw: Raw, ada: Account) -> None:
    login = raw.headers()["Authorization"]
    ada.new_password("another")
    ada.change_password()
    refused(raw, login)
    with pytest.raises(LookupError):
        _ = ada.password


def test_an_alias_does_not_sign_in_and_letter_case_of_the_address_does_not_matter(raw: Raw, ada: Account) -> None:
    real = ada.apple_id
    ada.apple_id = "ada@alias.example"
    login = raw.headers()["Authorization"]
    ada.apple_id = real
    refused(raw, login)
    ada.apple_id = real.upper()
    login = raw.headers()["Authorization"]
    ada.apple_id = real
    headers = {"Depth": "0", "Authorization": login}
    assert raw.ask("PROPFIND", "/", propfind_body(PRINCIPAL), headers=headers).status == 207


def test_somebody_elses_path_is_403_with_an_empty_body(raw: Raw, ben: Account) -> None:
    answer = raw.propfind(ben.home_path, depth="1")
    assert (answer.status, answer.body) == (403, b"")


def test_a_locked_account_is_403_with_an_empty_body(raw: Raw, ada: Account) -> None:
    ada.lock()
    answer = raw.propfind(ada.home_path, depth="1")
    assert (answer.status, answer.body) == (403, b"")
    ada.unlock()
    assert raw.propfind(ada.home_path, depth="1").status == 207


def test_discovery_serves_the_calendars_too(raw: Raw, ada: Account) -> None:
    assert raw.propfind(ada.home_path, depth="1", host="discovery").status == 207


@pytest.mark.parametrize(("flag", "status"), [("ok", 207), ("421", 421), ("301", 301)])
def test_a_partition_where_the_account_does_not_live(
    server: FakeICloud, raw: Raw, ada: Account, flag: str, status: int
) -> None:
    server.flags.wrong_partition = flag  # type: ignore[assignment]
    assert raw.propfind(ada.home_path, depth="1").status == 207
    ada.migrate("p2")
    answer = raw.propfind(ada.home_path, depth="1")
    assert answer.status == status
    if status == 301:
        assert answer.header("Location") == server.base_url("p2") + ada.home_path
    assert raw.propfind(ada.home_path, depth="1", host="p2").status == 207
    assert raw.propfind(ada.home_path, depth="1", host="discovery").status == 207


def test_a_partition_may_drop_the_connection_instead(server: FakeICloud, raw: Raw, ada: Account) -> None:
    server.flags.wrong_partition = "refuse"
    ada.migrate("p2")
    with pytest.raises(ConnectionError):
        raw.propfind(ada.home_path, depth="1")


@pytest.mark.parametrize("code", ["301", "302", "307", "308"])
def test_discovery_may_redirect_everything_to_the_partition(
    server: FakeICloud, raw: Raw, ada: Account, code: str
) -> None:
    server.flags.redirect_discovery = code  # type: ignore[assignment]
    for path in ("/", ada.principal_path, ada.home_path):
        answer = raw.propfind(path, host="discovery")
        assert answer.status == int(code)
        assert answer.header("Location") == server.base_url("p1") + path
    assert raw.propfind(ada.home_path, depth="1", host="p1").status == 207


def test_unknown_methods_and_reads_of_collections_are_405_with_allow(raw: Raw, home: str) -> None:
    for method, path in (("LOCK", home), ("PATCH", home), ("GET", home), ("GET", "/"), ("HEAD", home)):
        answer = raw.ask(method, path)
        assert answer.status == 405
        assert "PROPFIND" in (answer.header("Allow") or "")


def test_options_names_the_classes(raw: Raw, home: str) -> None:
    answer = raw.ask("OPTIONS", home)
    assert answer.status == 200
    classes = (answer.header("DAV") or "").split(", ")
    assert classes[0] == "1"
    assert {"calendar-access", "calendar-schedule", "calendarserver-sharing", "extended-mkcol"} <= set(classes)


def test_well_known_is_501_or_redirects(server: FakeICloud, raw: Raw) -> None:
    assert raw.propfind("/.well-known/caldav").status == 501
    server.flags.well_known = "301"
    answer = raw.propfind("/.well-known/caldav")
    assert (answer.status, answer.header("Location")) == (301, "/")


def test_multistatus_looks_like_apples(raw: Raw, ada: Account, server: FakeICloud) -> None:
    answer = raw.propfind(ada.home_path, depth="1")
    assert answer.header("Content-Type") == "text/xml; charset=UTF-8"
    assert answer.body.startswith(b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>')
    assert b"<multistatus xmlns='DAV:'>" in answer.body
    assert b"<getctag xmlns='http://calendarserver.org/ns/'>" in answer.body
    assert b":response" not in answer.body, "no prefixes"
    assert b"\n   \n" in answer.body, "blank lines with spaces between elements"
    server.flags.odd_content_type = True
    assert raw.propfind(ada.home_path, depth="1").header("Content-Type") == "application/octet-stream"


def test_an_outage_answers_503_to_everything(server: FakeICloud, raw: Raw, ada: Account) -> None:
    server.outage = True
    assert raw.propfind(ada.home_path, depth="1").status == 503
    server.outage = False
    assert raw.propfind(ada.home_path, depth="1").status == 207


def test_the_log_tells_what_was_asked(server: FakeICloud, raw: Raw, ada: Account, home: str) -> None:
    raw.sync(home)
    record = server.requests[-1]
    assert (record.method, record.role, record.path, record.status) == ("REPORT", "p1", home, 207)
    assert (record.report, record.depth, record.dsid) == ("sync-collection", "1", ada.dsid)
    with server.counting() as seen:
        raw.propfind(home)
        raw.propfind(home)
    assert len(seen.requests) == 2
