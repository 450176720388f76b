"""Every error of messages.py has been seen on a page, and came about there as it does in life."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from icloud_sync import errors
from icloud_sync.errors import ICloudError
from icloud_sync.local import journal
from icloud_sync.messages import ERROR_TEXTS, code_of, error_text
from icloud_sync.models import ICloudCalendar, ICloudConnection, ICloudCredential
from tests.fake_icloud import FakeICloud, faults
from tests.scene import booking_calendars
from tests.stage import Person
from tests.web.test_errors import CONNECT, WRONG, alerts, words

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
    rows = ICloudCalendar.objects.filter(pk=reader.ada.calendar("Work").pk)
    rows.update(gone_at=timezone.now(), checks_conflicts=True)
    said = reader.chooses("Work")
    rows.update(gone_at=None)
    return said


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
    errors.CredentialsUnreadable: without_its_key,
}
# What sync settles by itself, or what befalls one event: staff read it in the journal, its owner as a refusal (W9).
IN_THE_JOURNAL = {
    errors.BudgetSpent, errors.TokenLost, errors.ItemChanged, errors.ItemMissing, errors.ItemRefused, errors.ItemBusy,
    errors.UidConflict, errors.OutcomeUnknown, errors.ItemUnreadable,
}  # fmt: skip


@pytest.fixture
def reader(ada: Person, client: Client, icloud: FakeICloud, settings: Any) -> Reader:
    return Reader(ada, client, icloud, settings)


def test_no_error_is_left_out() -> None:
    """A new error needs a way to be seen: add one above."""
    assert set(NEW_ACCOUNT) | set(CONNECTED) | IN_THE_JOURNAL == set(ERROR_TEXTS)


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


def test_what_befalls_one_event_is_told_to_staff_in_the_journal(reader: Reader) -> None:
    reader.ada.connect()
    staff, connection = Client(), ICloudConnection.objects.get()
    admin = connection.user.__class__.objects.create_superuser("root")
    staff.force_login(admin)
    for kind in IN_THE_JOURNAL:
        entry = journal.note(
            user_id=connection.user_id, connection_id=connection.pk, action="write_failed", code=code_of(kind)
        )
        entry.save()
        page = staff.get(f"/admin/icloud_sync/journalentry/{entry.pk}/change/").content.decode()
        assert error_text(code_of(kind)) in words(page), kind
