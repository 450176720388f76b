"""Connecting, losing and regaining an account, under every profile (rules C2-C6; emulator section 9, Connection)."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from icloud_sync.errors import (
    AccessRefused,
    BadAnswer,
    DifferentAccount,
    NotAnAppSpecificPassword,
    PasswordRejected,
    UntrustedHost,
)
from icloud_sync.models import EventState, ICloudConnection, ICloudCredential, JournalEntry
from icloud_sync.services import connecting
from tests.fake_icloud import faults
from tests.stage import Person, Stage, day

pytestmark = pytest.mark.icloud_all_profiles
WRONG = "aaaa-bbbb-cccc-dddd"


def refused(person: Person, kind: type[Exception], **given: str) -> int:
    """Try to connect; return how many requests it took to be refused. Nothing is stored."""
    assert person.icloud is not None
    account = person.account
    given = {"apple_id": account.apple_id, "password_text": account.password} | given
    with person.icloud.counting() as seen, pytest.raises(kind):
        connecting.connect(user=person.user, now=timezone.now(), **given)  # type: ignore[arg-type]
    assert not ICloudConnection.objects.filter(user=person.user).exists()
    assert not ICloudCredential.objects.exists()
    return len(seen.requests)


def test_a_password_that_is_wrong_is_told_by_one_refusal(stage: Stage) -> None:
    ada = stage.person()
    refused(ada, PasswordRejected, password_text=WRONG)
    assert [record.status for record in stage.icloud.requests].count(401) == 1
    assert not JournalEntry.objects.filter(action="connected").exists()


def test_the_password_of_the_apple_account_is_never_sent(stage: Stage) -> None:
    ada = stage.person()
    assert refused(ada, NotAnAppSpecificPassword, password_text="My-Real-Apple-Passw0rd!") == 0


def test_an_alias_does_not_sign_in(stage: Stage) -> None:
    ada = stage.person()
    ada.account.aliases = ("countess@icloud.example",)
    refused(ada, PasswordRejected, apple_id="countess@icloud.example")
    assert [record.status for record in stage.icloud.requests].count(401) == 1


@pytest.mark.parametrize("basic_first", [True, False])
def test_the_order_of_the_challenges_does_not_matter(stage: Stage, basic_first: bool) -> None:
    stage.icloud.flags.basic_first = basic_first
    ada = stage.person().connect()
    assert ada.connection is not None
    assert ada.connection.status == "connected"
    assert 401 not in {record.status for record in stage.icloud.requests}


def test_every_way_to_be_sent_to_the_partition_is_followed(stage: Stage) -> None:
    for way in ("301", "302", "307", "308"):
        stage.icloud.flags.redirect_discovery = way  # type: ignore[assignment]
        ada = stage.person(f"ada{way}").connect()
        assert ada.calendar("Home").writable, way


def test_an_address_elsewhere_is_refused_and_never_contacted(stage: Stage) -> None:
    for kind, method in (("home-set", "PROPFIND"), ("principal", "PROPFIND"), ("redirect", "PROPFIND")):
        ada = stage.person(kind)
        stage.icloud.faults.add(faults.evil_href(kind), method=method, times=None)  # type: ignore[arg-type]
        refused(ada, UntrustedHost)
        stage.icloud.faults.clear()
    ada = stage.person("member")
    ada.phone.create("Home", title="Dentist", start=day(2, 9), end=day(2, 10))
    ada.connect()
    stage.icloud.faults.add(faults.evil_href("member"), method="REPORT", times=None)
    ada.sync()
    assert ada.connection is not None
    assert ada.connection.error_code in ("untrusted_host", "")
    assert stage.icloud.evil.requests == []


def test_a_sign_in_page_is_no_account_at_any_step(stage: Stage) -> None:
    ada = stage.person()
    for host, path in (("discovery", "/"), (None, "/principal/"), (None, "/calendars/")):
        stage.icloud.faults.add(faults.html_200(), method="PROPFIND", path=path, host=host)
        refused(ada, BadAnswer)
        stage.icloud.faults.clear()
    ada.connect()


def test_a_stored_home_is_found_again_after_a_move_to_another_partition(stage: Stage) -> None:
    ada = stage.person()
    ada.connect()
    ada.account.migrate("p2")
    ada.phone.create("Home", title="Dentist", start=day(2, 9), end=day(2, 10))
    ada.sync(3)
    assert ada.connection is not None
    assert (ada.connection.status, [slot.title for slot in ada.blocks]) == ("connected", ["Dentist"])


def test_a_locked_account_is_not_a_wrong_password(stage: Stage) -> None:
    ada = stage.person()
    ada.account.lock()
    refused(ada, AccessRefused)
    ada.account.unlock()
    ada.phone.create("Home", title="Dentist", start=day(2, 9), end=day(2, 10))
    ada.connect()
    ada.sync(3)
    ada.account.lock()
    ada.sync(2)
    assert ada.connection is not None
    assert (ada.connection.status, ada.connection.error_code) == ("unreachable", "access_refused")
    assert [slot.title for slot in ada.blocks] == ["Dentist"]
    ada.account.unlock()
    ada.sync()
    assert (ada.connection.status, ada.flags) == ("connected", set())


def test_one_refusal_that_passes_changes_nothing(stage: Stage) -> None:
    ada = stage.person()
    ada.connect()
    stage.icloud.faults.add(faults.spurious_401())
    ada.sync()
    assert ada.connection is not None
    assert (ada.connection.status, ada.connection.doubted_at is not None) == ("connected", True)
    ada.sync()
    assert (ada.connection.status, ada.connection.doubted_at, ada.flags) == ("connected", None, set())


def _settled(stage: Stage) -> tuple[Person, Any]:
    ada = stage.person()
    calendar = stage.calendar(ada)
    ada.phone.create("Home", title="Dentist", start=day(3, 9), end=day(3, 10))
    ada.connect()
    stage.book(calendar, day(2, 9))
    ada.sync(4)
    return ada, calendar


def test_a_revoked_password_stops_everything_and_a_new_one_goes_on(stage: Stage) -> None:
    """F3 and the reconnect: two refusals some minutes apart, then not one request more (rule C5, I16)."""
    ada, calendar = _settled(stage)
    (event,) = [found for found in ada.phone.events("Home") if found.summary == "Grace Hopper"]
    body = event.body
    # In the middle of a look: the change mark is read, the events are not.
    ada.phone.create("Home", title="Late", start=day(4, 9), end=day(4, 10))
    stage.icloud.faults.add(faults.Action("revoked now", tweak=lambda _: ada.account.revoke_all()), method="REPORT")
    with stage.icloud.counting() as seen:
        ada.sync(2)
    assert [record.status for record in seen.requests].count(401) <= 2
    assert ada.connection is not None
    assert (ada.connection.status, ada.flags) == ("needs_password", {"needs_password"})
    moved = stage.book(calendar, day(5, 9), name="Mary Somerville")
    with stage.icloud.counting() as seen:
        ada.sync(2)
        ada.push()
    assert seen.requests == []
    assert [slot.title for slot in ada.blocks] == ["Dentist"], "blocks are kept"
    assert [copy.state for copy in ada.copies()] == [EventState.WRITTEN, EventState.PENDING], "the outbox waits"
    ada.account.new_password()
    with stage.icloud.counting() as seen:
        connecting.reconnect(connection_id=ada.connection.pk, password_text=ada.account.password, now=timezone.now())
        ada.sync(4)
    assert event.body == body, "nothing was written again"
    assert sum(record.method == "PUT" for record in seen.requests) == 1
    titles = [found.summary for found in ada.phone.events("Home")]
    assert sorted(titles) == ["Dentist", "Grace Hopper", "Late", moved.title]
    assert sorted(slot.title for slot in ada.blocks) == ["Dentist", "Late"]
    assert ada.flags == set()


def test_a_password_of_another_account_is_refused_and_nothing_is_written_there(stage: Stage) -> None:
    ada, calendar = _settled(stage)
    assert ada.connection is not None
    ben = stage.icloud.account("ben@icloud.example", name="Ben")
    # Apple moved the address to another account: the same name, another DSID.
    ada.account.apple_id, ben.apple_id = "old@icloud.example", ada.account.apple_id
    with pytest.raises(DifferentAccount):
        connecting.reconnect(connection_id=ada.connection.pk, password_text=ben.password, now=timezone.now())
    stage.book(calendar, day(5, 9))
    ada.sync()
    assert ben.phone.events() == []
    connecting.disconnect(connection_id=ada.connection.pk, written_events="keep", now=timezone.now())
    ada.account = ben
    ada.connect()
    ada.sync(3)
    assert sorted(found.summary for found in ben.phone.events("Home")) == ["Grace Hopper", "Grace Hopper"]
    assert not any(record.dsid == ben.dsid and record.method == "DELETE" for record in stage.icloud.requests)
