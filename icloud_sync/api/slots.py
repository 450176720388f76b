"""REST for calendars/ and blocked-slots/, with what iCloud knows: freshness, titles, releasing."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.utils import timezone

from calendars.api.views import BlockedSlotViewSet, CalendarViewSet, Freshness
from calendars.models import BlockedSlot
from calendars.selectors import Offer
from icloud_sync import selectors
from icloud_sync.services import blocked


class ICloudCalendarsViewSet(CalendarViewSet):
    """Booking calendars, and what is free in them: never beyond what is known of iCloud (rule P13)."""

    def freshness(self, *, offer: Offer, host_ids: list[int], now: datetime) -> Freshness:
        if not offer.calendar.icloud_enabled:
            return Freshness()
        found = selectors.freshness(host_ids=host_ids, now=now)
        return Freshness(data_as_of=found.data_as_of, stale=found.stale, horizon=found.horizon)


class ICloudBlockedSlotViewSet(BlockedSlotViewSet):
    """Time that is taken without an appointment, also because of iCloud."""

    def may_see_titles(self, user_ids: Collection[int]) -> set[int]:
        return selectors.sharing_titles(user_ids)

    def release_slot(self, slot: BlockedSlot) -> BlockedSlot:
        return blocked.release(slot_id=slot.pk, now=timezone.now())
