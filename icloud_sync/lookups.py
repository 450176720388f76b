"""`field__any_of=[…]`: all values in one parameter.

Django words, and psycopg quotes, every value of `__in` for itself, and psycopg every element of an array: for the
paths of a batch that takes longer than PostgreSQL's answer. As JSON they are one text.
"""

from __future__ import annotations

import json
from typing import Any

from django.db.models import CharField, Lookup
from django.db.models.sql.compiler import SQLCompiler


@CharField.register_lookup
class AnyOf(Lookup):
    """True where the column has one of the texts given."""

    lookup_name = "any_of"
    prepare_rhs = False

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, Any]:
        column, params = self.process_lhs(compiler, connection)
        return f"{column} = any(array(select jsonb_array_elements_text(%s::jsonb)))", [
            *params,
            json.dumps(list(self.rhs)),
        ]
