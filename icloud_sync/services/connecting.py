"""Connect, reconnect and disconnect an Apple account (rules C1-C6)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from icloud_sync import signals
from icloud_sync.errors import AlreadyConnected, DifferentAccount
from icloud_sync.local import attention, blocks, journal, outbox
from icloud_sync.local.listing import Listing
from icloud_sync.models import (
    CalendarSettings,
    ConnectionStatus,
    EventState,
    ICloudCalendar,
    ICloudConnection,
    ICloudEvent,
    SyncedEvent,
)
from icloud_sync.remote.client import Client
from icloud_sync.remote.values import Account, RemoteCalendar
from icloud_sync.rules.password import normalise
from icloud_sync.secret import Secret
from icloud_sync.services import InvalidState, credentials
from icloud_sync.services.pulling import as_listed
from icloud_sync.services.run import remote_config, settle

# The password for the clean-up after disconnecting is kept at most this long (rule C6).
REMOVAL = timedelta(hours=24)


def connect(*, user: object, apple_id: str, password_text: str, now: datetime) -> ICloudConnection:
    """Prove the credentials against iCloud, then save them with the list of calendars; nothing is chosen yet.

    Raises NotAnAppSpecificPassword before anything is sent, AlreadyConnected, PasswordRejected, TryLater. An account
    that was disconnected before comes back with what is known of it, so nothing is written twice.
    """
    apple_id = apple_id.strip().lower()
    typed = Secret(password_text)
    del password_text  # a report with local variables must not show it (reliability S2)
    password = Secret(normalise(typed.reveal()))
    user_id: int = user.pk  # type: ignore[attr-defined]
    mine = ICloudConnection.objects.filter(user_id=user_id)
    if mine.filter(apple_id=apple_id).exclude(status=ConnectionStatus.DISCONNECTED).exists():
        raise AlreadyConnected(apple_id)
    account, calendars = _prove(apple_id, password)
    same = mine.filter(principal=account.principal)
    if same.exclude(status=ConnectionStatus.DISCONNECTED).exists():
        raise AlreadyConnected(apple_id)
    try:
        with transaction.atomic():
            row = same.select_for_update().first() or ICloudConnection(user_id=user_id)
            mine.filter(apple_id=apple_id).exclude(pk=row.pk).delete()
            row.apple_id, row.principal, row.connected_at = apple_id, account.principal, now
            row.data_as_of = row.last_synced_at = row.horizon = None
            _open_again(row, account, password, calendars, now=now)
            journal.note(user_id=user_id, connection_id=row.pk, action="connected").save()
            signals.connection_changed.send(sender=None, connection_id=row.pk, event="connected")
    except IntegrityError:
        raise AlreadyConnected(apple_id) from None
    return row


def reconnect(*, connection_id: int, password_text: str, now: datetime) -> ICloudConnection:
    """Go on with a new app-specific password: nothing is imported or written again (rule C5).

    Raises as connect(), DifferentAccount when the password opens another account, InvalidState when disconnected.
    """
    typed = Secret(password_text)
    del password_text  # a report with local variables must not show it (reliability S2)
    password = Secret(normalise(typed.reveal()))
    row = ICloudConnection.objects.get(pk=connection_id)
    if row.status == ConnectionStatus.DISCONNECTED:
        raise InvalidState(_("This iCloud connection was disconnected. Connect the account again."))
    account, calendars = _prove(row.apple_id, password)
    if account.principal != row.principal:
        raise DifferentAccount(row.apple_id)
    with transaction.atomic():
        row = ICloudConnection.objects.select_for_update().get(pk=connection_id)
        was = row.status
        _open_again(row, account, password, calendars, now=now)
        attention.resolve(row, attention.NEEDS_PASSWORD, attention.UNREACHABLE, now=now)
        journal.note(user_id=row.user_id, connection_id=row.pk, action="reconnected").save()
        if was != ConnectionStatus.CONNECTED:
            signals.connection_changed.send(sender=None, connection_id=row.pk, event="restored")
        outbox.ring({row.pk})
    return row


def _prove(apple_id: str, password: Secret) -> tuple[Account, list[RemoteCalendar]]:
    with Client(remote_config(), apple_id=apple_id, password=password) as client:
        account = client.discover()
        return account, client.calendars(account.home, principal=account.principal)


def _open_again(
    row: ICloudConnection, account: Account, password: Secret, calendars: list[RemoteCalendar], *, now: datetime
) -> None:
    row.home, row.addresses = account.home, sorted(account.addresses)
    row.status, row.error_code = ConnectionStatus.CONNECTED, ""
    row.failures, row.failing_since, row.doubted_at, row.not_before = 0, None, None, None
    row.removal_until = None
    row.next_sync_at = now
    row.save()
    credentials.store(row, password)
    Listing(row, settle=settle(), now=now).apply(as_listed(calendars))
    outbox.remove_left(row.pk, now=now)


def disconnect(*, connection_id: int, written_events: Literal["keep", "remove"], now: datetime) -> None:
    """Disconnect at once, here; coming appointments in iCloud are left, or queued for removal (rule C6).

    Released: the slots the account blocked. Kept: appointments, and the record of what was written, so that connecting
    the same account again duplicates nothing.
    """
    with transaction.atomic():
        row = ICloudConnection.objects.select_for_update().get(pk=connection_id)
        if row.status == ConnectionStatus.DISCONNECTED:
            return
        CalendarSettings.objects.filter(primary_calendar__connection=row).update(primary_calendar=None)
        blocks.remove_events(list(ICloudEvent.objects.filter(calendar__connection=row).values_list("pk", flat=True)))
        ICloudCalendar.objects.filter(connection=row).update(
            checks_conflicts=False, mark="", token="", listed_at=None, recheck_at=None
        )
        removing = written_events == "remove" and _queue_removal(row, now=now)
        row.status, row.claim, row.claimed_until = ConnectionStatus.DISCONNECTED, None, None
        row.next_sync_at = row.not_before = None
        row.removal_until = now + REMOVAL if removing else None
        row.save()
        if not removing:
            credentials.erase(row)
        attention.resolve_all_of(row, now=now)
        journal.note(user_id=row.user_id, connection_id=row.pk, action="disconnected", code=written_events).save()
        signals.connection_changed.send(sender=None, connection_id=row.pk, event="disconnected")
        if removing:
            outbox.ring({row.pk})


def _queue_removal(row: ICloudConnection, *, now: datetime) -> bool:
    """Queue the removal of coming appointments; return whether there is anything to remove."""
    copies = SyncedEvent.objects.filter(calendar__connection=row)
    coming = copies.filter(engagement__end__gt=now).exclude(state__in=[EventState.GONE, EventState.DELETING])
    for copy in coming.select_for_update(of=("self",)).order_by("pk"):
        outbox.retire(copy, now=now)
    return copies.filter(state=EventState.DELETING).exists()


def clean_up_removals(*, now: datetime) -> None:
    """Erase every password whose clean-up took longer than it may (rule C6)."""
    for row in ICloudConnection.objects.filter(removal_until__lte=timezone.now()):
        credentials.erase(row)
        ICloudConnection.objects.filter(pk=row.pk).update(removal_until=None)
        journal.note(user_id=row.user_id, connection_id=row.pk, action="removal_given_up").save()
