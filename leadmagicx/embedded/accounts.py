"""PostgreSQL refuses to run as root: which account it gets instead, and how that account reaches the files."""

from __future__ import annotations

import ctypes
import os
import pwd
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from leadmagicx.embedded.errors import EmbeddedError

PR_SET_KEEPCAPS = 8
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION_3 = 0x20080522

LINUX = sys.platform == "linux"
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Account:
    """The user and group that a server runs as."""

    uid: int
    gid: int

    def become(self) -> None:
        """Turn this process (just forked, about to exec) into that account.

        It keeps the one capability to pass folders that only root may enter (/root, mktemp -d), so that
        nobody has to open them. Where the kernel does not give it, `make_reachable` has the other way.
        """
        if LINUX:
            _libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
        os.setgroups([])
        os.setgid(self.gid)
        os.setuid(self.uid)
        if LINUX:
            bits = 1 << CAP_DAC_OVERRIDE
            header = struct.pack("=Ii", CAPABILITY_VERSION_3, 0)
            _libc.capset(header, struct.pack("=6I", bits, bits, bits, 0, 0, 0))
            _libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0)

    def own(self, path: Path) -> None:
        """Give the file or folder to the account."""
        os.chown(path, self.uid, self.gid)


def server_account(data: Path) -> Account | None:
    """Return whom to run as: None for ourselves, else (as root) the owner of the data, or nobody."""
    if os.geteuid() != 0:
        return None
    owner = data.stat().st_uid if data.exists() else 0
    try:
        entry = pwd.getpwuid(owner) if owner else pwd.getpwnam("nobody")
    except KeyError as error:
        raise EmbeddedError(
            "PostgreSQL does not run as root, and this system has no user to run it as instead "
            f"({owner or 'nobody'}). Create one, or run as a plain user."
        ) from error
    return Account(uid=entry.pw_uid, gid=entry.pw_gid)


def make_reachable(account: Account, *, program: Path, folders: list[Path]) -> None:
    """See to it that the account can run the program and enter the folders.

    Normally the capability of `Account.become` does. Where it is not to be had, every folder on the way is
    opened for passing through (o+x: entering, not listing), which is told on stderr.
    """
    if _reaches(account, program=program, folders=folders):
        return
    for target in (program, *folders):
        for parent in target.resolve().parents:
            mode = parent.stat().st_mode
            if not mode & 0o001:
                sys.stderr.write(f"Opening {parent} for passing through (chmod o+x): PostgreSQL runs as nobody.\n")
                parent.chmod(mode | 0o001)
    if not _reaches(account, program=program, folders=folders):
        raise EmbeddedError(f"User number {account.uid} cannot run {program}. Run as a plain user instead of root.")


def _reaches(account: Account, *, program: Path, folders: list[Path]) -> bool:
    entering = 'program=$1; shift; for folder; do cd "$folder" || exit 1; done; exec "$program" --version'
    try:
        done = subprocess.run(
            ["/bin/sh", "-c", entering, "sh", program, *folders],
            preexec_fn=account.become,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
    except (PermissionError, subprocess.SubprocessError):
        return False
    return done.returncode == 0
