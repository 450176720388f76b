"""ETags: opaque, quoted, strong or not to be used in a condition."""

from __future__ import annotations

import re

_QUOTED = re.compile(r'(?:W/)?"[!#-~]*"')
_BARE = re.compile(r"[!#-~]+")


def normal(text: str | None) -> str | None:
    """Return an ETag as it is stored: with its quotes (fact 4.8), added where the server left them out.

    None when there is none, or one that could not go into a header as it is (reliability S26).

    >>> normal('ldp3blyq')
    '"ldp3blyq"'
    """
    text = (text or "").strip()
    if _QUOTED.fullmatch(text):
        return text
    return f'"{text}"' if _BARE.fullmatch(text) else None


def strong(text: str | None) -> str | None:
    """Return the ETag when If-Match may use it, else None: a weak one matches nothing (RFC 9110 §13.1.1)."""
    etag = normal(text)
    return etag if etag and etag.startswith('"') and etag != '""' else None
