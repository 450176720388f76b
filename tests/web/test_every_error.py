"""Every error of messages.py has been seen on a page, and came about there as it does in life."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from unittest import mock

import pytest
from django.test import Client

from icloud_sync import errors
from icloud_sync.errors import ICloudError
from icloud_sync.messages import ERROR_TEXTS
from icloud_sync.models import ICloudConnection, ICloudCredential
from icloud_sync.services import syncing
from tests.fake_icloud import FakeICloud, faults
from tests.scene import booking_calendars
from tests.stage import Person, day
from tests.web.test_errors import CONNECT, WRONG, alerts, words
from tests.web.test_seen_journal import ERRORS as JOURNAL

SETTINGS = "/settings/profile/"


@dataclass
class Reader:
    """Ada in front of her settings, and what can be made to go wrong behind them."""

    ada: Person
    client: Client
    icloud: FakeICloud
    settings: Any

    def connects(self, **given: str) -> str:
        form = {"apple_id": self.ada.account.apple_id, "app_specific_password": self.ada.account.password} | given
        return alerts(self.client.post(CONNECT, form).content.decode())

    def fails(self, action: faults.Action, **where: Any) -> str:
        """Connect while iCloud answers like this."""
        self.icloud.faults.add(action, times=None, **where)
        said = self.connects()
        self.icloud.faults.clear()
        return said

    def chooses(self, name: str) -> str:
        form = {"primary_calendar": self.ada.calendar(name).pk}
        return alerts(self.client.post(f"{SETTINGS}primary-calendar/", form).content.decode())

    def settings_page(self) -> str:
        return words(self.client.get(SETTINGS).content.decode())


def locked(reader: Reader) -> str:
    reader.ada.account.lock()
    said = reader.connects()
    reader.ada.account.unlock()
    return said


def down(reader: Reader) -> str:
    reader.icloud.outage = True
    said = reader.connects()
    reader.icloud.outage = False
    return said


def another_account(reader: Reader) -> str:
    """Apple gave the address to somebody else: the same name, another account."""
    other = reader.icloud.account("other@icloud.example", name="Other")
    mine, other.apple_id = reader.ada.account.apple_id, reader.ada.account.apple_id
    reader.ada.account.apple_id = "old@icloud.example"
    address = f"{SETTINGS}icloud/{ICloudConnection.objects.get().pk}/reconnect/"
    page = reader.client.post(address, {"app_specific_password": other.password}).content.decode()
    reader.ada.account.apple_id, other.apple_id = mine, "other@icloud.example"
    return alerts(page)


def vanished(reader: Reader) -> str:
    """The calendar is chosen, so it stays listed when it is deleted on the iPhone (rule K7)."""
    reader.ada.choose(conflicts=("Home", "Work"))
    reader.ada.sync(2)
    reader.ada.account.delete_calendar("Work")
    reader.ada.sync(3)
    return reader.chooses("Work")


def without_budget(reader: Reader) -> str:
    """Look at what the first sync would do, with one request left for this minute: a list, and no event."""
    reader.ada.phone.create("Home", title="Dentist", start=day(3, 9), end=day(3, 10))
    reader.settings.ICLOUD_REQUESTS_PER_MINUTE = 1
    address = f"{SETTINGS}primary-calendar/preview/?primary_calendar={reader.ada.calendar('Home').pk}"
    page = reader.client.get(address, headers={"HX-Request": "true"}).content.decode()
    reader.settings.ICLOUD_REQUESTS_PER_MINUTE = 0
    return words(page)


def broken(reader: Reader) -> str:
    for _ in range(3):
        with mock.patch.object(syncing, "look", side_effect=ValueError), contextlib.suppress(ValueError):
            reader.ada.sync()
    return reader.settings_page()


def without_its_key(reader: Reader) -> str:
    field = ICloudCredential._meta.get_field("sealed")
    for keys in (["x" * 40], reader.settings.CREDENTIAL_KEYS):
        # The field remembers the keys it began with.
        for name in ("keys", "fernet_keys", "fernet"):
            field.__dict__.pop(name, None)
        reader.settings.FERNET_KEYS = keys
        reader.ada.sync()
    return reader.settings_page()


NEW_ACCOUNT: dict[type[ICloudError], Callable[[Reader], str]] = {
    errors.PasswordRejected: lambda reader: reader.connects(app_specific_password=WRONG),
    errors.NotAnAppSpecificPassword: lambda reader: reader.connects(app_specific_password="MyDog2015!"),
    errors.Unreachable: lambda reader: reader.fails(faults.close_before_response()),
    errors.Throttled: lambda reader: reader.fails(faults.status(429)),
    errors.ServerFault: down,
    errors.AccessRefused: locked,
    errors.UntrustedHost: lambda reader: reader.fails(faults.evil_href("redirect")),
    errors.BadAnswer: lambda reader: reader.fails(faults.html_200()),
    errors.CollectionMissing: lambda reader: reader.fails(faults.status(404), path="/calendars/"),
}
CONNECTED: dict[type[ICloudError], Callable[[Reader], str]] = {
    errors.AlreadyConnected: lambda reader: reader.connects(),
    errors.DifferentAccount: another_account,
    errors.WriterAccessRequired: lambda reader: reader.chooses("Team"),
    errors.SubscriptionNotSupported: lambda reader: reader.chooses("Bank Holidays"),
    errors.CalendarGone: vanished,
    errors.SimpleCalendarNotSupported: Reader.settings_page,
    errors.Unforeseen: broken,
    errors.BudgetSpent: without_budget,
    errors.CredentialsUnreadable: without_its_key,
}
# What befalls one event is told in the journal and under Attention: test_seen_journal.py, test_seen_refusals.py.
ELSEWHERE = {*JOURNAL, errors.ItemRefused}


@pytest.fixture
def reader(ada: Person, client: Client, icloud: FakeICloud, settings: Any) -> Reader:
    return Reader(ada, client, icloud, settings)


def test_no_error_is_left_out() -> None:
    """A new error needs a way to be seen: add one above."""
    assert set(NEW_ACCOUNT) | set(CONNECTED) | ELSEWHERE == set(ERROR_TEXTS)


@pytest.mark.icloud(impolite="everything goes wrong here, one after the other", ignore={6})
def test_what_goes_wrong_on_connecting_is_told_on_the_form(reader: Reader) -> None:
    for kind, seen in NEW_ACCOUNT.items():
        assert str(ERROR_TEXTS[kind]) in seen(reader), kind
    assert not ICloudConnection.objects.exists()


def test_what_goes_wrong_later_is_told_where_it_is_looked_for(reader: Reader) -> None:
    booking_calendars(reader.ada)
    reader.ada.connect()
    for kind, seen in CONNECTED.items():
        assert str(ERROR_TEXTS[kind]) in seen(reader), kind
    assert ICloudConnection.objects.count() == 1
