"""`manage.py issue_token USERNAME`: print a new REST token alone on the last line."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from leadmagicx.accounts.models import User
from leadmagicx.accounts.services import issue_token


class Command(BaseCommand):
    help = "Print a new REST token for a user; earlier tokens stay valid."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["username"], is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active user named {options['username']!r}.")
        self.stdout.write(issue_token(user))
