"""`field__any_of=[…]`: one array instead of a parameter for each value.

Django words, and psycopg quotes, every value of `__in` for itself: for the fifty paths of a batch that takes longer
than PostgreSQL's answer.
"""

from __future__ import annotations

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
        return f"{column} = any(%s)", [*params, list(self.rhs)]
