"""What can go wrong around embedded servers."""

from __future__ import annotations


class EmbeddedError(Exception):
    """Something that stops a start; the text is for people: what happened, and what to do."""
