"""The three reads that every free-slots answer makes, in SQL.

Django takes longer to word them than PostgreSQL to answer them (bench/availability.py), and times as numbers are read
ten times as fast as dates. Whoever changes a column of these tables finds the tests of selectors failing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, cast

from django.db import connection

from calendars.models import Calendar
from calendars.models.blocked import SHORT

OFFER = """
select c.*,
    (select json_agg(json_build_array(m.user_id, trim(u.first_name || ' ' || u.last_name), u.username, m.priority,
                                      m.is_primary) order by m.position, m.id)
       from calendars_member m join accounts_user u on u.id = m.user_id where m.calendar_id = c.id) as member_rows,
    (select json_agg(json_build_array(h.weekday, h.start_minute, h.end_minute))
       from calendars_weeklyhours h where h.calendar_id = c.id) as hour_rows,
    (select json_agg(json_build_array(d.date, d.start_minute, d.end_minute))
       from calendars_dateoverride d where d.calendar_id = c.id) as override_rows
from calendars_calendar c where c.id = %s
"""

TAKEN = """
select e.host_id, e.session_id, e.calendar_id,
    floor(extract(epoch from e.start))::bigint, ceil(extract(epoch from e."end"))::bigint,
    c.buffer_before, c.buffer_after
from calendars_engagement e join calendars_calendar c on c.id = e.calendar_id
where {whose} and e.active and e."end" > %(since)s and e.start < %(until)s
    and (%(without)s::bigint is null or e.session_id <> %(without)s::bigint)
"""

_SECONDS = "floor(extract(epoch from b.busy_start))::bigint, ceil(extract(epoch from b.busy_end))::bigint"
_REASONS = f"b.user_id, {_SECONDS}, b.source = 'icloud', b.place"
_LONG = """
select {columns} from calendars_blockedslot b
where b.user_id = any(%(users)s::bigint[]) and b.blocks and (%(icloud)s or b.source <> 'icloud')
    and b.busy_end - b.busy_start > interval '2 days' and b.busy_start < %(until)s and b.busy_end > %(since)s
"""
# Only where reasons are asked for: what merely counts time is answered from an index that has no more columns.
_NOT_OWN = "    and coalesce(b.external_id <> all(%(own)s::bigint[]), true)\n"
# Two ranges of two indexes: what starts shortly before the time asked about or in it, and the few that last long.
_BLOCKS = """
select {columns} from calendars_blockedslot b
where b.user_id = any(%(users)s::bigint[]) and b.blocks and (%(icloud)s or b.source <> 'icloud')
    and b.busy_start >= %(shortly_before)s and b.busy_start < %(until)s and b.busy_end > %(since)s
    and b.busy_end - b.busy_start <= interval '2 days' and b.busy_start < b.busy_end
{not_own}union all
"""
BLOCKS = (_BLOCKS + _LONG + _NOT_OWN).format(columns=_REASONS, not_own=_NOT_OWN)
# The short ones are there merged, by the day they start on.
_BUSY = """
select user_id, lower(piece), upper(piece)
from (select user_id, unnest(busy) as piece from calendars_busyday
      where user_id = any(%(users)s::bigint[]) and from_icloud = any(%(sources)s)
          and day between %(first_day)s and %(last_day)s) as pieces
union all
"""
BUSY = _BUSY + _LONG.format(columns=f"b.user_id, {_SECONDS}")


def calendar_with_lists(calendar_id: int) -> tuple[Calendar, list[Any], list[Any], list[Any]]:
    """Return a calendar, its members (id, full name, user name, priority, is primary) in order, its weekly hours
    (weekday, minute, minute) and its overrides (date, minute, minute). Raises Calendar.DoesNotExist."""
    found = next(iter(Calendar.objects.raw(OFFER, [calendar_id])), None)
    if found is None:
        raise Calendar.DoesNotExist
    members, hours, overrides = (_list(vars(found).pop(name)) for name in ("member_rows", "hour_rows", "override_rows"))
    return found, members, hours, overrides


def taken(
    *, hosts: Sequence[int | None], calendar_id: int, since: datetime, until: datetime, without_session: int | None
) -> Iterable[tuple[Any, ...]]:
    """Return (host, session, calendar, start, end, buffer before, after) of active engagements that overlap the time.

    Times are seconds, buffers minutes. A host None asks for all engagements of the calendar.
    """
    whose = "e.calendar_id = %(calendar)s" if None in hosts else "e.host_id = any(%(hosts)s::bigint[])"
    values = {
        "calendar": calendar_id,
        "hosts": [host for host in hosts if host is not None],
        "since": since,
        "until": until,
        "without": without_session,
    }
    return _rows(TAKEN.format(whose=whose), values)


def blocks(
    *, users: Sequence[int], since: datetime, until: datetime, icloud: bool, own: Iterable[int] = ()
) -> Iterable[tuple[Any, ...]]:
    """Return (user, start, end, is from iCloud, place) of blocking slots that overlap the time; times are seconds.

    Those whose `external_id` is in `own` are left out.
    """
    values = {
        "users": users,
        "since": since,
        "until": until,
        "shortly_before": since - SHORT,
        "icloud": icloud,
        "own": list(own),
    }
    return _rows(BLOCKS, values) if users else []


def busy(*, users: Sequence[int], since: datetime, until: datetime, icloud: bool) -> Iterable[tuple[int, int, int]]:
    """Return (user, start, end) of the time that `blocks` takes, in few pieces; some lie beside the time asked about,
    some may overlap. Times are seconds."""
    values = {
        "users": users,
        "since": since,
        "until": until,
        "first_day": (since - SHORT).astimezone(UTC).date(),
        "last_day": until.astimezone(UTC).date(),
        "icloud": icloud,
        "sources": [False, True] if icloud else [False],
    }
    return cast(list[tuple[int, int, int]], _rows(BUSY, values)) if users else []


def _rows(sql: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


def _list(found: str | list[Any] | None) -> list[Any]:
    return json.loads(found) if isinstance(found, str) else found or []
