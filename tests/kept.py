"""The full week, made once in each process and laid out again for every other test that asks for it.

To make it takes a second of real syncs; its rows and the emulator's state are small. What a test changes is its own:
rows are rolled back or flushed as ever, the objects are copies.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from icloud_sync.models import ICloudConnection
from leadmagicx.accounts.models import User
from tests.fake_icloud.world import World
from tests.scene import Scene, full_week, next_monday
from tests.stage import Stage

# Filled by migrations, or by a trigger on the rows that are laid out.
ELSEWHERE = {"django_migrations", "django_content_type", "auth_permission", "calendars_busyday"}
# Of the new test's own world: where and when it is.
OWN = {"clock", "base_url", "refuse", "lock"}
# The account looks as fresh as it was when the week was made.
TIMES = ("last_synced_at", "data_as_of", "next_sync_at", "budget_since")


@dataclass
class Kept:
    """A week as it was when its test began."""

    scene: Scene
    staff: User
    world: World
    state: dict[str, Any]
    rows: dict[str, bytes]
    at: datetime
    ahead: float


_kept: list[Kept] = []


def week(stage: Stage) -> Scene:
    """Return Ada's full week on a stage on which nothing happened yet."""
    usable = stage.icloud.world.profile == "probed"
    if not usable:
        return full_week(stage)
    if not _kept or _kept[0].scene.monday != next_monday():
        scene = full_week(stage)
        _kept[:] = [_keep(scene)]
        return scene
    return _laid_out(_kept[0], stage)


def _keep(scene: Scene) -> Kept:
    stage, world = scene.stage, scene.stage.icloud.world
    state = {field.name: getattr(world, field.name) for field in fields(World) if field.name not in OWN}
    same = {id(one): one for one in (stage, stage.icloud, world)}
    scene, staff, state = copy.deepcopy((scene, stage.staff, state), same)
    clock = stage.icloud.clock
    return Kept(scene, staff, world, state, _dump(), timezone.now(), clock.now() - timezone.now().timestamp())


def _laid_out(kept: Kept, stage: Stage) -> Scene:
    world = stage.icloud.world
    same = {id(kept.scene.stage): stage, id(stage.icloud): stage.icloud, id(kept.world): world}
    scene, staff, state = copy.deepcopy((kept.scene, kept.staff, kept.state), same)
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
    return scene


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
