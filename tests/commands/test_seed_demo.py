"""The demo's content: something of everything, made once."""

from __future__ import annotations

import json
from datetime import date
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from rest_framework.test import APIClient

from calendars.choices import CalendarType
from calendars.models import Appointment, BlockedSlot, Calendar, Contact
from icloud_sync.models import CalendarSettings, ICloudConnection, SyncedEvent
from icloud_sync.services import connecting, syncing
from leadmagicx.accounts.models import User
from leadmagicx.accounts.services import issue_token
from leadmagicx.demo.content import APPOINTMENTS, USERS
from leadmagicx.demo.services import working_day
from tests.api.conftest import rung  # noqa: F401 - no bell reaches the broker
from tests.fake_icloud import seed

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rung")]


def run(*options: str) -> str:
    out = StringIO()
    call_command("seed_demo", *options, stdout=out)
    return out.getvalue()


def everything() -> dict[str, int]:
    models = (User, Calendar, Appointment, Contact, BlockedSlot, ICloudConnection, SyncedEvent)
    return {model.__name__: model.objects.count() for model in models}


@pytest.fixture
def stand_in(icloud_settings, monkeypatch):
    accounts = seed.demo(icloud_settings, zone="Europe/Berlin")
    handed = [{"apple_id": one.apple_id, "password": one.password, "name": one.name} for one in accounts]
    monkeypatch.setenv("DEMO_ICLOUD_ACCOUNTS", json.dumps(handed))
    return icloud_settings


def test_there_is_something_of_everything(stand_in):
    told = run()
    assert set(Calendar.objects.values_list("type", flat=True)) == set(CalendarType.values)
    assert Appointment.objects.count() == len(APPOINTMENTS)
    assert BlockedSlot.objects.filter(source="leadmagicx").count() == 2
    assert list(ICloudConnection.objects.values_list("user__username", "status")) == [
        ("ada", "connected"),
        ("ben", "connected"),
    ]
    for settings in CalendarSettings.objects.all():
        assert settings.primary_calendar.name == "Home"
        checked = settings.primary_calendar.connection.calendars.filter(checks_conflicts=True)
        assert {calendar.name for calendar in checked} == {"Home", "Work"}
    for user in USERS:
        assert user.username in told
        assert user.password in told


def test_again_it_changes_nothing(stand_in):
    run()
    before = everything()
    with stand_in.counting() as seen:
        run()
    assert everything() == before
    assert len(seen.requests) == 0


@pytest.mark.late
def test_who_disconnected_stays_disconnected(stand_in):
    run()
    from django.utils import timezone

    connection = ICloudConnection.objects.get(user__username="ada")
    connecting.disconnect(connection_id=connection.pk, written_events="keep", now=timezone.now())
    run()
    assert ICloudConnection.objects.get(user__username="ada").status == "disconnected"


def test_appointments_reach_the_stand_in_and_private_events_block(stand_in):
    run()
    for pk in ICloudConnection.objects.values_list("pk", flat=True):
        syncing.pull(pk)
    assert SyncedEvent.objects.filter(state="written").count() == SyncedEvent.objects.count() >= 6
    assert BlockedSlot.objects.filter(source="icloud", blocks=True).exists()
    assert BlockedSlot.objects.filter(source="icloud", code="FREE").exists()
    assert not SyncedEvent.objects.filter(engagement__calendar__type="simple").exists()


def test_without_icloud_nobody_is_connected_and_nothing_is_sent(stand_in):
    with stand_in.counting() as seen:
        run("--no-icloud")
    assert not ICloudConnection.objects.exists()
    assert len(seen.requests) == 0
    assert Appointment.objects.count() == len(APPOINTMENTS)


def test_a_stand_in_that_is_down_is_told_and_stops_nothing(stand_in):
    stand_in.outage = True
    assert "ada could not be connected" in run()
    assert Appointment.objects.count() == len(APPOINTMENTS)


def test_the_users_can_sign_in(client, db):
    run("--no-icloud")
    for user in USERS:
        assert client.login(username=user.username, password=user.password)
    staff = User.objects.get(username="staff")
    assert (staff.is_staff, staff.is_superuser) == (True, True)
    assert not User.objects.get(username="ada").is_staff
    rest = APIClient()
    rest.credentials(HTTP_AUTHORIZATION=f"Token {issue_token(User.objects.get(username='ada'))}")
    assert rest.get("/api/v1/appointments/").json()["results"]


def test_it_is_refused_where_it_is_no_demo(settings):
    settings.SECURE_SSL_REDIRECT = True
    with pytest.raises(CommandError, match="no demo"):
        run()
    assert not User.objects.exists()


@pytest.mark.late_turns(4)
@pytest.mark.parametrize("accounts", ["nonsense", '{"a": 1}', '[{"apple_id": "x"}]', "[1]"])
def test_accounts_that_cannot_be_read_are_named(monkeypatch, accounts):
    monkeypatch.setenv("DEMO_ICLOUD_ACCOUNTS", accounts)
    with pytest.raises(CommandError, match="DEMO_ICLOUD_ACCOUNTS"):
        run()


@pytest.mark.parametrize(
    ("today", "nth", "expected"),
    [
        (date(2026, 3, 2), 0, date(2026, 3, 3)),
        (date(2026, 3, 6), 0, date(2026, 3, 9)),
        (date(2026, 3, 7), 0, date(2026, 3, 9)),
        (date(2026, 3, 5), 2, date(2026, 3, 10)),
    ],
)
def test_working_days_pass_by_weekends(today, nth, expected):
    assert working_day(nth, today=today) == expected
