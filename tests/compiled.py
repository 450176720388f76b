"""Queries that are asked again and again, compiled once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import connection
from django.db.models import QuerySet


class Compiled:
    """A query over values whose parameters never change. Putting it into SQL costs Django ten times what running it
    does, and the invariants ask the same after every step of a story. Values come as the database has them: JSON is
    text."""

    def __init__(self, query: Callable[[], QuerySet[Any, Any]]) -> None:
        self._query = query
        self._sql: tuple[str, tuple[Any, ...]] | None = None

    def rows(self) -> list[tuple[Any, ...]]:
        """Return what it finds now."""
        if self._sql is None:
            self._sql = self._query().query.sql_with_params()
        with connection.cursor() as cursor:
            cursor.execute(*self._sql)
            return cursor.fetchall()

    def column(self) -> list[Any]:
        """Return what it finds now in its first column."""
        return [row[0] for row in self.rows()]
