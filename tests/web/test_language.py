"""German is complete, English is the source, and neither needs gettext's tools."""

from __future__ import annotations

import ast
import gettext
import io
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.template.base import Lexer
from django.test import Client
from django.utils import translation
from django.utils.translation.template import templatize

from leadmagicx.pages import catalogs, wording
from tests.scene import Scene
from tests.web.test_errors import words

ROOT = Path(__file__).parents[2]
QUOTED = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
GERMAN = ROOT / "leadmagicx/locale/de/LC_MESSAGES/django.po"
CALLS = {"_", "_now", "gettext", "gettext_lazy", "gettext_noop"}
PLURALS = {"ngettext", "ngettext_lazy"}
IN_TEMPLATE = re.compile(r"""(?<!\w)(gettext|_|ngettext)\(\s*u?({text})(?:,\s*u?({text}))?""".replace("{text}", QUOTED))
# What is raised with a sentence: pages and REST show it as it is.
TOLD = {"InvalidState", "NotAMember", "ReadOnly", "Refused", "ValidationError"}
# Rule K2 gives this sentence word for word, and REST promises it; pages have a translated one of their own.
VERBATIM = {"SIMPLE_NOT_SUPPORTED"}


def product_code() -> Iterator[tuple[Path, ast.Call]]:
    for folder in ("calendars", "icloud_sync", "leadmagicx"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call):
                    yield path, node


def name_of(call: ast.expr) -> str:
    """Return the name of what is called: `f` for f(), and for module.f()."""
    func = getattr(call, "func", None)
    return str(getattr(func, "id", getattr(func, "attr", "")))


def in_python() -> Iterator[str]:
    """Return what the code marks for translation, keyed as the catalogue has it: singular and plural together."""
    for path, call in product_code():
        wanted = 2 if name_of(call) in PLURALS else int(name_of(call) in CALLS)
        given = call.args[:wanted]
        if given and not isinstance(given[0], ast.Name | ast.Attribute | ast.Starred):
            literal = all(isinstance(one, ast.Constant) for one in given)
            assert literal, f"{path}:{call.lineno}: a text made while running is in no catalogue"
            yield "\0".join(str(one.value) for one in given if isinstance(one, ast.Constant))


def in_templates() -> Iterator[str]:
    for path in (ROOT / "templates").rglob("*"):
        if path.suffix in {".html", ".txt"}:
            for name, one, many in IN_TEMPLATE.findall(templatize(path.read_text())):
                yield "\0".join(ast.literal_eval(text) for text in ((one, many) if name == "ngettext" else (one,)))


def german() -> dict[str, str]:
    return catalogs.read_catalog(GERMAN.read_text())


def test_every_text_has_its_german() -> None:
    marked = {text for text in [*in_python(), *in_templates()] if text.strip()}
    assert len(marked) > 300
    assert any("\0" in text for text in marked)
    assert sorted(marked - set(german())) == []


def test_what_is_refused_is_refused_in_the_readers_language() -> None:
    """A sentence that an act is refused with reaches pages, so it is marked like any other."""
    bare = []
    for path, call in product_code():
        if name_of(call) not in TOLD or not call.args or path.parent.name == "api":
            continue
        for told in call.args[0].values if isinstance(call.args[0], ast.Dict) else call.args[:1]:
            if isinstance(told, ast.BinOp):
                told = told.left
            plain = isinstance(told, ast.Constant | ast.JoinedStr)
            if plain or (isinstance(told, ast.Name) and told.id.isupper() and told.id not in VERBATIM):
                bare.append(f"{path.relative_to(ROOT)}:{call.lineno}")
    assert bare == []


def test_german_texts_have_the_same_places_for_values() -> None:
    place = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w+\}|</?\w+|href=\"[^\"]+\"")
    for key, value in german().items():
        for english, text in zip(key.split("\0"), value.split("\0"), strict=True):
            if key and "seat is taken" not in english:
                assert sorted(place.findall(english)) == sorted(place.findall(text)), english


def test_no_text_is_left_over() -> None:
    marked = {*in_python(), *in_templates()}
    assert [key for key in german() if key and key not in marked] == []


def test_the_machines_form_is_what_gettext_reads() -> None:
    read = gettext.GNUTranslations(io.BytesIO(catalogs.machine_form(german())))
    assert read.gettext("Connect") == "Verbinden"
    assert read.ngettext("%(n)s event could not be read.", "%(n)s events could not be read.", 1).startswith("%(n)s Er")
    assert read.ngettext("%(n)s event could not be read.", "%(n)s events could not be read.", 2).endswith(
        "waren nicht lesbar."
    )
    assert read.gettext("No such text") == "No such text"


