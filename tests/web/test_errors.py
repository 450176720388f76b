"""What can go wrong on a page is said there, in words that say what to do next."""

from __future__ import annotations

import html
import re

import pytest
from django.test import Client
from django.utils import timezone

from icloud_sync import errors
from icloud_sync.messages import error_text
from icloud_sync.models import ICloudConnection
from icloud_sync.services import choosing
from tests.fake_icloud import FakeICloud
from tests.scene import Scene
from tests.stage import Person

CONNECT = "/settings/profile/icloud/connect/"
WRONG = "wxyz-wxyz-wxyz-wxyz"


def words(page: str) -> str:
    """Return what a page says, without its markup."""
    body = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", page, flags=re.S)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", body)))


def alerts(page: str) -> str:
    return words(" ".join(re.findall(r'role="alert"[^>]*>(.*?)</(?:div|p)>', page, flags=re.S)))


def connect(client: Client, ada: Person, **given: str) -> str:
    form = {"apple_id": ada.account.apple_id, "app_specific_password": ada.account.password} | given
    answer = client.post(CONNECT, form)
    assert answer.status_code == 200, "it should have been refused"
    return answer.content.decode()


def test_a_wrong_password_names_the_right_one(ada: Person, client: Client) -> None:
    page = connect(client, ada, app_specific_password=WRONG)
    assert "create an app-specific password at appleid.apple.com" in alerts(page)
    assert WRONG not in page


def test_a_password_that_cannot_be_one_is_not_sent(ada: Person, client: Client, icloud: FakeICloud) -> None:
    before = len(icloud.requests)
    page = connect(client, ada, app_specific_password="MyDog2015!")
    assert "it was not sent to Apple" in alerts(page)
    assert "MyDog2015!" not in page
    assert len(icloud.requests) == before


def test_icloud_being_down_saves_nothing_and_says_so(ada: Person, client: Client, icloud: FakeICloud) -> None:
    icloud.outage = True
    assert error_text(errors.ServerFault()) in alerts(connect(client, ada))
    assert not ICloudConnection.objects.exists()


def test_the_same_account_twice_is_refused(ada: Person, client: Client) -> None:
    ada.connect()
    assert error_text(errors.AlreadyConnected()) in alerts(connect(client, ada))
    assert ICloudConnection.objects.count() == 1


def test_a_reconnect_with_another_accounts_password_is_refused(scene: Scene, client: Client) -> None:
    other = scene.stage.icloud.account("other@icloud.example", name="Other")
    connection = ICloudConnection.objects.get()
    address = f"/settings/profile/icloud/{connection.pk}/reconnect/"
    answer = client.post(address, {"app_specific_password": other.password})
    assert "Apple did not accept" in alerts(answer.content.decode())


@pytest.mark.parametrize(
    ("name", "said"), [("Team", "Writer's access is required"), ("Bank Holidays", "added by URL) are not supported")]
)
def test_a_calendar_that_may_not_be_primary_is_refused_in_words(
    scene: Scene, client: Client, name: str, said: str
) -> None:
    calendar = scene.ada.calendar(name)
    answer = client.post("/settings/profile/primary-calendar/", {"primary_calendar": calendar.pk})
    assert said in alerts(answer.content.decode())
    scene.ada.user.calendar_settings.refresh_from_db()
    assert scene.ada.user.calendar_settings.primary_calendar.name == "Home"


def test_a_subscribed_calendar_is_refused_as_a_conflict_calendar(scene: Scene, client: Client) -> None:
    chosen = [scene.ada.calendar(name).pk for name in ("Home", "Bank Holidays")]
    answer = client.post("/settings/profile/conflict-calendars/", {"conflict_calendars": chosen})
    assert "are not supported" in alerts(answer.content.decode())


def test_a_choice_must_be_made_on_disconnecting(scene: Scene, client: Client) -> None:
    connection = ICloudConnection.objects.get()
    answer = client.post(f"/settings/profile/icloud/{connection.pk}/disconnect/", {})
    assert "Choose what happens" in alerts(answer.content.decode())
    connection.refresh_from_db()
    assert connection.status == "connected"


@pytest.mark.icloud(impolite="somebody guesses passwords", ignore={6})
def test_too_many_wrong_passwords_are_stopped(ada: Person, client: Client, icloud: FakeICloud) -> None:
    for _ in range(10):
        connect(client, ada, app_specific_password=WRONG)
    before = len(icloud.requests)
    assert "Too many passwords were rejected" in alerts(connect(client, ada, app_specific_password=WRONG))
    assert len(icloud.requests) == before


def test_choices_that_race_are_told_not_crashed(scene: Scene, client: Client) -> None:
    """A calendar vanished between showing the form and sending it."""
    calendar = scene.ada.calendar("Work")
    choosing.change_settings(user=scene.ada.user, now=timezone.now(), conflict_calendar_ids=[])
    pk = calendar.pk
    calendar.delete()
    answer = client.post("/settings/profile/primary-calendar/", {"primary_calendar": pk})
    assert "not in your account any more" in alerts(answer.content.decode())
