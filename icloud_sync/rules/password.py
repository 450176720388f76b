"""App-specific passwords as people type them, and as Apple wants them (rule C3)."""

from __future__ import annotations

import re
import unicodedata

from ..errors import NotAnAppSpecificPassword

_SIXTEEN_LETTERS = re.compile(r"[a-z]{16}")
_DASHES_BESIDES_PD = "\u2212\u2043\u02d7\u00ad"
"""Minus, hyphen bullet, modifier minus and soft hyphen: dashes to the eye, though not of Unicode's class Pd."""
_LONGEST_INPUT = 200


def normalise(text: str) -> str:
    """Return an app-specific password as 'abcd-efgh-ijkl-mnop'.

    Spaces of any width, line ends, dashes of any kind, invisible characters and upper case are forgiven; so are
    missing dashes. Whatever is not sixteen letters then raises NotAnAppSpecificPassword, so that a real Apple
    password never leaves this machine (fact 2.2). The error does not carry the text.

    >>> normalise("ABCD efgh\u2013ijkl mnop ")
    'abcd-efgh-ijkl-mnop'
    """
    letters = ""
    if len(text) <= _LONGEST_INPUT:
        letters = "".join(char for char in unicodedata.normalize("NFKC", text) if not _is_filler(char)).lower()
    if not _SIXTEEN_LETTERS.fullmatch(letters):
        del text, letters  # what was typed may be a real Apple password: no report of this error shows it
        raise NotAnAppSpecificPassword("an app-specific password has 16 letters")
    return "-".join(letters[start : start + 4] for start in range(0, 16, 4))


def _is_filler(char: str) -> bool:
    """Say whether a character is a space, a dash or invisible. NFKC maps U+00AD to itself, hence the explicit list."""
    return char.isspace() or char in _DASHES_BESIDES_PD or unicodedata.category(char) in {"Pd", "Cf"}
