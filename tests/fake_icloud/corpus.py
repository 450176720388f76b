"""Event texts as iCloud and its users' calendars were seen to hold them, good ones and bad ones.

Each file of bodies/ says in X-NOTE what is odd about it, and whether a reader can use it (`usable`).
"""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).with_name("bodies")
NAMES = tuple(sorted(path.stem for path in _FOLDER.glob("*.ics")))
UNUSABLE = frozenset({"cut-short", "no-dtstart", "rubbish"})  # no reader can tell when these take place


def body(name: str, *, uid: str | None = None) -> bytes:
    """Return a text with CRLF line ends, under another UID if given. KeyError for an unknown name."""
    if name not in NAMES:
        raise KeyError(name)
    text = (_FOLDER / f"{name}.ics").read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return text if uid is None else text.replace(b"UID:corpus-" + name.encode(), b"UID:" + uid.encode())
