"""What the first sync would do is told before anything is chosen, and nothing is kept of the look."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from calendars.models import BlockedSlot
from icloud_sync.local import leases
from icloud_sync.models import ICloudConnection, ICloudEvent
from icloud_sync.services import previewing
from tests.fake_icloud import FakeICloud
from tests.scene import _private_events, moment, next_monday
from tests.stage import Person, day
from tests.web.test_errors import words

ADDRESS = "/settings/profile/primary-calendar/preview/"


@pytest.fixture
def connected(ada: Person) -> Person:
    ada.connect(primary=None)
    _private_events(ada, lambda weekday, clock: moment(next_monday(), weekday, clock))
    return ada


def fragment(client: Client, person: Person, name: str = "Home") -> str:
    found = client.get(ADDRESS, {"primary_calendar": person.calendar(name).pk}, headers={"HX-Request": "true"})
    assert found.status_code == 200
    return words(found.content.decode())


def test_the_numbers_are_those_of_the_sync_that_follows(ada: Person, client: Client, connected: Person) -> None:
    connected.phone.create("Home", title="Long ago", start=day(-90, 9), end=day(-90, 10))
    connected.phone.create(
        "Home", title="Weekly", start=day(-90, 18), end=day(-90, 19), rrule="FREQ=WEEKLY", status="TENTATIVE"
    )
    connected.phone.add_raw("Home", "broken.ics", b"BEGIN:VCALENDAR\r\nnot an event at all")
    said = fragment(client, connected)
    assert "“Home” after you save: 6 events, 4 will block your time." in said
    assert "1 all-day event is marked Free on your iPhone and will not. 1 event cannot be read." in said
    connected.choose(primary="Home")
    connected.sync(2)
    after = words(client.get("/settings/profile/").content.decode())
    assert "6 events: 4 block your time. 1 all-day event is marked Free" in after
    assert "1 event could not be read." in after


def test_nothing_is_kept_of_the_look(ada: Person, client: Client, connected: Person) -> None:
    fragment(client, connected)
    assert not BlockedSlot.objects.exists()
    assert not ICloudEvent.objects.exists()
    assert not connected.calendar("Home").checks_conflicts
    assert ICloudConnection.objects.get().claim is None, "the account is given back"


def test_an_empty_calendar_is_called_that(ada: Person, client: Client, connected: Person) -> None:
    connected.account.add_calendar("Trips")
    connected.sync()
    assert "There are no coming events." in fragment(client, connected, "Trips")


def test_without_javascript_it_is_part_of_the_page(ada: Person, client: Client, connected: Person) -> None:
    home = connected.calendar("Home").pk
    page = client.get(ADDRESS, {"primary_calendar": home}).content.decode()
    assert "will block your time" in words(page)
    assert f'name="primary_calendar" value="{home}" checked' in page


@pytest.mark.parametrize("asked", ["", "0", "nonsense", "999999"])
def test_no_calendar_no_numbers(ada: Person, client: Client, connected: Person, asked: str) -> None:
    found = client.get(ADDRESS, {"primary_calendar": asked}, headers={"HX-Request": "true"})
    assert words(found.content.decode()).strip() == ""


def test_a_subscription_is_never_read(ada: Person, client: Client, connected: Person, icloud: FakeICloud) -> None:
    """Rule K6."""
    before = len(icloud.requests)
    assert "cannot be counted just now" in fragment(client, connected, "Bank Holidays")
    assert len(icloud.requests) == before


def test_an_outage_does_not_stand_in_the_way_of_saving(
    ada: Person, client: Client, connected: Person, icloud: FakeICloud
) -> None:
    icloud.outage = True
    assert "iCloud has a fault of its own" in fragment(client, connected)


def test_a_busy_account_is_not_waited_for_for_long(
    ada: Person, client: Client, connected: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(previewing, "SECONDS", 0.3)
    assert connected.connection is not None
    assert leases.claim(connected.connection.pk, now=timezone.now()) is not None
    assert "cannot be counted just now" in fragment(client, connected)


def test_a_huge_calendar_is_left_to_the_sync(
    ada: Person, client: Client, connected: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(previewing, "MOST", 2)
    assert "cannot be counted just now" in fragment(client, connected)


def test_our_own_appointments_are_not_counted(scene: Any, client: Client) -> None:
    """Rule W7."""
    calendar = scene.ada.calendar("Home")
    seen = previewing.preview_of(calendar=calendar, now=day(0))
    assert seen.events == 4, "dentist, lunch, birthday reminder, Lisbon"
