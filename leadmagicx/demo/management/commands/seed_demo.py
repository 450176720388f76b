"""`manage.py seed_demo`: the users, calendars and appointments of `make demo`."""

from __future__ import annotations

import json
import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from leadmagicx.demo import services
from leadmagicx.demo.content import USERS

ACCOUNTS = "DEMO_ICLOUD_ACCOUNTS"


class Command(BaseCommand):
    help = f"Fill a demo in; again, it keeps what is there. {ACCOUNTS}: accounts of the stand-in for iCloud, as JSON."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--no-icloud", action="store_true", help="connect nobody")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.SECURE_SSL_REDIRECT:
            raise CommandError("This is no demo: it is set up for TLS. The demo's users have well-known passwords.")
        now = timezone.now()
        services.fill_in(now=now)
        problems = [] if options["no_icloud"] else services.connect(_accounts(), now=now)
        self.stdout.write("Sign in as              with the password")
        for user in USERS:
            what = "staff, sees all" if user.is_staff else user.timezone
            self.stdout.write(f"  {user.username:<22}{user.password:<20}{what}")
        for problem in problems:
            self.stdout.write(problem)


def _accounts() -> list[dict[str, str]]:
    try:
        found = json.loads(os.environ.get(ACCOUNTS) or "[]")
        return [{"apple_id": one["apple_id"], "password": one["password"]} for one in found]
    except (ValueError, TypeError, KeyError):
        raise CommandError(f"{ACCOUNTS}: not a JSON list of apple_id and password.") from None
