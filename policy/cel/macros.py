"""Macro expansion: calls that are syntax, not functions, become nodes of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from policy.cel.syntax import (
    Bind,
    Comprehension,
    Has,
    Ident,
    Loop,
    Node,
    OptionalMap,
    Select,
)
from policy.cel.values import CompileError

_LOOPS: Final[Mapping[tuple[str, int], tuple[Loop, int]]] = {
    ("all", 2): (Loop.ALL, 1),
    ("exists", 2): (Loop.EXISTS, 1),
    ("exists_one", 2): (Loop.EXISTS_ONE, 1),
    ("existsOne", 2): (Loop.EXISTS_ONE, 1),
    ("map", 2): (Loop.MAP, 1),
    ("map", 3): (Loop.MAP, 1),
    ("filter", 2): (Loop.FILTER, 1),
    ("sortBy", 2): (Loop.SORT_BY, 1),
    ("all", 3): (Loop.ALL, 2),
    ("exists", 3): (Loop.EXISTS, 2),
    ("existsOne", 3): (Loop.EXISTS_ONE, 2),
    ("exists_one", 3): (Loop.EXISTS_ONE, 2),
    ("transformList", 3): (Loop.TRANSFORM_LIST, 2),
    ("transformList", 4): (Loop.TRANSFORM_LIST, 2),
    ("transformMap", 3): (Loop.TRANSFORM_MAP, 2),
    ("transformMap", 4): (Loop.TRANSFORM_MAP, 2),
    ("transformMapEntry", 3): (Loop.TRANSFORM_ENTRY, 2),
    ("transformMapEntry", 4): (Loop.TRANSFORM_ENTRY, 2),
}


def expand(
    position: int, target: Node | None, function: str, arguments: tuple[Node, ...]
) -> Node | None:
    """Return what a macro call means, or None when the call is no macro."""
    if target is None:
        return _has(position, arguments) if function == "has" else None
    if (function, len(arguments)) in _LOOPS:
        return _comprehension(position, target, function, arguments)
    if function in ("optMap", "optFlatMap") and len(arguments) == 2:
        name = _variable(arguments[0])
        return OptionalMap(position, target, name, arguments[1], function == "optFlatMap")
    if function == "bind" and len(arguments) == 3 and _is_named(target, "cel"):
        return Bind(position, _variable(arguments[0]), arguments[1], arguments[2])
    return None


def _has(position: int, arguments: tuple[Node, ...]) -> Node:
    if len(arguments) != 1 or not isinstance(arguments[0], Select):
        raise CompileError("has() takes one field selection, like has(ctx.device)", position)
    return Has(position, arguments[0].operand, arguments[0].field)


def _comprehension(
    position: int, target: Node, function: str, arguments: tuple[Node, ...]
) -> Comprehension:
    loop, count = _LOOPS[function, len(arguments)]
    names = tuple(_variable(argument) for argument in arguments[:count])
    if len(set(names)) != count:
        raise CompileError(f"{function}() names the variable {names[0]!r} twice", position)
    return Comprehension(position, loop, target, names, arguments[count:])


def _variable(node: Node) -> str:
    if not isinstance(node, Ident) or node.name.startswith("."):
        raise CompileError("a macro's variable must be a simple name", node.position)
    return node.name


def _is_named(node: Node, name: str) -> bool:
    return isinstance(node, Ident) and node.name == name
