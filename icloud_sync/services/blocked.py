"""Free the time of an event that was deleted in iCloud (rule P5)."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from calendars.choices import SlotCode, SlotSource
from calendars.models import BlockedSlot
from calendars.services.transactions import in_transaction
from icloud_sync.local import journal
from icloud_sync.models import ICloudEvent
from icloud_sync.services import InvalidState


@in_transaction
def release(*, slot_id: int, now: datetime) -> BlockedSlot:
    """Stop every occurrence of a removed event from blocking; the rows stay for the record.

    Raises InvalidState for a slot that is not from iCloud or whose event was not removed there. Twice is fine.
    """
    slot = BlockedSlot.objects.get(pk=slot_id)
    if slot.source != SlotSource.ICLOUD or slot.removed_at is None:
        raise InvalidState(_("Only a slot whose event was deleted in iCloud can be freed here."))
    event = ICloudEvent.objects.select_for_update(of=("self",)).select_related("calendar__connection")
    row = event.get(pk=slot.external_id or 0)
    if row.released_at is None:
        row.released_at = now
        row.save(update_fields=["released_at"])
        journal.about_calendar(row.calendar, "released", path=row.path, uid=row.uid).save()
    BlockedSlot.objects.filter(external_id=row.pk).update(blocks=False, code=SlotCode.RELEASED)
    slot.refresh_from_db()
    return slot
