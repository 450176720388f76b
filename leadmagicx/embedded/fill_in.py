"""Migrate, and fill a demo in: `python -m leadmagicx.embedded.fill_in [--seed] [--no-icloud]`.

One process for both, because starting Django takes longer than either. What it prints is for the demo's summary.
"""

from __future__ import annotations

import argparse
import os

import django
from django.core.management import call_command


def main() -> None:
    """Run the commands in the environment as it is."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", action="store_true")
    parser.add_argument("--no-icloud", action="store_true")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leadmagicx.settings")
    django.setup()
    call_command("migrate", interactive=False, verbosity=0)
    if options.seed:
        call_command("seed_demo", no_icloud=options.no_icloud)


if __name__ == "__main__":
    main()