def test_stale_catalogues_are_compiled_and_fresh_ones_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "xx" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    source, target = folder / "django.po", folder / "django.mo"
    source.write_text('msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\nmsgid "Yes"\nmsgstr "Ja"\n')
    catalogs.compile_stale(tmp_path)
    first = target.read_bytes()
    assert gettext.GNUTranslations(io.BytesIO(first)).gettext("Yes") == "Ja"
    target.write_bytes(b"kept")
    catalogs.compile_stale(tmp_path)
    assert target.read_bytes() == b"kept"
    os.utime(target, (1, 1))
    catalogs.compile_stale(tmp_path)
    assert target.read_bytes() == first
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []


def test_fuzzy_and_empty_texts_stay_english_and_nonsense_is_named() -> None:
    text = '#, fuzzy\nmsgid "A"\nmsgstr "B"\n\nmsgid "C"\nmsgstr ""\n\nmsgctxt "x"\nmsgid "D"\nmsgstr "E"\n'
    assert catalogs.read_catalog(text) == {"x\x04D": "E"}
    with pytest.raises(ValueError, match="line 3"):
        catalogs.read_catalog('msgid "A"\nmsgstr "B"\nnonsense here\n')


def test_pages_speak_the_language_of_the_browser(scene: Scene, client: Client) -> None:
    page = client.get("/settings/profile/", headers={"Accept-Language": "de"}).content.decode()
    assert '<html lang="de">' in page
    said = words(page)
    for text in ("Mein Profil", "Verbunden", "Hauptkalender", "Konfliktkalender", "Zuletzt synchronisiert"):
        assert text in said
    week = words(client.get(f"/?date={scene.monday}", headers={"Accept-Language": "de"}).content.decode())
    assert "Als „Frei“ markiert" in week or "als „Frei“ markiert" in week


def test_a_refusal_speaks_it_too(scene: Scene, client: Client) -> None:
    address = f"/appointments/{scene.removed.pk}/icloud/leave-off/"
    client.post(address)
    page = client.post(address, headers={"Accept-Language": "de"}, follow=True).content.decode()
    assert "Von diesem Termin wurde in iCloud nichts gelöscht." in words(page)


def test_the_language_can_be_chosen(scene: Scene, client: Client) -> None:
    answer = client.post("/language/", {"language": "de", "next": "/attention/"}, follow=True)
    assert "Zu klären" in words(answer.content.decode())


NOW = datetime(2026, 6, 3, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, "just now"), (0, "just now"), (1, "1 s ago"), (20, "20 s ago"), (99, "99 s ago"), (100, "1 min ago"),
        (5999, "99 min ago"), (6000, "1 h ago"), (35 * 3600, "35 h ago"), (36 * 3600, "on 2 June 2026, 00:00"),
    ],
)  # fmt: skip
def test_how_long_ago(seconds: int, said: str) -> None:
    assert wording.ago(NOW - timedelta(seconds=seconds), now=NOW) == said


@pytest.mark.parametrize(
    ("start", "end", "all_day", "said"),
    [
        ("2026-06-03T09:00", "2026-06-03T09:30", False, "Wed 3 June 2026, 09:00–09:30"),
        ("2026-06-03T22:00", "2026-06-04T00:00", False, "Wed 3 June 2026, 22:00–00:00"),
        ("2026-06-03T22:00", "2026-06-04T02:00", False, "Wed 3 June 2026, 22:00 – Thu 4 June 2026, 02:00"),
        ("2026-06-03T00:00", "2026-06-04T00:00", True, "Wed 3 June 2026"),
        ("2026-06-03T00:00", "2026-06-06T00:00", True, "Wed 3 June 2026 – Fri 5 June 2026"),
    ],
)
def test_when_something_is(start: str, end: str, all_day: bool, said: str) -> None:
    times = [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (start, end)]
    assert wording.span(*times, all_day=all_day) == said
    with translation.override("de"):
        assert wording.span(*times, all_day=all_day).startswith("Mi 3. Juni 2026")


def test_templates_mark_every_text() -> None:
    """A text between tags that is not marked would stay English on every page."""
    unmarked = []
    for path in (ROOT / "templates").rglob("*.html"):
        if "admin" in path.parts:
            continue
        source = re.sub(r"{% blocktranslate.*?{% endblocktranslate %}", "", path.read_text(), flags=re.S)
        source = re.sub(r"{% block (main_class|title) %}.*?{% endblock %}", "", source)
        plain = "".join(token.contents for token in Lexer(source).tokenize() if token.token_type.name == "TEXT")
        plain = re.sub(r"<(svg|script)\b.*?</\1>|<[^>]*>", " ", plain, flags=re.S)
        found = re.findall(r"[A-Za-z]{2,}[a-z ]+", re.sub(r"LeadMagicX|doctype html", "", plain))
        unmarked += [f"{path.name}: {text}" for text in found]
    assert unmarked == []
