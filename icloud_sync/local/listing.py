"""The account's list of calendars, as rows (rules K3-K7)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from calendars.models import BlockedSlot
from icloud_sync.local import attention, blocks, journal
from icloud_sync.models import CalendarKind, CalendarSettings, ICloudCalendar, ICloudConnection


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One calendar as iCloud lists it."""

    path: str
    name: str
    color: str
    position: int
    kind: str
    writable: bool
    mark: str


SEEN = ("name", "color", "position", "kind", "writable")


class Listing:
    """Applies one complete, successful listing. `rows` afterwards holds the calendars that are there, by path."""

    def __init__(self, connection: ICloudConnection, *, settle: timedelta, now: datetime) -> None:
        self.connection = connection
        self.settle = settle
        self.now = now
        self.rows: dict[str, ICloudCalendar] = {}

    def apply(self, listed: Iterable[Listed]) -> None:
        """Notice calendars added, renamed, recoloured, removed, and rights lost or regained (rule K7)."""
        known = {row.path: row for row in self.connection.calendars.all()}
        for item in listed:
            row = known.pop(item.path, None)
            self.rows[item.path] = self._add(item) if row is None else self._update(row, item)
        for row in known.values():
            self._missing(row)

    def _add(self, item: Listed) -> ICloudCalendar:
        values = {name: getattr(item, name) for name in SEEN}
        return ICloudCalendar.objects.create(connection=self.connection, path=item.path, **values)

    def _update(self, row: ICloudCalendar, item: Listed) -> ICloudCalendar:
        changed = [name for name in SEEN if getattr(row, name) != getattr(item, name)]
        back = row.gone_at is not None or row.missing_since is not None
        if not changed and not back:
            return row
        could_write = row.writable and row.gone_at is None
        for name in changed:
            setattr(row, name, getattr(item, name))
        row.gone_at = row.missing_since = None
        with transaction.atomic():
            if "kind" in changed and row.kind == CalendarKind.SUBSCRIBED:
                self._now_subscribed(row)
            row.save()
            if "name" in changed:
                of_it = row.events.values("pk")
                BlockedSlot.objects.filter(external_id__in=of_it).update(place=row.name[:200])
            if could_write != row.writable:
                self._rights_changed(row)
        return row

    def _now_subscribed(self, row: ICloudCalendar) -> None:
        """It is not read any more (rule K6), so nobody can say what it blocks: its events are forgotten (rule P3)."""
        if row.checks_conflicts:
            journal.about_calendar(row, "conflict_removed", path=row.path).save()
            row.checks_conflicts = False
        blocks.forget(row, now=self.now)

    def _rights_changed(self, row: ICloudCalendar) -> None:
        journal.about_calendar(row, "rights_regained" if row.writable else "rights_lost", path=row.path).save()
        if row.writable:
            attention.resolve(row, attention.PRIMARY_LOST, now=self.now)
        elif CalendarSettings.objects.filter(primary_calendar=row).exists():
            attention.about_calendar(row, attention.PRIMARY_LOST, now=self.now, why="writer_access_required")

    def _missing(self, row: ICloudCalendar) -> None:
        """Not listed: believed only after a second look, for a passing fault must not open time (fact 3.10)."""
        if row.gone_at is not None:
            return
        if row.missing_since is None:
            row.missing_since = self.now
            row.save(update_fields=["missing_since"])
        if self.now < row.missing_since + self.settle:
            return
        with transaction.atomic():
            row.gone_at = self.now
            row.mark = row.token = ""
            row.save(update_fields=["gone_at", "mark", "token"])
            journal.about_calendar(row, "calendar_gone", path=row.path).save()
            if CalendarSettings.objects.filter(primary_calendar=row).exists():
                attention.about_calendar(row, attention.PRIMARY_LOST, now=self.now, why="gone")
        if not row.checks_conflicts and not row.primary_of.exists() and not row.synced_events.exists():
            row.delete()


def looked_at(connection: ICloudConnection, rows: Iterable[ICloudCalendar] | None = None) -> list[ICloudCalendar]:
    """Return the calendars that are read: conflict calendars and the primary one, as long as they are there.

    rows: the account's calendars, when they were just read.
    """
    primary = CalendarSettings.objects.filter(user_id=connection.user_id).values_list("primary_calendar_id", flat=True)
    chosen = set(primary)
    return [
        row
        for row in (connection.calendars.all() if rows is None else rows)
        if row.gone_at is None and row.kind != CalendarKind.SUBSCRIBED and (row.checks_conflicts or row.pk in chosen)
    ]
