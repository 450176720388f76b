"""Encrypt everything secret with the newest key, so that an older one can be taken away (reliability S6)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.apps import apps
from django.db import connection, models
from psycopg import sql

from icloud_sync.fields import SecretField

BATCH = 500


@dataclass
class Column:
    """One encrypted column: its rows by the number of the key that opens them (None: no key does)."""

    name: str
    rows: Counter[int | None] = field(default_factory=Counter)
    rewritten: int = 0


def rotate(*, write: bool = True, batch: int = BATCH) -> list[Column]:
    """Encrypt every row that an older key opens with the newest key; return what was found, column by column.

    Each row is written alone, and only if it still holds what was read: whoever stored something new meanwhile used
    the newest key. So it may be stopped, started again and run beside everything else. Rows that no key opens stay as
    they are. `write=False` only counts.
    """
    found = []
    for model, secret in encrypted_columns():
        column = Column(f"{model._meta.label}.{secret.name}")
        for pk, stored in _stored(model, secret, batch=batch):
            number = secret.key_number(stored)
            column.rows[number] += 1
            if write and number is not None and number > 1:
                column.rewritten += _replace(model, secret, pk, old=stored, new=secret.sealed_again(stored))
        found.append(column)
    return found


def encrypted_columns() -> Iterator[tuple[type[models.Model], SecretField]]:
    """Return every encrypted column there is, of whichever app."""
    for model in apps.get_models():
        for found in model._meta.concrete_fields:
            if isinstance(found, SecretField):
                yield model, found


def _stored(model: type[models.Model], secret: SecretField, *, batch: int) -> Iterator[tuple[int, bytes]]:
    """Return (id, ciphertext) of all rows, a batch at a time; the ORM would decrypt them."""
    query = sql.SQL("select id, {column} from {table} where id > %s and {column} is not null order by id limit %s")
    text = query.format(column=sql.Identifier(secret.column), table=sql.Identifier(model._meta.db_table))
    last = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(text, [last, batch])
            rows = cursor.fetchall()
        yield from ((pk, bytes(stored)) for pk, stored in rows)
        if len(rows) < batch:
            return
        last = rows[-1][0]


def _replace(model: type[models.Model], secret: SecretField, pk: int, *, old: bytes, new: bytes) -> int:
    query = sql.SQL("update {table} set {column} = %s where id = %s and {column} = %s")
    text = query.format(column=sql.Identifier(secret.column), table=sql.Identifier(model._meta.db_table))
    with connection.cursor() as cursor:
        cursor.execute(text, [new, pk, old])
        return int(cursor.rowcount)
