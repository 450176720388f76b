"""My Profile and Calendar Settings: what is shown when, and what is saved."""

from __future__ import annotations

from django.test import Client
from django.utils import timezone

from icloud_sync.models import CalendarSettings, ConnectionStatus, ICloudConnection, RunState, SyncRun
from tests.scene import Scene
from tests.stage import Person
from tests.web.test_errors import words

SETTINGS = "/settings/profile/"


def said(client: Client, path: str = SETTINGS) -> str:
    return words(client.get(path).content.decode())


def test_before_connecting_the_card_offers_only_that(ada: Person, client: Client) -> None:
    page = said(client)
    assert "Connect" in page.split()
    assert "Connected" not in page
    assert "Primary Calendar" not in page


def test_the_steps_to_a_password_are_those_of_the_guide(ada: Person, client: Client) -> None:
    """Rule C1."""
    page = said(client, f"{SETTINGS}icloud/connect/")
    steps = ["appleid.apple.com", "Sign-In and Security", "App-specific passwords", "+", "LeadMagicX Calendar", "Copy"]
    places = [page.index(step, page.index("How to get an app-specific password")) for step in steps]
    assert places == sorted(places)
    assert "opens your whole iCloud account" in page


def test_connecting_selects_nothing_and_says_what_is_next(ada: Person, client: Client) -> None:
    form = {"apple_id": ada.account.apple_id, "app_specific_password": ada.account.password}
    answer = client.post(f"{SETTINGS}icloud/connect/", form, follow=True)
    page = words(answer.content.decode())
    assert answer.redirect_chain == [(f"{SETTINGS}#icloud", 302)]
    assert page.count("Connected") == 1
    assert "Now choose your primary calendar." in page
    assert ada.account.password not in answer.content.decode()


def test_the_primary_calendar_joins_the_conflict_calendars(scene: Scene, client: Client) -> None:
    """Rule K4."""
    scene.ada.choose(conflicts=())
    client.post(f"{SETTINGS}primary-calendar/", {"primary_calendar": scene.ada.calendar("Work").pk})
    assert CalendarSettings.objects.get(user=scene.ada.user).primary_calendar == scene.ada.calendar("Work")
    assert scene.ada.calendar("Work").checks_conflicts
    client.post(f"{SETTINGS}primary-calendar/", {"primary_calendar": ""})
    assert CalendarSettings.objects.get(user=scene.ada.user).primary_calendar is None


def test_progress_is_shown_in_numbers(scene: Scene, client: Client) -> None:
    connection = ICloudConnection.objects.get()
    SyncRun.objects.create(connection=connection, state=RunState.RUNNING, done=40, total=214)
    page = client.get(SETTINGS).content.decode()
    assert "Syncing: 40 of 214 events" in words(page)
    assert 'max="214" value="40"' in page
    address = f"{SETTINGS}icloud/{connection.pk}/status/"
    fragment = client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert "Syncing: 40 of 214 events" in words(fragment)
    assert "<html" not in fragment
    assert client.get(address)["Location"] == f"{SETTINGS}#icloud", "a page without JavaScript gets the page"


def test_each_status_is_said_with_what_to_do(scene: Scene, client: Client) -> None:
    """Rule C5."""
    rows = ICloudConnection.objects
    assert "Connected" in said(client)
    rows.update(status=ConnectionStatus.NEEDS_PASSWORD)
    page = said(client)
    assert "Needs a new password" in page
    assert "Reconnect" in page
    assert "Sync now" not in page
    rows.update(status=ConnectionStatus.UNREACHABLE, failing_since=timezone.now())
    assert "LeadMagicX keeps trying" in said(client)


def test_whole_days_marked_free_are_listed_with_the_way_out(scene: Scene, client: Client) -> None:
    page = said(client)
    assert "Lisbon" in page
    assert "Tap Edit, then Show As." in page
    scene.ada.phone.find("Lisbon").set_busy()
    scene.ada.sync(2)
    assert "Lisbon" not in said(client)


def test_a_simple_calendar_is_named_with_the_sentence_of_the_guide(scene: Scene, client: Client) -> None:
    """Rule K2."""
    assert "First meeting Simple calendar iCloud Integration is not supported for Simple Calendars" in said(client)


def test_the_time_zone_is_saved_and_checked(ada: Person, client: Client) -> None:
    answer = client.post(SETTINGS, {"timezone": "Mars/Olympus"})
    assert "Mars/Olympus is not a time zone" in words(answer.content.decode())
    client.post(SETTINGS, {"timezone": "Asia/Tokyo"})
    ada.user.refresh_from_db()
    assert ada.user.timezone == "Asia/Tokyo"
    names = client.get(f"{SETTINGS}time-zones/").content.decode()
    assert 'value="Europe/Berlin"' in names
    assert 'value="UTC"' in names


def test_a_vanished_primary_calendar_stays_visible_with_its_reason(scene: Scene, client: Client) -> None:
    """Rule K7."""
    calendar = scene.ada.calendar("Home")
    calendar.gone_at = timezone.now()
    calendar.save()
    page = said(client)
    assert "This calendar is not in iCloud any more." in page


def test_the_password_is_on_no_page(scene: Scene, client: Client) -> None:
    secret = scene.ada.account.password
    for path in (SETTINGS, f"{SETTINGS}icloud/connect/", "/", "/attention/"):
        assert secret not in client.get(path).content.decode()
