"""Blocked slots made in LeadMagicX; they are never written to iCloud (rule W3)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.utils.translation import gettext as _

from calendars.choices import SlotCode, SlotSource
from calendars.models import BlockedSlot
from calendars.services.errors import InvalidState, Refused
from calendars.services.transactions import in_transaction
from calendars.zones import zone
from leadmagicx.accounts.models import User


class ReadOnly(Refused):
    """A row that mirrors iCloud is changed in iCloud."""

    code = "read_only"


def create(*, user: User, start: datetime, end: datetime, title: str = "", all_day: bool = False) -> BlockedSlot:
    """Block a user's time. All day: widened to midnights in the user's zone. Raises ValidationError."""
    return _stored(BlockedSlot(user=user, title=title, start=start, end=end, all_day=all_day))


@in_transaction
def update(*, slot_id: int, changes: Mapping[str, Any]) -> BlockedSlot:
    """Change title, start, end or all_day. Raises BlockedSlot.DoesNotExist, ReadOnly, ValidationError."""
    slot = _own(slot_id)
    for name in ("title", "start", "end", "all_day"):
        if name in changes:
            setattr(slot, name, changes[name])
    return _stored(slot)


@in_transaction
def delete(*, slot_id: int) -> None:
    """Unblock the time. Raises BlockedSlot.DoesNotExist, ReadOnly."""
    _own(slot_id).delete()


@in_transaction
def release(*, slot_id: int) -> BlockedSlot:
    """Free the time of an occurrence whose event was deleted in iCloud; the row stays (rule P5). Twice is fine.

    Raises BlockedSlot.DoesNotExist, InvalidState.
    """
    slot = BlockedSlot.objects.select_for_update().get(pk=slot_id)
    if slot.source != SlotSource.ICLOUD or slot.removed_at is None:
        raise InvalidState(_("Only a blocked slot whose event was deleted in iCloud can be freed."))
    slot.blocks, slot.code = False, SlotCode.RELEASED
    slot.save(update_fields=["blocks", "code"])
    return slot


@in_transaction
def move_to_zone(*, user_id: int, former: str) -> None:
    """Lay the user's all-day slots on the same dates where they live now, after the former zone."""
    rows = BlockedSlot.objects.filter(user_id=user_id, source=SlotSource.LEADMAGICX, all_day=True)
    slots = list(rows.select_related("user").select_for_update(of=("self",)).order_by("pk"))
    for slot in slots:
        first, after = (moment.astimezone(zone(former)).date() for moment in (slot.start, slot.end))
        slot.start, slot.end = _midnights(slot, first, after)
        slot.busy_start, slot.busy_end = slot.start, slot.end
    BlockedSlot.objects.bulk_update(slots, ["start", "end", "busy_start", "busy_end"])


def _own(slot_id: int) -> BlockedSlot:
    slot = BlockedSlot.objects.select_related("user").select_for_update(of=("self",)).get(pk=slot_id)
    if slot.source != SlotSource.LEADMAGICX:
        raise ReadOnly(_("This blocked slot comes from iCloud. Change its event there."))
    return slot


def _stored(slot: BlockedSlot) -> BlockedSlot:
    if slot.all_day and slot.start <= slot.end:
        slot.start, slot.end = _whole_days(slot)
    slot.busy_start, slot.busy_end = slot.start, slot.end
    slot.full_clean()
    slot.save()
    return slot


def _whole_days(slot: BlockedSlot) -> tuple[datetime, datetime]:
    """Return the midnights around the slot in its user's zone; at least one day."""
    home = slot.user.zone
    first, end = slot.start.astimezone(home), slot.end.astimezone(home)
    after = end.date() if end.time() == time() and end.date() > first.date() else end.date() + timedelta(days=1)
    return _midnights(slot, first.date(), after)


def _midnights(slot: BlockedSlot, first: date, after: date) -> tuple[datetime, datetime]:
    """Return when two dates begin where the slot's user lives."""
    home = slot.user.zone
    return (
        datetime.combine(first, time(), home).astimezone(UTC),
        datetime.combine(after, time(), home).astimezone(UTC),
    )
