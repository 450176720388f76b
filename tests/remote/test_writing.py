"""Conditional writes: facts section 5, F4-F13, F17, F20, F21, F31, rules W2, W4, W9, T2."""

from __future__ import annotations

import pytest

from icloud_sync import errors
from icloud_sync.remote import Client
from tests.fake_icloud import FakeICloud, faults
from tests.remote.conftest import client_of
from tests.remote.stage import HTML_PAGE, Stage, answer, multistatus, response

PATH = "/1/calendars/home/a.ics"


def body(uid: str = "u1", *, summary: str = "x", end: bool = True) -> bytes:
    last = "DTEND:20260301T100000Z\r\n" if end else ""
    return (
        f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20260101T000000Z\r\n"
        f"DTSTART:20260301T090000Z\r\n{last}SUMMARY:{summary}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    ).encode()


class World:
    """One account with two calendars on the iCloud-like server."""

    def __init__(self, apple: FakeICloud) -> None:
        self.apple = apple
        self.account = apple.account("ada@icloud.example", calendars=("Home", "Work"))
        self.calendar = self.account.calendar("Home")
        self.other = self.account.calendar("Work")
        self.client = client_of(apple, self.account)
        self.client.calendars(self.account.home_url)
        self.path = self.calendar.path + "u1.ics"


@pytest.fixture
def world(apple: FakeICloud) -> World:
    return World(apple)


def test_an_event_is_made_changed_and_deleted(world: World) -> None:
    first = world.client.create(world.path, body())
    assert first == world.calendar.etag("u1.ics")
    second = world.client.update(world.path, body(summary="y"), etag=first or "")
    assert second == world.calendar.etag("u1.ics") != first
    assert world.calendar.body("u1.ics") == body(summary="y")
    world.client.delete(world.path, etag=second or "")
    assert world.calendar.names() == []
    world.apple.assert_polite()


def test_bytes_arrive_as_they_are(world: World) -> None:
    text = body(summary="é\\n 🏖")
    world.client.create(world.path, text)
    assert world.calendar.body("u1.ics") == text
    assert world.apple.requests[-1].headers["content-type"] == "text/calendar; charset=utf-8"


def test_f10_a_name_that_is_taken_is_left_alone(world: World) -> None:
    world.client.create(world.path, body())
    with pytest.raises(errors.ItemChanged):
        world.client.create(world.path, body(summary="again"))
    assert world.calendar.body("u1.ics") == body()


def test_f11_f12_a_version_that_is_not_the_latest_is_left_alone(world: World) -> None:
    etag = world.client.create(world.path, body()) or ""
    world.account.phone.by_uid("u1").edit(title="By phone")
    with pytest.raises(errors.ItemChanged):
        world.client.update(world.path, body(summary="late"), etag=etag)
    with pytest.raises(errors.ItemChanged):
        world.client.delete(world.path, etag=etag)
    assert world.account.phone.by_uid("u1").summary == "By phone"


def test_f8_what_is_gone_is_gone(world: World) -> None:
    with pytest.raises(errors.ItemMissing):
        world.client.delete(world.path, etag='"1"')


def test_fact_5_7_a_name_that_was_deleted_cannot_be_used_again(world: World) -> None:
    world.client.delete(world.path, etag=world.client.create(world.path, body()) or "")
    with pytest.raises(errors.ItemChanged):
        world.client.create(world.path, body())


@pytest.mark.parametrize(("status", "expected"), [(412, errors.ItemChanged), (403, errors.ItemRefused)])
def test_a_uid_in_another_calendar_is_refused(world: World, status: int, expected: type) -> None:
    """Fact 5.11: iCloud says 412 and no more."""
    world.apple.flags.uid_elsewhere_status = status  # type: ignore[assignment]
    world.other.put("u1.ics", body())
    with pytest.raises((expected, errors.UidConflict)):
        world.client.create(world.path, body())


def test_f9_a_uid_under_another_name_says_where(world: World) -> None:
    world.calendar.put("other.ics", body())
    with pytest.raises(errors.UidConflict) as caught:
        world.client.create(world.path, body())
    assert caught.value.path == world.calendar.path + "other.ics"


def test_f4_a_read_only_calendar_refuses(world: World) -> None:
    eve = world.apple.account("eve@icloud.example", calendars=("Team",))
    shared = eve.share("Team", to=world.account, access="ro")
    with pytest.raises(errors.ItemRefused) as caught:
        world.client.create(shared.path + "u1.ics", body())
    assert (caught.value.status, caught.value.condition) == (403, "need-privileges")


def test_fact_5_3_a_bad_body_or_a_lost_calendar_may_both_be_404(world: World) -> None:
    with pytest.raises(errors.ItemMissing):
        world.client.create(world.path, body(end=False))
    with pytest.raises(errors.ItemMissing):
        world.client.create(world.account.home_path + "nowhere/u1.ics", body())


def test_w9_a_body_that_is_refused_says_why(world: World) -> None:
    with pytest.raises(errors.ItemRefused) as caught:
        world.client.create(world.path, b"BEGIN:NOTHING\r\n")
    assert caught.value.condition.startswith("valid-calendar")
    world.apple.flags.max_size = 100
    with pytest.raises(errors.ItemRefused) as caught:
        world.client.create(world.path, body())
    assert caught.value.status == 413


@pytest.mark.parametrize("after_apply", [False, True])
@pytest.mark.parametrize("fault", [faults.close_before_response(), faults.status(503, retry_after="2")])
def test_f17_f20_an_ambiguous_end_is_told_as_one(world: World, fault: faults.Action, after_apply: bool) -> None:
    world.apple.faults.add(fault, method="PUT", after_apply=after_apply)
    with pytest.raises(errors.OutcomeUnknown):
        world.client.create(world.path, body())
    assert len(world.apple.puts_for("u1")) <= 1
    assert world.calendar.names() == (["u1.ics"] if after_apply else [])


def test_f21_so_is_that_of_a_delete(world: World) -> None:
    etag = world.client.create(world.path, body()) or ""
    world.apple.faults.add(faults.close_before_response(), method="DELETE", after_apply=True)
    with pytest.raises(errors.OutcomeUnknown):
        world.client.delete(world.path, etag=etag)
    with pytest.raises(errors.ItemMissing):
        world.client.delete(world.path, etag=etag)


def test_f31_an_etag_that_is_not_told_or_weak_is_none(world: World) -> None:
    world.apple.faults.add(faults.weak_etag(), method="PUT")
    assert world.client.create(world.path, body()) is None
    world.apple.flags.put_etag = "never"
    assert world.client.update(world.path, body(summary="y"), etag=world.calendar.etag("u1.ics")) is None
    found = world.client.get(world.path)
    assert found.etag == world.calendar.etag("u1.ics")


def test_f3_a_revoked_password_ends_the_run(world: World) -> None:
    etag = world.client.create(world.path, body()) or ""
    world.account.revoke_all()
    before = len(world.apple.requests)
    for act in (
        lambda: world.client.update(world.path, body(summary="y"), etag=etag),
        lambda: world.client.delete(world.path, etag=etag),
        lambda: world.client.listing(world.calendar.path),
    ):
        with pytest.raises(errors.PasswordRejected):
            act()
    assert len(world.apple.requests) - before == 1
    assert world.calendar.names() == ["u1.ics"]


def test_f26_a_write_is_not_led_astray(world: World) -> None:
    world.apple.faults.add(faults.evil_href("redirect"), method="PUT", times=None)
    with pytest.raises(errors.UntrustedHost):
        world.client.create(world.path, body())
    assert world.apple.evil.requests == []
    assert world.calendar.names() == []


# -- answers no decent server gives -------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 201, 204])
def test_each_plain_success_is_one(stage: Stage, client: Client, status: int) -> None:
    stage.play(answer(status, headers=[("ETag", "ldp3")]))
    assert client.create(PATH, body()) == '"ldp3"'
    assert client.update(PATH, body(), etag='"1"') == '"ldp3"'


def test_radicales_200_with_a_multistatus_is_one_too(stage: Stage, client: Client) -> None:
    stage.play(answer(200, multistatus(response(PATH, status="200 OK"))))
    client.delete(PATH, etag='"1"')
    stage.play(answer(200, multistatus(response(PATH, status="423 Locked"))))
    with pytest.raises(errors.OutcomeUnknown):
        client.delete(PATH, etag='"1"')


@pytest.mark.parametrize("status", [200, 202, 207])
def test_e2_a_sign_in_page_is_no_success(stage: Stage, client: Client, status: int) -> None:
    stage.play(answer(status, HTML_PAGE, content_type="text/html"))
    for act in (lambda: client.create(PATH, body()), lambda: client.delete(PATH, etag='"1"')):
        with pytest.raises(errors.OutcomeUnknown):
            act()


def test_a_201_for_a_delete_is_none(stage: Stage, client: Client) -> None:
    stage.play(answer(201))
    with pytest.raises(errors.OutcomeUnknown):
        client.delete(PATH, etag='"1"')


@pytest.mark.parametrize("href", ["https://evil.example/x.ics", "../../x.ics", "//evil.example/x", ""])
def test_a_conflict_elsewhere_names_no_path(stage: Stage, client: Client, href: str) -> None:
    where = f'<href xmlns="DAV:">{href}</href>'
    named = f'<no-uid-conflict xmlns="urn:ietf:params:xml:ns:caldav">{where}</no-uid-conflict>'
    stage.play(answer(403, f'<error xmlns="DAV:">{named}</error>'.encode()))
    with pytest.raises(errors.UidConflict) as caught:
        client.create(PATH, body())
    assert caught.value.path is None


@pytest.mark.parametrize(
    ("status", "expected"),
    [(409, errors.ItemBusy), (423, errors.ItemBusy), (507, errors.ItemBusy), (429, errors.Throttled)],
)
def test_f13_f14_a_write_may_have_to_wait(stage: Stage, client: Client, status: int, expected: type) -> None:
    stage.play(answer(status, headers=[("Retry-After", "30")]))
    with pytest.raises(expected) as caught:
        client.create(PATH, body())
    assert caught.value.after_seconds == 30.0
