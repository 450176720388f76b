"""An OpenAPI document, arranged as people read it: sections of operations, and the objects they take and give.

Pure: a document in, values out. Serializers that differ only in what may be written are one object here: Calendar,
CalendarRequest and PatchedCalendarRequest are the fields of a calendar, some of them read-only.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

Schema = dict[str, Any]

LIMITS = {
    "minimum": "at least {}", "maximum": "at most {}", "maxLength": "at most {} characters",
    "maxItems": "at most {}", "pattern": "{}", "example": "like {}",
}  # fmt: skip
# A limit that only says how wide a column of the database is tells nobody anything.
WIDEST = 2**31 - 1
# What a route says of its `id` when nobody said anything.
ITS_ID = "A unique integer value identifying this"
EXAMPLES = {
    "date-time": "2026-12-01T09:00:00+01:00", "date": "2026-12-01", "email": "grace@example.com",
    "uri": "https://example.com/hook", "integer": 1, "boolean": True, "number": 1.5, "string": "…",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kind:
    """A type in words, with the object it leads to: "list of ", "Hours"."""

    words: str
    target: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an object, or a parameter of an operation."""

    name: str
    kind: Kind
    text: str
    remarks: tuple[str, ...]
    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Thing:
    """An object that is sent or answered."""

    name: str
    text: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one address."""

    anchor: str
    verb: str
    path: str
    title: str
    text: str
    parameters: tuple[Field, ...]
    takes: Kind | None
    partly: bool
    gives: tuple[tuple[str, Kind | None], ...]
    refuses: tuple[tuple[str, tuple[str, ...]], ...]
    example: str


@dataclass(frozen=True, slots=True)
class Section:
    """The operations of one tag, with what is said of all of them."""

    name: str
    text: str
    operations: tuple[Operation, ...]


@dataclass(frozen=True, slots=True)
class Outline:
    """The whole page."""

    text: str
    sections: tuple[Section, ...]
    things: tuple[Thing, ...]


def outline(document: Schema) -> Outline:
    """Return an OpenAPI 3.0 document as sections and objects."""
    schemas: Schema = document["components"]["schemas"]
    by_tag: dict[str, list[tuple[str, str, Schema]]] = {}
    for path, item in document["paths"].items():
        for verb, operation in item.items():
            by_tag.setdefault(operation["tags"][0], []).append((path, verb, operation))
    names = {thing_of(name) for name in schemas if _is_thing(name, schemas)}
    return Outline(
        text=document["info"].get("description", ""),
        sections=tuple(_section(tag, found, schemas) for tag, found in by_tag.items()),
        things=tuple(_thing(name, schemas) for name in sorted(names)),
    )


def thing_of(name: str) -> str:
    """Return the object a component is a form of.

    >>> thing_of("PatchedCalendarRequest")
    'Calendar'
    """
    return name.removeprefix("Patched").removesuffix("Request")


def _is_thing(name: str, schemas: Schema) -> bool:
    """Say whether a component is an object of its own: no list of values, and no page of a list."""
    return "properties" in schemas[name] and "results" not in schemas[name]["properties"]


def _section(tag: str, found: list[tuple[str, str, Schema]], schemas: Schema) -> Section:
    texts = Counter(operation.get("description", "") for _path, _verb, operation in found)
    shared, times = texts.most_common(1)[0]
    shared = shared if times > 1 or len(found) == 1 else ""
    return Section(tag, shared, tuple(_operation(*one, shared=shared, schemas=schemas) for one in found))


def _operation(path: str, verb: str, operation: Schema, *, shared: str, schemas: Schema) -> Operation:
    text = operation.get("description", "")
    title = operation.get("summary") or text.split("\n")[0]
    body = _content(operation.get("requestBody", {}))
    answers = operation["responses"].items()
    return Operation(
        anchor=operation["operationId"],
        verb=verb.upper(),
        path=path,
        title=title.rstrip("."),
        text=text if text not in (shared, title, f"{title}.") else "",
        parameters=tuple(_parameter(one, schemas) for one in operation.get("parameters", []) if not _is_id(one)),
        takes=kind_of(body, schemas) if body else None,
        partly=body.get("$ref", "").startswith("#/components/schemas/Patched"),
        gives=tuple((status, _answer(one, schemas)) for status, one in answers if status < "300"),
        refuses=tuple(
            (status, tuple(re.findall(r"`(\w+)`", one["description"]))) for status, one in answers if status >= "300"
        ),
        example=_example(path, verb, operation, body=body, schemas=schemas),
    )


def _content(message: Schema) -> Schema:
    found: Schema = message.get("content", {}).get("application/json", {}).get("schema", {})
    return found


def _answer(response: Schema, schemas: Schema) -> Kind | None:
    schema = _content(response)
    return kind_of(schema, schemas) if schema else None


def _is_id(parameter: Schema) -> bool:
    """Say whether a parameter is the `{id}` of the address and nothing more is to be said of it."""
    text: str = parameter.get("description", ITS_ID)
    return parameter["in"] == "path" and text.startswith(ITS_ID)


def _parameter(parameter: Schema, schemas: Schema) -> Field:
    schema = {**parameter["schema"], "description": parameter.get("description", "")}
    needed = ["required"] if parameter.get("required") else []
    return _field(parameter["name"], schema, schemas, [parameter["in"], *needed])


def _thing(name: str, schemas: Schema) -> Thing:
    shown, sent, partly = (schemas.get(form) for form in (name, f"{name}Request", f"Patched{name}Request"))
    forms = [form for form in (shown, sent, partly) if form]
    properties: Schema = {}
    for form in forms:
        # Limits stand with what is sent: an answer needs none.
        properties |= {field: {**properties.get(field, {}), **schema} for field, schema in form["properties"].items()}
    writable = {field for form in (sent, partly) if form for field in form["properties"]}
    fields = []
    for field, schema in properties.items():
        remarks = {
            "required": field in (sent or {}).get("required", []),
            "read-only": bool(writable) and field not in writable,
            "write-only": bool(shown) and field not in shown["properties"],  # type: ignore[index]
        }
        fields.append(_field(field, schema, schemas, [words for words, true in remarks.items() if true]))
    text = next((form["description"] for form in forms if form.get("description")), "")
    return Thing(name, text, tuple(fields))


def _field(name: str, schema: Schema, schemas: Schema, remarks: list[str]) -> Field:
    schema = _resolved(schema)
    inner = _resolved(schema.get("items", {}))
    choice = _component(inner) or _component(schema)
    listed = schemas[choice] if choice and "enum" in schemas[choice] else schema if "enum" in schema else inner
    limits = [words.format(schema[key]) for key, words in LIMITS.items() if key in schema and not _is_wide(schema[key])]
    may_be_null = ["or null"] if schema.get("nullable") else []
    return Field(
        name, kind_of(schema, schemas), schema.get("description", ""), tuple(may_be_null + remarks + limits),
        _values(listed),
    )  # fmt: skip


def _is_wide(limit: Any) -> bool:
    return isinstance(limit, int) and limit >= WIDEST


def _values(schema: Schema) -> tuple[tuple[str, str], ...]:
    """Return the values of a choice, each with its name where that says more."""
    names = dict(re.findall(r"^\* `([^`]*)` - (.*)$", schema.get("description", ""), re.M))
    plain = {value: re.sub(r"\W|_", "", names.get(value, "")).lower() for value in map(str, schema.get("enum", []))}
    return tuple(
        (value, names[value] if said and said != re.sub(r"\W|_", "", value) else "") for value, said in plain.items()
    )


def kind_of(schema: Schema, schemas: Schema) -> Kind:
    """Return the type of a value in words."""
    schema = _resolved(schema)
    name = _component(schema)
    if name and "enum" in schemas[name]:
        return Kind("string")
    if name and "results" in schemas[name].get("properties", {}):
        return _of("page of ", schemas[name]["properties"]["results"]["items"], schemas)
    if name:
        return Kind("", thing_of(name))
    if schema.get("type") == "array":
        return _of("list of ", schema["items"], schemas)
    if isinstance(schema.get("additionalProperties"), dict) and schema["additionalProperties"]:
        return _of("map to ", schema["additionalProperties"], schemas)
    words = schema.get("format") or schema.get("type", "any")
    return Kind("integer" if words.startswith("int") else words)


def _of(words: str, schema: Schema, schemas: Schema) -> Kind:
    inner = kind_of(schema, schemas)
    return Kind(words + inner.words, inner.target)


def _resolved(schema: Schema) -> Schema:
    """Return a schema with its one alternative in place: a reference with remarks is written as allOf."""
    for way in ("allOf", "oneOf"):
        if way in schema:
            return {**schema[way][0], **{key: value for key, value in schema.items() if key != way}}
    return schema


def _component(schema: Schema) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _example(path: str, verb: str, operation: Schema, *, body: Schema, schemas: Schema) -> str:
    """Return a line for the shell, with everything that is required."""
    needed = [one for one in operation.get("parameters", []) if one.get("required") and one["in"] == "query"]
    query = "&".join(f"{one['name']}={_sample(one['schema'], schemas)}" for one in needed)
    address = f'"$LEADMAGICX{path.replace("{id}", "1")}{"?" + query if query else ""}"'
    method = "" if verb == "get" else f"-X {verb.upper()} "
    line = f'curl {method}-H "Authorization: Token $TOKEN" {address}'
    if not body:
        return line
    sample = json.dumps(_sample(body, schemas), ensure_ascii=False)
    return f"{line} -H 'Content-Type: application/json' -d '{sample}'"


def _sample(schema: Schema, schemas: Schema) -> Any:
    schema = _resolved(schema)
    name = _component(schema)
    if name:
        return _sample(schemas[name], schemas)
    if "enum" in schema:
        return schema["enum"][0]
    if "properties" in schema:
        fields: Schema = schema["properties"]
        # Of a change to an object one field is enough to show how it is done.
        chosen = schema.get("required") or list(fields)[:1]
        return {name: _sample(fields[name], schemas) for name in chosen}
    if schema.get("type") == "array":
        return [_sample(schema["items"], schemas)]
    return schema.get("example", EXAMPLES.get(schema.get("format", ""), EXAMPLES.get(schema.get("type", ""), {})))
