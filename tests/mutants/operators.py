"""Small wrongs in a file's syntax tree, one at a time."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass

COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Pow: ast.Mult,
    ast.BitOr: ast.BitAnd,
}


@dataclass(frozen=True)
class Mutant:
    """A changed source text, and what was changed where."""

    line: int
    what: str
    source: str


def mutants_of(source: str) -> Iterator[Mutant]:
    """Yield every mutant of a module's source. Docstrings, annotations, imports and messages are left alone."""
    tree = ast.parse(source)
    spots = [node for node in ast.walk(tree) if hasattr(node, "lineno")]
    spared = _spared(tree)
    for number, node in enumerate(spots):
        if id(node) in spared:
            continue
        for what, change in _changes(node):
            twin = copy.deepcopy(tree)
            target = [each for each in ast.walk(twin) if hasattr(each, "lineno")][number]
            change(target, twin)
            yield Mutant(node.lineno, what, ast.unparse(ast.fix_missing_locations(twin)))


def _spared(tree: ast.Module) -> set[int]:
    found: set[int] = set()

    def spare(node: ast.AST | None) -> None:
        if node is not None:
            found.update(id(each) for each in ast.walk(node))

    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                spare(first)
        if isinstance(node, ast.AnnAssign):
            spare(node.annotation)
        if isinstance(node, ast.arg):
            spare(node.annotation)
        if isinstance(node, ast.FunctionDef):
            spare(node.returns)
        if isinstance(node, (ast.Import, ast.ImportFrom, ast.Raise)):
            # Which error is raised matters, its words do not.
            for each in ast.walk(node):
                if isinstance(each, ast.Constant) and isinstance(each.value, str):
                    found.add(id(each))
        if isinstance(node, ast.ClassDef) and any(
            isinstance(base, ast.Name) and base.id in _WORDS for base in node.bases
        ):
            spare(node)
            found.discard(id(node))
        if isinstance(node, ast.Assert):
            spare(node)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "dataclass":
            spare(node)
    return found


# Interfaces have no behaviour; the values of enums are words for people.
_WORDS = {"Protocol", "Enum"}
Change = tuple[str, object]


def _changes(node: ast.AST) -> Iterator[tuple[str, object]]:
    if isinstance(node, ast.Compare):
        for place, operator in enumerate(node.ops):
            for other in COMPARISONS.get(type(operator), ()):
                yield f"{type(operator).__name__} to {other.__name__}", _set_op(place, other)
    elif isinstance(node, ast.BoolOp):
        other_bool = ast.Or if isinstance(node.op, ast.And) else ast.And
        yield f"{type(node.op).__name__} to {other_bool.__name__}", _replace_attribute("op", other_bool())
        for place in range(len(node.values)):
            yield f"operand {place} dropped", _drop_operand(place)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "not dropped", _become(lambda old: old.operand)
    elif isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC:
        operator = ARITHMETIC[type(node.op)]
        yield f"{type(node.op).__name__} to {operator.__name__}", _replace_attribute("op", operator())
    elif isinstance(node, ast.Constant):
        for value in _other_values(node.value):
            yield f"{node.value!r} to {value!r}", _replace_attribute("value", value)
    elif isinstance(node, ast.IfExp):
        yield "always the first", _become(lambda old: old.body)
        yield "always the second", _become(lambda old: old.orelse)
    elif isinstance(node, ast.If):
        yield "if always", _replace_attribute("test", ast.Constant(True))
        yield "if never", _replace_attribute("test", ast.Constant(False))
    elif isinstance(node, ast.Return) and node.value is not None and not _is_none(node.value):
        yield "returns None", _replace_attribute("value", ast.Constant(None))
    elif isinstance(node, (ast.Expr, ast.Assign, ast.AugAssign, ast.Continue, ast.Break, ast.Raise)):
        yield "statement deleted", _delete
    if isinstance(node, ast.Dict) and len(node.keys) > 1:
        for place in range(len(node.keys)):
            yield f"entry {place} dropped", _drop_entry(place)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("min", "max", "any", "all"):
        other_name = {"min": "max", "max": "min", "any": "all", "all": "any"}[node.func.id]
        yield f"{node.func.id} to {other_name}", _rename_call(other_name)


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _other_values(value: object) -> list[object]:
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, (int, float)):
        return [value + 1, value - 1]
    if isinstance(value, str):
        return ["mutated" if value == "" else ""]
    return []


def _set_op(place: int, other: type[ast.cmpop]) -> object:
    def change(node: ast.Compare, _tree: ast.Module) -> None:
        node.ops[place] = other()

    return change


def _replace_attribute(name: str, value: object) -> object:
    return lambda node, _tree: setattr(node, name, value)


def _drop_operand(place: int) -> object:
    def change(node: ast.BoolOp, tree: ast.Module) -> None:
        del node.values[place]
        if len(node.values) == 1:
            _put_in_place(node, node.values[0], tree)

    return change


def _drop_entry(place: int) -> object:
    def change(node: ast.Dict, _tree: ast.Module) -> None:
        del node.keys[place]
        del node.values[place]

    return change


def _rename_call(name: str) -> object:
    return lambda node, _tree: setattr(node.func, "id", name)


def _become(pick: object) -> object:
    return lambda node, tree: _put_in_place(node, pick(node), tree)


def _put_in_place(old: ast.AST, new: ast.AST, tree: ast.Module) -> None:
    class Swap(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> ast.AST:
            return new if node is old else super().generic_visit(node)

    Swap().visit(tree)


def _delete(old: ast.stmt, tree: ast.Module) -> None:
    _put_in_place(old, ast.copy_location(ast.Pass(), old), tree)
