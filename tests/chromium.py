"""The browser of the suite: `python -m tests.chromium` finds it, or installs it where that can be done."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
INSTALL = (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"])


class NoBrowserError(Exception):
    """There is no browser; the text says how to get one."""


def executable() -> str:
    """Return the path of Chromium or Chrome: CHROMIUM when set, else the first one on the path."""
    for name in (os.environ.get("CHROMIUM", ""), *NAMES):
        if name and (found := shutil.which(name)):
            return found
    raise NoBrowserError(
        "The browser tests need Chromium or Chrome, and none is on the path. Install one (Debian, Ubuntu: "
        "apt-get install chromium; macOS: brew install --cask chromium) or name its program in CHROMIUM."
    )


def install() -> None:
    """Install Chromium with the system's packages, which takes root and apt; NoBrowserError otherwise."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        executable()
    for command in INSTALL:
        done = subprocess.run(
            command, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, stdin=subprocess.DEVNULL, check=False
        )
        if done.returncode:
            raise NoBrowserError(f"`{' '.join(command)}` failed ({done.returncode}). Install Chromium by hand.")
    executable()


def main() -> int:
    """Make sure that there is a browser; 1 when there is none and it cannot be installed."""
    try:
        try:
            executable()
        except NoBrowserError:
            install()
    except NoBrowserError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
