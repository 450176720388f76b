"""Read the environment once, and name everything that is wrong with it at once."""

from __future__ import annotations

import re
from collections.abc import Callable, MutableMapping
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")

TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off", ""}
TRUSTED_HOST = re.compile(r"^\.?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*(:\d{1,5})?$|^\[[0-9A-Fa-f:]+\](:\d{1,5})?$")


class Variables:
    """The process environment, with `NAME_FILE` for secrets, and a list of what is missing or malformed.

    Call the readers, then `finish()`: it raises one ImproperlyConfigured naming every problem and the
    way out. A reader whose variable is bad returns its default so that reading can go on.
    """

    def __init__(self, source: MutableMapping[str, str]) -> None:
        self.source = source
        self.problems: list[str] = []

    def text(self, name: str, default: str | None = None) -> str:
        """Return the text of NAME, or of the file named by NAME_FILE; without a default it is required."""
        value = self.source.get(name)
        path = self.source.get(f"{name}_FILE")
        if not value and path:
            try:
                value = Path(path).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                self.problems.append(
                    f"{name}_FILE: cannot read {path} ({type(error).__name__}). Check path and rights."
                )
                return default or ""
        if value:
            return value
        if default is None:
            self.problems.append(f"{name}: not set. Set {name}, or {name}_FILE to a file that holds it.")
            return ""
        return default

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a yes or no."""
        value = self.source.get(name, "").strip().lower()
        if name not in self.source:
            return default
        if value in TRUE:
            return True
        if value not in FALSE:
            self.problems.append(f"{name}: {value!r} is neither true nor false.")
        return False

    def seconds(self, name: str, default: float, *, zero: bool = True) -> float:
        """Return a number of seconds (decimals allowed), never negative."""
        return self._parsed(
            name, default, lambda text: _number(text, zero=zero), "a number of seconds such as 60 or 0.5"
        )

    def count(self, name: str, default: int) -> int:
        """Return a whole number, never negative."""
        return self._parsed(name, default, lambda text: int(_number(text, zero=True)), "a whole number such as 60")

    def listed(self, name: str, default: str = "") -> list[str]:
        """Return a comma-separated list without empty parts."""
        return [part.strip() for part in self.text(name, default).split(",") if part.strip()]

    def url(self, name: str, default: str | None, *, schemes: tuple[str, ...]) -> str:
        """Return a URL with one of the schemes."""
        value = self.text(name, default)
        if value:
            try:
                parts = urlsplit(value)
                valid = parts.scheme in schemes
            except ValueError:
                valid = False
            if not valid:
                self.problems.append(f"{name}: must start with {' or '.join(s + '://' for s in schemes)}.")
                return default or ""
        return value

    def trusted_hosts(self, name: str, default: str) -> tuple[str, ...]:
        """Return host, host:port or .suffix entries, lower case."""
        hosts = tuple(host.lower() for host in self.listed(name, default))
        for host in hosts:
            if not TRUSTED_HOST.match(host):
                self.problems.append(f"{name}: {host!r} is not host, host:port or .suffix.")
        if not hosts:
            self.problems.append(f"{name}: empty. Name at least one host, such as .icloud.com.")
        return hosts

    def database(self, name: str) -> dict[str, object]:
        """Return Django's settings for a PostgreSQL URL."""
        value = self.url(name, None, schemes=("postgres", "postgresql", "psql", "pgsql"))
        if not value:
            return {"ENGINE": "django.db.backends.postgresql", "NAME": "missing"}
        config: dict[str, object] = environ.Env.db_url_config(value)
        config["ENGINE"] = "django.db.backends.postgresql"
        return config

    def keys(self, name: str) -> list[str]:
        """Return encryption keys, newest first, each of at least 32 characters."""
        keys = [part.strip() for part in self.text(name).split(",") if part.strip()]
        short = [position for position, key in enumerate(keys, start=1) if len(key) < 32]
        if short:
            self.problems.append(
                f"{name}: key number {short[0]} is shorter than 32 characters. Make one with "
                "python -c 'import secrets; print(secrets.token_urlsafe(48))'."
            )
        return keys

    def finish(self) -> None:
        """Raise ImproperlyConfigured when anything was wrong."""
        if self.problems:
            lines = "\n".join(f"  - {problem}" for problem in self.problems)
            raise ImproperlyConfigured(f"The environment is not complete:\n{lines}")

    def _parsed(self, name: str, default: T, parse: Callable[[str], T], wanted: str) -> T:
        value = self.source.get(name, "").strip()
        if not value:
            return default
        try:
            return parse(value)
        except ValueError:
            self.problems.append(f"{name}: {value!r} is not {wanted}.")
            return default


def _number(text: str, *, zero: bool) -> float:
    number = float(text)
    if not (0 <= number < 1e9) or (number == 0 and not zero):
        raise ValueError(text)
    return number
