"""Beginnings that many tests share, made once in each process and laid out again for every other test that asks.

To make one takes up to a second of real syncs; its rows and the emulator's state are small. What a test changes is its
own: rows are rolled back or flushed as ever, the objects are copies.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, TypeVar, cast

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from icloud_sync.models import ICloudConnection
from leadmagicx.accounts.models import User
from tests.fake_icloud.world import World
from tests.stage import Stage

T = TypeVar("T")

# Filled by migrations, or by a trigger on the rows that are laid out.
ELSEWHERE = {"django_migrations", "django_content_type", "auth_permission", "calendars_busyday"}
# Of the new test's own world: where and when it is.
OWN = {"clock", "base_url", "refuse", "lock"}
# The account looks as fresh as it was when the beginning was made.
TIMES = ("last_synced_at", "data_as_of", "next_sync_at", "budget_since")
# Where the server is differs from test to test, and nothing that is kept says so.
PLACES = {"ICLOUD_CALDAV_URL", "ICLOUD_TRUSTED_HOSTS"}


@dataclass
class Kept:
    """What there was when a test began."""

    made: Any
    staff: User
    stage: Stage
    world: World
    state: dict[str, Any]
    rows: dict[str, bytes]
    at: datetime
    ahead: float


_kept: dict[tuple[object, ...], Kept] = {}


def beginning(name: str, stage: Stage, make: Callable[[Stage], T]) -> T:
    """Return what `make` does to a stage: done for real the first time, laid out again from then on.

    Settings, the emulator's switches and the hour are part of what is asked for. On a stage on which something
    happened already it is always done for real.
    """
    world = stage.icloud.world
    if world.accounts or world.faults.rules or User.objects.exclude(pk=stage.staff.pk).exists():
        return make(stage)
    told = {key: getattr(settings, key) for key in dir(settings) if key.startswith("ICLOUD_") and key not in PLACES}
    key = (name, world.profile, repr(world.flags), repr(told), f"{timezone.now():%Y-%m-%d %H}")
    if key not in _kept:
        made = make(stage)
        _kept[key] = _keep(made, stage)
        return made
    return cast(T, _laid_out(_kept[key], stage))


def _keep(made: object, stage: Stage) -> Kept:
    world = stage.icloud.world
    state = {field.name: getattr(world, field.name) for field in fields(World) if field.name not in OWN}
    same = {id(one): one for one in (stage, stage.icloud, world)}
    made, staff, state = copy.deepcopy((made, stage.staff, state), same)
    ahead = stage.icloud.clock.now() - timezone.now().timestamp()
    return Kept(made, staff, stage, world, state, _dump(), timezone.now(), ahead)


def _laid_out(kept: Kept, stage: Stage) -> object:
    world = stage.icloud.world
    same = {id(kept.stage): stage, id(kept.stage.icloud): stage.icloud, id(kept.world): world}
    made, staff, state = copy.deepcopy((kept.made, kept.staff, kept.state), same)
    with world.lock:
        for name, value in state.items():
            setattr(world, name, value)
    world.clock.advance(kept.ahead)
    with transaction.atomic():
        _restore(kept.rows, instead_of=User)
        late = timezone.now() - kept.at
        for account in ICloudConnection.objects.all():
            moved = {name: getattr(account, name) and getattr(account, name) + late for name in TIMES}
            ICloudConnection.objects.filter(pk=account.pk).update(**moved)
    stage.staff = staff
    return made


def _dump() -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    with connection.cursor() as cursor:
        for table in set(connection.introspection.table_names(cursor)) - ELSEWHERE:
            with cursor.copy(f'copy "{table}" to stdout') as rows:
                if content := b"".join(bytes(part) for part in rows):
                    found[table] = content
    return found


def _restore(rows: dict[str, bytes], *, instead_of: type[User]) -> None:
    """Foreign keys are looked at when the transaction ends, so any order will do."""
    with connection.cursor() as cursor:
        cursor.execute(f'delete from "{instead_of._meta.db_table}"')
        for table, content in rows.items():
            with cursor.copy(f'copy "{table}" from stdin') as copying:
                copying.write(content)
