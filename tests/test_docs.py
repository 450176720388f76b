"""Docs that do not follow the code are worse than none."""

from __future__ import annotations

import re
from pathlib import Path

from icloud_sync.rules.reconcile import RULES

ROOT = Path(__file__).parent.parent


def test_the_page_of_sync_rules_is_the_table() -> None:
    page = (ROOT / "docs" / "sync-rules.md").read_text()
    rows = re.findall(r"^\| ([A-Z_]+) \| ([A-Z_]+) \| ([A-Z_]+): ([^|]+) \|", page, re.M)
    table = [(local.name, remote.name, action.name, action.value) for (_, local, remote), action in RULES.items()]
    assert [(a, b, c, d.strip()) for a, b, c, d in rows] == table


def test_every_decision_has_a_number_of_its_own_and_is_short() -> None:
    notes = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert notes
    numbers = [note.name[:4] for note in notes]
    assert len(set(numbers)) == len(numbers)
    for note in notes:
        assert len(note.read_text().splitlines()) <= 25, note.name


def test_every_variable_is_documented() -> None:
    names = set(re.findall(r'variables\.\w+\(\s*"([A-Z_]+)"', (ROOT / "leadmagicx" / "settings.py").read_text()))
    page = (ROOT / "docs" / "operations.md").read_text()
    assert {name for name in names if f"`{name}`" not in page} == set()


def test_no_page_names_a_file_that_is_not_there() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *(ROOT / "docs").glob("*.md")]
    for page in pages:
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} names {target}"
