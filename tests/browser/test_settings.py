"""From log-in to Connected, primary calendar chosen, first sync finished (issue: without leaving the page)."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from icloud_sync.models import ConnectionStatus, ICloudConnection
from icloud_sync.services import syncing
from tests.browser.conftest import Opener
from tests.scene import booking_calendars, full_week, moment, next_monday
from tests.stage import Person, Stage

SETTINGS = "/settings/profile/"


def account(page: Page) -> str:
    return page.locator("[id^=account-]").first.inner_text()


def look_again(page: Page, *, javascript: bool) -> None:
    """Without JavaScript a person follows the link; with it the page looks by itself."""
    if not javascript:
        page.goto(page.url.split("#")[0])


@pytest.mark.turns(4)
@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "plain"])
@pytest.mark.parametrize("size", ["phone", "desk"])
def test_from_log_in_to_a_finished_first_sync(window: Opener, ada: Person, size: str, javascript: bool) -> None:
    booking_calendars(ada)
    monday = next_monday()
    ada.phone.create("Home", title="Dentist", start=moment(monday, 1, "13:00"), end=moment(monday, 1, "14:00"))
    ada.phone.create("Home", title="Lisbon", start=monday, end=monday + timedelta(days=3), free=True)
    page = window(size, javascript=javascript).sign_in(at=SETTINGS)

    page.get_by_role("link", name="Connect", exact=True).click()
    expect(page.get_by_text("LeadMagicX Calendar", exact=True)).to_be_visible()
    page.get_by_label("iCloud email address").fill(f" {ada.account.apple_id} ")
    page.get_by_label("App-specific password").fill(ada.account.password.upper().replace("-", " "))
    page.get_by_role("button", name="Connect", exact=True).click()
    expect(page.get_by_text("Connected", exact=True)).to_be_visible()

    page.get_by_role("link", name="Edit", exact=True).click()
    group = page.get_by_role("group", name="2. Select your primary calendar")
    expect(group.get_by_label("Team")).to_be_disabled()
    expect(group.get_by_text("Writer's access is required")).to_be_visible()
    expect(group.get_by_label("Bank Holidays")).to_be_disabled()
    group.get_by_label("Home").check()
    if not javascript:
        page.get_by_role("button", name="Show first what will happen").click()
    expect(page.get_by_text("2 events, 1 will block your time. 1 all-day event is marked Free")).to_be_visible()
    expect(group.get_by_label("Home")).to_be_checked()
    page.get_by_role("button", name="Save", exact=True).click()
    note = page.get_by_text("Appointments are now written to “Home”.")
    expect(note).to_be_visible()
    if javascript:
        expect(note).to_be_focused()
    expect(page.get_by_text("Syncing: looking through your calendars")).to_be_visible()
    expect(page.get_by_role("checkbox", name="Home")).to_be_checked()

    syncing.pull(ICloudConnection.objects.get().pk)
    look_again(page, javascript=javascript)
    expect(page.get_by_text("2 events: 1 block your time. 1 all-day event is marked Free")).to_be_visible()
    assert "Last synced" in account(page)
    page.goto(page.url.split("#")[0])
    expect(page.get_by_text("Lisbon")).to_be_visible()


@pytest.mark.late
@pytest.mark.turns(2)
@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "plain"])
def test_disconnect_asks_what_becomes_of_what_is_in_icloud(window: Opener, ada: Person, javascript: bool) -> None:
    ada.connect()
    page = window("phone", javascript=javascript).enter(at=SETTINGS)
    page.get_by_role("link", name="Disconnect").click()
    expect(page.get_by_text("Please revoke it at Apple as well")).to_be_visible()
    page.get_by_label("Keep them in iCloud").check()
    page.get_by_role("button", name="Disconnect").click()
    expect(page.get_by_text("iCloud is off, and the password is erased here.")).to_be_visible()
    expect(page.get_by_role("link", name="Connect", exact=True)).to_be_visible()
    assert ICloudConnection.objects.get().status == ConnectionStatus.DISCONNECTED


@pytest.mark.late
def test_a_revoked_password_is_replaced_where_it_is_missed(window: Opener, ada: Person) -> None:
    ada.connect()
    ada.account.revoke_all()
    ICloudConnection.objects.update(status=ConnectionStatus.NEEDS_PASSWORD, error_code="password_rejected")
    page = window("phone").enter(at=SETTINGS)
    expect(page.get_by_text("Needs a new password", exact=True)).to_be_visible()
    page.get_by_role("link", name="Reconnect").click()
    page.get_by_label("App-specific password").fill(ada.account.new_password("again"))
    page.get_by_role("button", name="Reconnect").click()
    expect(page.get_by_text("Connected", exact=True)).to_be_visible()


@pytest.mark.late
def test_the_shape_of_a_password_is_judged_while_it_is_typed(window: Opener, ada: Person) -> None:
    page = window().enter(at="/settings/profile/icloud/connect/")
    password, said = page.get_by_label("App-specific password"), page.locator("#shape")
    password.press_sequentially("abcd-efg")
    expect(said).to_have_text("7 of 16 letters")
    password.fill("MyDog2015!")
    expect(said).to_contain_text("This is not an app-specific password")
    password.fill("ABCD efgh–ijkl mnop")
    expect(said).to_have_text("This is the right shape.")
    expect(password).to_have_attribute("type", "password")
    page.get_by_role("button", name="Show what I typed").click()
    expect(password).to_have_attribute("type", "text")


@pytest.mark.late
def test_a_second_account_is_chosen_before_its_calendar(window: Opener, stage: Stage, ada: Person) -> None:
    ada.connect()
    other = stage.icloud.account("studio@icloud.example", name="Studio", calendars=("Studio",))
    Person(ada.user, other, stage.icloud).connect(primary=None)
    for javascript in (True, False):
        page = window("desk", javascript=javascript).enter(at=SETTINGS)
        page.get_by_role("link", name="Edit", exact=True).click()
        page.get_by_role("group", name="1. Choose your account").get_by_label("studio@icloud.example").check()
        if not javascript:
            page.get_by_role("button", name="Show its calendars").click()
        expect(page.get_by_role("group", name="2. Select").get_by_label("Studio")).to_be_visible()
        expect(page.get_by_role("group", name="2. Select").get_by_label("Work")).to_have_count(0)


@pytest.mark.late
def test_conflict_calendars_and_further_settings_are_saved(window: Opener, ada: Person) -> None:
    ada.connect()
    page = window("phone", javascript=False).enter(at=SETTINGS)
    page.get_by_role("checkbox", name="Work").check()
    page.get_by_role("checkbox", name="Home").uncheck()
    page.get_by_role("button", name="Save conflict calendars").click()
    expect(page.get_by_text("Conflict calendars saved.")).to_be_visible()
    page.get_by_label("Free the time").check()
    page.get_by_label("Travel time blocks too").uncheck()
    page.get_by_role("button", name="Save settings").click()
    expect(page.get_by_text("Settings saved.")).to_be_visible()
    page.goto(page.url.split("#")[0])
    expect(page.get_by_role("checkbox", name="Work")).to_be_checked()
    expect(page.get_by_role("checkbox", name="Home")).not_to_be_checked()
    expect(page.get_by_label("Free the time")).to_be_checked()
    expect(page.get_by_label("Travel time blocks too")).not_to_be_checked()


@pytest.mark.late
def test_the_page_follows_the_account_by_itself(window: Opener, stage: Stage, ada: Person) -> None:
    """The status line is looked at again and again, and says what happened meanwhile."""
    ada.connect()
    ada.sync(2)
    page = window().enter(at=SETTINGS)
    page.get_by_role("button", name="Sync now").click()
    expect(page.get_by_text("Syncing: looking through your calendars")).to_be_visible()
    ICloudConnection.objects.update(not_before=None)
    syncing.pull(ICloudConnection.objects.get().pk)
    expect(page.get_by_text("Syncing: looking through your calendars")).to_have_count(0)
    expect(page.get_by_text(re.compile(r"Last synced (just now|\d+ s ago)"))).to_be_visible()


@pytest.mark.late
def test_a_full_week_can_be_reached_from_settings(window: Opener, stage: Stage, live_server: object) -> None:
    full_week(stage)
    page = window().enter(at=SETTINGS)
    page.get_by_role("link", name="Calendar", exact=True).click()
    expect(page.get_by_role("link", name="New appointment")).to_be_visible()
