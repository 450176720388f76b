"""Whether a worker died over the events it was reading, and over which one (fault F38).

Reading an event never raises more than ItemUnreadable, but it may take a worker's memory, and the worker with it. So
it is noted, and committed, before it begins. After one death events are read one by one, each noted; one that killed
twice is left unread for a day.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import DatabaseError, InterfaceError, transaction

from icloud_sync.models import ICloudCalendar

DIED = "reader_died"


@contextmanager
def noted(calendar: ICloudCalendar) -> Iterator[bool]:
    """Note that events of a calendar are being read, outside any transaction; yield whether a worker died over it.

    Whatever ends the block, the process is alive then and the note goes; a MemoryError is as good as a death. When the
    database cannot be told, what it could not be told of is raised, and the note stays.
    """
    died = calendar.reading > 0
    if not died:
        _note(calendar, reading=1)
    try:
        yield died
    except MemoryError:
        raise
    except BaseException:
        with suppress(DatabaseError, InterfaceError):
            _note(calendar, reading=0, reading_path="")
        raise
    _note(calendar, reading=0, reading_path="")


def at(calendar: ICloudCalendar, path: str) -> None:
    """Note the one event that is read next; `calendar.reading_path` goes on saying what the last run died over."""
    with transaction.atomic():
        ICloudCalendar.objects.filter(pk=calendar.pk).update(reading_path=path)


def _note(calendar: ICloudCalendar, **values: object) -> None:
    with transaction.atomic():
        ICloudCalendar.objects.filter(pk=calendar.pk).update(**values)
    for name, value in values.items():
        setattr(calendar, name, value)
