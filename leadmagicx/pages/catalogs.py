"""Compile translations without gettext's tools, so that a checkout speaks German with nothing but Python.

The .mo files are not in git: each process makes those that are missing or older than their .po at start, which takes
a few milliseconds once. Format: GNU gettext manual, "The Format of GNU MO Files".
"""

from __future__ import annotations

import ast
import os
import struct
import tempfile
from pathlib import Path

MAGIC = 0x950412DE
CONTEXT_END = "\x04"


def compile_stale(folder: Path) -> None:
    """Write every .mo below folder whose .po is newer. Where nothing may be written, what is there stays in use."""
    for source in folder.glob("*/LC_MESSAGES/*.po"):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime_ns >= source.stat().st_mtime_ns:
            continue
        if os.access(target.parent, os.W_OK):
            _replace(target, machine_form(read_catalog(source.read_text(encoding="utf-8"))))


def _replace(target: Path, content: bytes) -> None:
    """Put the content in place at once: web, worker and beat may start at the same moment."""
    number, name = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=".mo")
    with os.fdopen(number, "wb") as file:
        file.write(content)
    Path(name).chmod(0o644)
    Path(name).replace(target)


def read_catalog(text: str) -> dict[str, str]:
    """Return what a .po translates, keyed as gettext looks it up (context, then singular and plural).

    Fuzzy and empty entries are left out, so the English text is shown for them. Raises ValueError, with the line's
    number, for a line that is not understood.
    """
    catalog: dict[str, str] = {}
    for block in text.replace("\r\n", "\n").split("\n\n"):
        entry, fuzzy = _read_entry(block, text)
        if fuzzy or "msgid" not in entry:
            continue
        forms = [entry[name] for name in sorted(entry) if name.startswith("msgstr")]
        key = entry["msgid"] + ("\0" + entry["msgid_plural"] if "msgid_plural" in entry else "")
        if "msgctxt" in entry:
            key = entry["msgctxt"] + CONTEXT_END + key
        if all(forms):
            catalog[key] = "\0".join(forms)
    return catalog


def _read_entry(block: str, text: str) -> tuple[dict[str, str], bool]:
    entry: dict[str, str] = {}
    name, fuzzy = "", False
    for line in block.splitlines():
        if line.startswith("#,"):
            fuzzy = fuzzy or "fuzzy" in line
        elif line and not line.startswith("#"):
            word, _, rest = line.partition(" ")
            if not line.startswith('"'):
                name, line = word, rest
                entry[name] = ""
            try:
                entry[name] += ast.literal_eval(line)
            except (KeyError, SyntaxError, ValueError, TypeError) as error:
                number = text[: text.index(line)].count("\n") + 1
                raise ValueError(f"line {number} is not part of a .po file: {line}") from error
    return entry, fuzzy


def machine_form(catalog: dict[str, str]) -> bytes:
    """Return the .mo file of a catalog: a header, two tables of lengths and offsets, and the texts."""
    pairs = sorted((key.encode(), value.encode()) for key, value in catalog.items())
    tables, texts = 28, 28 + 16 * len(pairs)
    keys_table, values_table, body = b"", b"", b""
    for column in (0, 1):
        table = b""
        for pair in pairs:
            table += struct.pack("<II", len(pair[column]), texts + len(body))
            body += pair[column] + b"\0"
        keys_table, values_table = (table, values_table) if column == 0 else (keys_table, table)
    header = struct.pack("<7I", MAGIC, 0, len(pairs), tables, tables + 8 * len(pairs), 0, 0)
    return header + keys_table + values_table + body
