"""The page about REST says all that the schema says, to everybody, and is as light as any other."""

from __future__ import annotations

import ast
import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from calendars.api.errors import STATUS_OF_REFUSAL
from icloud_sync.api.refusals import ANSWERS
from leadmagicx.pages.templatetags.pages import as_text, in_code
from leadmagicx.reference.outline import Thing, kind_of, outline, thing_of
from leadmagicx.reference.refusals import CODES, OWN
from tests.browser.tour import REFERENCE

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    found: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return found


@pytest.fixture
def shown(db: None) -> str:
    """The page as somebody sees it who is not signed in."""
    answer = Client().get(REFERENCE)
    assert answer.status_code == 200
    return answer.content.decode()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for verb, operation in item.items():
            yield path, verb, operation


def test_every_operation_is_there_and_can_be_found(document: dict[str, Any], shown: str) -> None:
    assert len(list(operations(document))) > 50
    for path, verb, operation in operations(document):
        anchor = operation["operationId"]
        part = shown.split(f'<details id="{anchor}">')[1].split("</details>")[0]
        assert f"<b>{verb.upper()}</b> <code>{path}</code>" in part
        assert f'<a href="#{anchor}"' in shown
        assert operation["summary"] in html.unescape(part), anchor
        for parameter in operation.get("parameters", []):
            assert f"<code>{parameter['name']}</code>" in part or parameter["in"] == "path", (anchor, parameter)
        for status in operation["responses"]:
            assert status in part, (anchor, status)
        assert "curl " in part
        assert ("-d '{" in part) == ("requestBody" in operation), anchor


def test_every_component_is_described_with_all_its_fields(document: dict[str, Any], shown: str) -> None:
    things = {thing.name: thing for thing in outline(document).things}
    for name, component in document["components"]["schemas"].items():
        if "enum" in component:
            assert all(f"<code>{value}</code>" in shown for value in component["enum"]), name
        elif "results" in component["properties"]:
            assert kind_of({"$ref": f"#/{name}"}, document["components"]["schemas"]).target in things
        else:
            thing = things[thing_of(name)]
            assert {field.name for field in thing.fields} >= set(component["properties"]), name
            assert f'<h3 id="{thing.name}">' in shown


def test_every_link_of_the_page_leads_somewhere(shown: str) -> None:
    for anchor in set(re.findall(r'href="#([^"]+)"', shown)):
        assert shown.count(f'id="{anchor}"') == 1, anchor
    assert sorted(set(ids := re.findall(r'\bid="([^"]+)"', shown))) == sorted(ids), "no name is given twice"


def test_what_may_be_written_and_what_must_be_is_said(document: dict[str, Any]) -> None:
    things = {thing.name: thing for thing in outline(document).things}

    def remarks(thing: Thing) -> dict[str, tuple[str, ...]]:
        return {field.name: field.remarks for field in thing.fields}

    calendar, connection = remarks(things["Calendar"]), remarks(things["Connect"])
    assert "read-only" in calendar["id"]
    assert {"required", "at most 200 characters"} <= set(calendar["name"])
    assert "or null" in calendar["max_per_day"]
    assert "required" in connection["app_specific_password"]
    assert "write-only" in remarks(things["Webhook"])["secret"]
    kinds = {field.name: field.kind for field in things["Calendar"].fields}
    assert (kinds["hours"].words, kinds["hours"].target) == ("list of ", "Hours")
    assert {field.name: field.kind for field in things["FreeSlots"].fields}["days"].words == "map to list of date-time"


def test_every_code_that_rest_refuses_with_is_in_the_table(shown: str) -> None:
    """Codes of single fields stay `invalid`; those of a whole request are promised."""
    raised = {code: status for status, code in ANSWERS.values()} | STATUS_OF_REFUSAL
    for code, status in raised.items():
        assert CODES[code][0] == status, code
    services = ROOT / "calendars" / "services"
    for tree in (ast.parse(path.read_text()) for path in services.rglob("*.py")):
        for node in ast.walk(tree):
            if isinstance(node, ast.keyword) and node.arg == "code" and isinstance(node.value, ast.Constant):
                assert node.value.value in CODES
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "code":
                assert ast.literal_eval(node.value) in CODES
    assert all(f"<code>{code}</code>" in shown for code in CODES)


def test_every_operation_of_the_table_exists(document: dict[str, Any]) -> None:
    known = {(verb, path.removeprefix("/api/v1/")) for path, verb, _operation in operations(document)}
    assert set(OWN) <= known
    assert {code for codes in OWN.values() for code in codes} <= set(CODES)


def test_nobody_is_pointed_to_a_rule_they_cannot_look_up(document: dict[str, Any], shown: str) -> None:
    assert not re.search(r"\(rules? [A-Z]\d", shown)
    texts = [operation.get("description", "") for _path, _verb, operation in operations(document)]
    assert not [text for text in texts if re.search(r"\b[A-Z]\d{1,2}\b", text)]


def test_texts_of_the_schema_are_shown_as_texts() -> None:
    nasty = "</pre><script>alert(1)</script>`<b>`"
    schema = {"type": "object", "description": nasty, "properties": {nasty: {"type": "string", "example": nasty}}}
    answer = {"description": "`invalid`", "content": {"application/json": {"schema": {"$ref": "#/x/Nasty"}}}}
    operation = {
        "operationId": "one", "tags": ["all"], "summary": nasty, "description": nasty + nasty,
        "parameters": [{"name": nasty, "in": "query", "schema": {"enum": [nasty]}, "required": True}],
        "requestBody": answer, "responses": {"200": answer, "400": answer},
    }  # fmt: skip
    made = outline({"info": {"description": nasty}, "paths": {"/x/": {"post": operation}},
                    "components": {"schemas": {"Nasty": schema}}})  # fmt: skip
    page = render_to_string("reference/_reference.html", {"outline": made, "codes": [(400, nasty, nasty)]})
    assert "<script" not in page
    assert "<b>" not in page.replace("<b>POST</b>", "")
    assert page.count("</pre>") == 3
    assert as_text("a & b < c > d \"e\" 'f'") == "a &amp; b &lt; c &gt; d \"e\" 'f'"
    assert in_code("a `b` <c>") == "a <code>b</code> &lt;c&gt;"


def test_the_page_speaks_german_where_it_is_not_the_schema_that_speaks(db: None) -> None:
    page = Client().get(REFERENCE, headers={"Accept-Language": "de"}).content.decode()
    assert '<html lang="de">' in page
    assert "REST-Schnittstelle" in page
    assert '<span lang="en">Book a slot, or a seat of a class</span>' in page
