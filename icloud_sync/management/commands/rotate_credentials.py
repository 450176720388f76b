"""`manage.py rotate_credentials`: encrypt every secret with the newest of CREDENTIAL_KEYS."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from icloud_sync.services.rotating import BATCH, Column, rotate


class Command(BaseCommand):
    help = (
        "Put a new key first in CREDENTIAL_KEYS, restart web, worker and beat, run this, and take the old key away "
        "once no row needs it. It may be stopped and run again at any time. Nothing is sent to Apple."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="only count rows by key")
        parser.add_argument("--batch-size", type=int, default=BATCH, help="rows read at a time")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["batch_size"] < 1:
            raise CommandError("--batch-size must be at least 1.")
        columns = rotate(write=not options["check"], batch=options["batch_size"])
        for column in columns:
            self._tell(column)
        unreadable = sum(column.rows[None] for column in columns)
        if unreadable:
            raise CommandError(
                f"{unreadable} rows are opened by no key. Put the key they were written with back into "
                "CREDENTIAL_KEYS, or let their owners reconnect."
            )

    def _tell(self, column: Column) -> None:
        self.stdout.write(f"{column.name}:")
        for number in sorted(key for key in column.rows if key is not None):
            which = "newest key" if number == 1 else f"key number {number}"
            self.stdout.write(f"  {which}: {column.rows[number]} rows")
        if column.rows[None]:
            self.stdout.write(f"  no key: {column.rows[None]} rows")
        self.stdout.write(f"  encrypted again: {column.rewritten} rows")
