"""Texts of our events: cleaned for iCalendar, joined with and separated from what LeadMagicX generates."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

MARKER: Final = "--- LeadMagicX ---"
"""The line between a host's notes and the generated lines. An edit above it is an edit of the notes."""

_LINE_ENDS = re.compile("\r\n|[\r\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
# Controls, lone surrogates and non-characters; TAB and LF stay.
_UNWRITABLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_BLANKS = re.compile(r"\s+")


def clean_text(text: str) -> str:
    """Return text of many lines that survives iCalendar and PostgreSQL unchanged (reliability S25, E11, E12).

    Every kind of line end becomes LF, control characters and lone surrogates go, blanks at the ends of lines
    and of the whole go, letters are composed (NFC): two spellings of a text are then one.
    """
    text = _UNWRITABLE.sub("", _LINE_ENDS.sub("\n", text)).replace("\ufeff", "")
    text = unicodedata.normalize("NFC", text)
    return "\n".join(line.rstrip() for line in text.split("\n")).strip()


def clean_line(text: str) -> str:
    """Return text as one line: a title or a place."""
    return _BLANKS.sub(" ", clean_text(text)).strip()


def same_text(one: str, other: str) -> bool:
    """Whether two texts look the same to a person: servers trim, re-wrap line ends and normalise letters."""
    return clean_text(one).replace("\xa0", " ") == clean_text(other).replace("\xa0", " ")


def joined(notes: str, details: tuple[str, ...]) -> str:
    """Return the description of an event: notes, the marker line, the generated lines.

    A generated line that looks like the marker is indented, so that the last marker is always ours.
    """
    below = [f"· {line}" if line.strip() == MARKER else line for line in details]
    return "\n".join([*([notes] if notes else []), MARKER, *below])


def separated(description: str, details: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Return (notes, lines that somebody added below the marker).

    Without a marker everything is notes, but for the generated lines `details`, each taken out once.
    """
    lines = clean_text(description).split("\n")
    generated = [f"· {line}" if line.strip() == MARKER else line for line in details]
    at = max((index for index, line in enumerate(lines) if line.strip() == MARKER), default=None)
    if at is None:
        return "\n".join(_without(lines, generated)).strip(), ()
    below = _without(lines[at + 1 :], generated)
    return "\n".join(lines[:at]).strip(), tuple(line for line in below if line)


def has_all(description: str, details: tuple[str, ...]) -> bool:
    """Whether every generated line stands below the marker, so that the others there are the user's."""
    _, _, below = clean_text(description).rpartition(MARKER)
    present = {line.strip() for line in below.split("\n")}
    return MARKER in description and present.issuperset(line.strip() for line in details)


def _without(lines: list[str], generated: list[str]) -> list[str]:
    """Take each generated line out once, from the end, where it was written."""
    left = [line.strip() for line in generated if line.strip()]
    kept: list[str] = []
    for line in reversed(lines):
        if line.strip() in left:
            left.remove(line.strip())
        else:
            kept.append(line)
    return kept[::-1]
