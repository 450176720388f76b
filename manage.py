#!/usr/bin/env python
"""Django's command line; with no variable set it uses the embedded servers of DEMO_DIR."""

import os
import sys


def main() -> None:
    """Complete the environment, then run the command."""
    from leadmagicx.embedded.environment import prepare
    from leadmagicx.embedded.errors import EmbeddedError

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leadmagicx.settings")
    try:
        prepare(os.environ)
    except EmbeddedError as error:
        sys.exit(f"{error}")

    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
