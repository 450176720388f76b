"""What a user chooses under Calendar Settings: primary and conflict calendars, and further settings (K3-K6, K8, P5)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from calendars.models import BlockedSlot
from calendars.services.transactions import lock_hosts
from icloud_sync import signals
from icloud_sync.errors import CalendarGone, SubscriptionNotSupported, WriterAccessRequired
from icloud_sync.local import attention, blocks, journal, leases, outbox
from icloud_sync.models import (
    CalendarSettings,
    ConnectionStatus,
    DeletedInICloud,
    ICloudCalendar,
    ICloudConnection,
    ICloudEvent,
)
from icloud_sync.rules import linking
from icloud_sync.services import UNSET, Unset, rolling
from icloud_sync.services.run import touch

REFUSALS = {
    linking.WRITER_ACCESS_REQUIRED: WriterAccessRequired,
    linking.SUBSCRIPTION_NOT_SUPPORTED: SubscriptionNotSupported,
    linking.GONE: CalendarGone,
}


class UnknownCalendar(Exception):
    """No calendar with this id belongs to the user."""


def change_settings(
    *,
    user: object,
    now: datetime,
    primary_calendar_id: int | Unset | None = UNSET,
    conflict_calendar_ids: Iterable[int] | Unset = UNSET,
    deleted_in_icloud: str | Unset = UNSET,
    travel_time_blocks: bool | Unset = UNSET,
    share_titles: bool | Unset = UNSET,
) -> CalendarSettings:
    """Change what is given, in one transaction; blocks are right when it returns, and a sync starts at once.

    A new primary calendar joins the conflict calendars unless that list is given too (rule K4). Raises
    UnknownCalendar, WriterAccessRequired, SubscriptionNotSupported, CalendarGone; then nothing is changed.
    """
    user_id: int = user.pk  # type: ignore[attr-defined]
    with transaction.atomic():
        # A booking under way is written to the old primary calendar and moved with the rest, or to the new one.
        lock_hosts([user_id])
        CalendarSettings.objects.get_or_create(user_id=user_id)
        row = CalendarSettings.objects.select_for_update().get(user_id=user_id)
        mine = _calendars_of(user_id)
        leases.revoke({calendar.connection_id for calendar in mine.values()})
        if not isinstance(primary_calendar_id, Unset):
            conflict_calendar_ids = _choose_primary(row, primary_calendar_id, conflict_calendar_ids, mine, now=now)
        if not isinstance(conflict_calendar_ids, Unset):
            _choose_conflicts(list(conflict_calendar_ids), mine, now=now)
        rebuild = _further(row, deleted=deleted_in_icloud, travel=travel_time_blocks, share=share_titles, now=now)
        row.save()
        _drop_unread(row, mine, now=now)
        _await_first_reading(mine)
        if rebuild:
            rebuild_blocks(user_id, now=now)
        ids = {calendar.connection_id for calendar in mine.values()}
        touch(ids, now=now)
        signals.outbox_filled.send(sender=None, connection_ids=ids)
    return row


def _calendars_of(user_id: int) -> dict[int, ICloudCalendar]:
    rows = ICloudCalendar.objects.filter(connection__user_id=user_id).select_related("connection__user")
    return {row.pk: row for row in rows.exclude(connection__status=ConnectionStatus.DISCONNECTED)}


def _pick(calendar_id: int, mine: dict[int, ICloudCalendar]) -> ICloudCalendar:
    if calendar_id not in mine:
        raise UnknownCalendar(calendar_id)
    return mine[calendar_id]


def choice_of(calendar: ICloudCalendar) -> linking.Choice:
    """Return what a calendar may be chosen for."""
    return linking.choice(kind=calendar.kind, writable=calendar.writable, gone=calendar.gone_at is not None)


def _choose_primary(
    row: CalendarSettings,
    calendar_id: int | None,
    conflicts: Iterable[int] | Unset,
    mine: dict[int, ICloudCalendar],
    *,
    now: datetime,
) -> Iterable[int] | Unset:
    """Set the primary calendar; coming appointments move to it (rule K8). Return the conflict calendars to set."""
    old = row.primary_calendar_id
    if calendar_id is None:
        row.primary_calendar = None
        return conflicts
    calendar = _pick(calendar_id, mine)
    choice = choice_of(calendar)
    if not choice.can_be_primary:
        raise REFUSALS[choice.reason or linking.GONE](calendar.name)
    if old == calendar.pk:
        return conflicts
    row.primary_calendar = calendar
    row.save()
    if old is not None and old in mine:
        attention.resolve(mine[old], attention.PRIMARY_LOST, now=now)
    outbox.move_copies(row.user_id, calendar, now=now)
    outbox.refresh_future_of(row.user_id, now=now)
    journal.about_calendar(calendar, "primary_chosen", path=calendar.path).save()
    if not isinstance(conflicts, Unset):
        return conflicts
    return [pk for pk, other in mine.items() if other.checks_conflicts] + [calendar.pk]


def _choose_conflicts(ids: list[int], mine: dict[int, ICloudCalendar], *, now: datetime) -> None:
    """Make exactly these the conflict calendars; those already chosen may stay although they vanished."""
    chosen = {_pick(pk, mine).pk for pk in ids}
    for pk, calendar in mine.items():
        wanted = pk in chosen
        if wanted == calendar.checks_conflicts:
            continue
        choice = choice_of(calendar)
        if wanted and not choice.can_check_conflicts:
            raise REFUSALS[choice.reason or linking.GONE](calendar.name)
        calendar.checks_conflicts = wanted
        calendar.save(update_fields=["checks_conflicts"])
        journal.about_calendar(calendar, "conflict_chosen" if wanted else "conflict_removed", path=calendar.path).save()
        rolling.rebuild(calendar, now=now)


def _further(
    row: CalendarSettings,
    *,
    deleted: str | Unset,
    travel: bool | Unset,
    share: bool | Unset,
    now: datetime,
) -> bool:
    """Set the further settings; return whether blocks must be computed again."""
    rebuild = False
    if not isinstance(deleted, Unset) and deleted != row.deleted_in_icloud:
        row.deleted_in_icloud = DeletedInICloud(deleted)
        if row.deleted_in_icloud == DeletedInICloud.RELEASE:
            _release_removed(row.user_id, now=now)
    if not isinstance(travel, Unset) and travel != row.travel_time_blocks:
        row.travel_time_blocks = travel
        rebuild = True
    if not isinstance(share, Unset):
        row.share_titles = share
    return rebuild


def _release_removed(user_id: int, *, now: datetime) -> None:
    """The setting holds for what was deleted before as well: nobody wants those to stay closed."""
    removed = ICloudEvent.objects.filter(
        calendar__connection__user_id=user_id, removed_at__isnull=False, released_at__isnull=True
    )
    ids = list(removed.values_list("pk", flat=True))
    ICloudEvent.objects.filter(pk__in=ids).update(released_at=now)
    BlockedSlot.objects.filter(external_id__in=ids).update(blocks=False, code="RELEASED")


def _drop_unread(row: CalendarSettings, mine: dict[int, ICloudCalendar], *, now: datetime) -> None:
    """A calendar that is neither primary nor checked for conflicts is not read: forget its events."""
    for calendar in mine.values():
        if calendar.checks_conflicts or calendar.pk == row.primary_calendar_id or calendar.listed_at is None:
            continue
        blocks.forget(calendar, now=now)


def _await_first_reading(mine: dict[int, ICloudCalendar]) -> None:
    """What blocks in a calendar never read is not known yet, however fresh its account's other calendars are (A5)."""
    unread = {row.connection_id for row in mine.values() if row.checks_conflicts and row.listed_at is None}
    ICloudConnection.objects.filter(pk__in=unread).update(data_as_of=None)


def rebuild_blocks(user_id: int, *, now: datetime) -> None:
    """Expand every event of a user again: the zone or travel time changed. Call inside a transaction."""
    for calendar in _calendars_of(user_id).values():
        rolling.rebuild(calendar, now=now)


def timezone_changed(user_id: int, *, now: datetime) -> None:
    """All-day and floating events lie elsewhere now (rule P11)."""
    with transaction.atomic():
        leases.revoke(ICloudConnection.objects.filter(user_id=user_id).values_list("pk", flat=True))
        rebuild_blocks(user_id, now=now)
