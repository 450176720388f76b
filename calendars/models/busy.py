"""When people are busy, day by day: kept beside the blocked slots as an index is, by the database."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper


class SecondsField(models.Field):
    """Times as whole seconds since 1970, merged: a multirange of PostgreSQL. Only read, never written from here."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "int8multirange"


class BusyDay(models.Model):
    """What a user's short blocking slots that start on one day (UTC) take together; it may reach into the next days.

    Triggers write it (migration 0002), whoever writes a blocked slot and by whatever means; nothing else does. A day
    without such slots has no row. Slots that last longer than `blocked.SHORT` are not in it.
    """

    pk = models.CompositePrimaryKey("user_id", "from_icloud", "day")
    # Without a constraint: a row is there because of slots, which have one, and it goes with the last of them.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    from_icloud = models.BooleanField()
    day = models.DateField()
    busy = SecondsField()

    def __str__(self) -> str:
        return f"Busy time from {self.day:%Y-%m-%d}"
