"""Busy time by user, source and day, kept by triggers on the blocked slots (decision 0039)."""

import datetime

import django.db.models.deletion
import django.db.models.expressions
import django.db.models.lookups
from django.conf import settings
from django.db import migrations, models

import calendars.models.busy

# The slots that a day is made of, out of the table or out of what a statement added to it or took from it.
SLOTS = """select user_id, source = 'icloud' as from_icloud, busy_start, busy_end from {0}
    where blocks and busy_start < busy_end and busy_end - busy_start <= interval '2 days'"""
DAY = "(busy_start at time zone 'UTC')::date"
MERGED = """range_agg(int8range(
    floor(extract(epoch from busy_start))::bigint, ceil(extract(epoch from busy_end))::bigint))"""

# Writers of one user's slots wait for each other, users in one order. What is read next sees what the other one wrote,
# because each statement of a trigger has a snapshot of its own; a transaction whose snapshot is older than the other's
# write fails at the day's row (serialization failure), and so never leaves it wrong; for that every write of a slot
# rewrites its day, also when the day stays the same. 3 << 48: calendars.services.transactions has the kinds of locks.
LOCK = """
    perform pg_advisory_xact_lock((3::bigint << 48) + user_id)
        from (select distinct user_id from ({0}) as touched order by 1) as ordered;
    if not found then
        return null;
    end if;"""

# What was added is merged in: a pull that copies thousands of slots never pays for those already there.
MERGE_IN = f"""
    insert into calendars_busyday as day (user_id, from_icloud, day, busy)
        select user_id, from_icloud, {DAY}, {MERGED} from ({{0}}) as gained group by 1, 2, 3
        on conflict (user_id, from_icloud, day) do update set busy = day.busy + excluded.busy;"""

# Nothing can be taken out of what is merged, so the days that lost something are counted again from their slots.
COUNT_AGAIN = f"""
    merge into calendars_busyday as day using (
        select touched.*, (
            select {MERGED} from calendars_blockedslot as slot
            where slot.user_id = touched.user_id and (slot.source = 'icloud') = touched.from_icloud and slot.blocks
                and slot.busy_start >= touched.day::timestamp at time zone 'UTC'
                and slot.busy_start < (touched.day + 1)::timestamp at time zone 'UTC'
                and slot.busy_start < slot.busy_end and slot.busy_end - slot.busy_start <= interval '2 days') as busy
        from (select distinct user_id, from_icloud, {DAY} as day from ({{0}}) as lost) as touched) as counted
        on day.user_id = counted.user_id and day.from_icloud = counted.from_icloud and day.day = counted.day
        when matched and counted.busy is null then delete
        when matched then update set busy = counted.busy;"""


def trigger(event, tables, body):
    """Return the SQL of a function and of the trigger that runs it once for each statement."""
    name = f"calendars_busy_after_{event}"
    return f"""
        create function {name}() returns trigger language plpgsql as $$
        begin
            {body}
            return null;
        end $$;
        create trigger {name} after {event} on calendars_blockedslot {tables}
            for each statement execute function {name}();"""


ADDED, REMOVED = SLOTS.format("added"), SLOTS.format("removed")
# An update that leaves owner, source, blocking and times alone has neither: it costs no lock and no counting.
GAINED, LOST = f"{ADDED} except all {REMOVED}", f"{REMOVED} except all {ADDED}"
CREATE = [
    trigger("insert", "referencing new table as added", LOCK.format(ADDED) + MERGE_IN.format(ADDED)),
    trigger("delete", "referencing old table as removed", LOCK.format(REMOVED) + COUNT_AGAIN.format(REMOVED)),
    trigger(
        "update",
        "referencing old table as removed new table as added",
        LOCK.format(f"({GAINED}) union all ({LOST})") + COUNT_AGAIN.format(LOST) + MERGE_IN.format(GAINED),
    ),
    trigger("truncate", "", "delete from calendars_busyday;"),
]
DROP = [
    f"drop trigger calendars_busy_after_{event} on calendars_blockedslot; drop function calendars_busy_after_{event}();"
    for event in ("insert", "delete", "update", "truncate")
]
# After the triggers, which keep writers out until this migration ends.
BACKFILL = f"""
    insert into calendars_busyday (user_id, from_icloud, day, busy)
        select user_id, from_icloud, {DAY}, {MERGED} from ({SLOTS.format("calendars_blockedslot")}) as slots
        group by 1, 2, 3"""


class Migration(migrations.Migration):

    dependencies = [
        ('calendars', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='BusyDay',
            fields=[
                ('pk', models.CompositePrimaryKey('user_id', 'from_icloud', 'day', blank=True, editable=False, primary_key=True, serialize=False)),
                ('from_icloud', models.BooleanField()),
                ('day', models.DateField()),
                ('busy', calendars.models.busy.SecondsField()),
                ('user', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.RemoveIndex(model_name='blockedslot', name='blocked_long_by_user'),
        migrations.AddIndex(
            model_name='blockedslot',
            index=models.Index(condition=models.Q(django.db.models.lookups.GreaterThan(django.db.models.expressions.CombinedExpression(models.F('busy_end'), '-', models.F('busy_start')), datetime.timedelta(days=2)), ('blocks', True)), fields=['user', 'busy_end'], include=('busy_start', 'source', 'place'), name='blocked_long_by_user'),
        ),
        # Rewritten at each change of its day: room in the page spares the key's index.
        migrations.RunSQL("alter table calendars_busyday set (fillfactor = 70)", migrations.RunSQL.noop),
        migrations.RunSQL("".join(CREATE), "".join(DROP)),
        migrations.RunSQL(BACKFILL, migrations.RunSQL.noop),
    ]
