"""Many rows at once: COPY costs a twentieth of what an INSERT through the ORM does (performance goals P1, P17)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from itertools import islice
from json import JSONEncoder
from typing import Any, Final

from django.db import connection, models

_LINES = 1_000
_SPECIAL: Final = re.compile(r"[\\\t\n\r]")
_ESCAPES: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_json: Final = JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def copy_in(model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Add rows to a model's table inside the current transaction; every column without a default must be named."""
    copy_lines(model, columns, (f"{written(row)}\n" for row in rows))


def copy_lines(model: type[models.Model], columns: Sequence[str], lines: Iterable[str]) -> None:
    """Add rows that are written already: `written` values with tabs between them, and a line end."""
    table = connection.ops.quote_name(model._meta.db_table)
    names = ", ".join(connection.ops.quote_name(column) for column in columns)
    rest = iter(lines)
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
        while chunk := "".join(islice(rest, _LINES)):
            copy.write(chunk)


def written(values: Iterable[Any]) -> str:
    """Return values in COPY's text form: None, text, whole numbers, booleans, aware datetimes, dicts for JSON.

    Another type is a KeyError. psycopg's own way looks the type up in its registry for every value of every row.
    """
    return "\t".join([_WRITTEN[type(value)](value) for value in values])


def next_ids(model: type[models.Model], number: int) -> list[int]:
    """Reserve ids of a model's table, so that rows may refer to one another before they are copied in."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select nextval(pg_get_serial_sequence(%s, 'id')) from generate_series(1, %s)",
            [model._meta.db_table, number],
        )
        return [row[0] for row in cursor.fetchall()]


def blanks(model: type[models.Model], **values: Any) -> Callable[[], Any]:
    """Return what makes unsaved instances with these values: Django works out the other fields' defaults once, and
    not for each of thousands of rows."""
    first = model(**values)
    names = [field.attname for field in model._meta.concrete_fields]
    loaded = partial(model.from_db, connection.alias, names, [getattr(first, name) for name in names])

    def blank() -> Any:
        instance = loaded()
        instance._state.adding = True
        return instance

    return blank


def _text(value: str) -> str:
    return value.translate(_ESCAPES) if _SPECIAL.search(value) else value


_WRITTEN: Final[dict[type, Callable[[Any], str]]] = {
    type(None): lambda _: "\\N",
    str: _text,
    int: str,
    bool: lambda value: "t" if value else "f",
    datetime: datetime.isoformat,
    dict: lambda value: _text(_json(value)),
}
