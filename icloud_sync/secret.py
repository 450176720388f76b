"""A password that cannot be shown by accident."""

from __future__ import annotations

from typing import NoReturn


class Secret:
    """Text that prints as stars and refuses to be serialised; only reveal() gives it out.

    Keeps an app-specific password out of logs, tracebacks with locals, JSON and pickles (reliability S2).
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text in clear. Called by the encrypted field and by the transport, nowhere else."""
        return self._text

    def __repr__(self) -> str:
        return "Secret('***')"

    def __str__(self) -> str:
        return "***"

    def __format__(self, format_spec: str) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __bool__(self) -> bool:
        return bool(self._text)

    def __reduce__(self) -> NoReturn:
        raise TypeError("A Secret is never pickled")
