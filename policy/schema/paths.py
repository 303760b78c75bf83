"""The paths an expression reads, followed through its macros, and those that lead nowhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

from config.resources.model import nearest
from policy.cel.parse import parse
from policy.cel.syntax import (
    Bind,
    Comprehension,
    Has,
    Ident,
    Index,
    Literal,
    Loop,
    Node,
    OptionalMap,
    Select,
)
from policy.cel.values import CompileError
from policy.schema.fields import ELEMENT, Path, step, type_at
from policy.schema.kinds import ListOf, Message, Scalar, Type

Scope: TypeAlias = Mapping[str, Path | None]
"""The path each name stands for; None where it stands for something computed."""

ROOTS: Final[Scope] = {"ctx": ("ctx",), "attrs": ("attrs",)}
_REMEMBERED: Final = 4096
_LISTED: Final = 8
_WORD: Final = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_SAME_ELEMENTS: Final = frozenset({Loop.FILTER, Loop.SORT_BY})


@dataclass(frozen=True, slots=True)
class UnknownPath:
    """A path no schema knows; ``position`` counts characters from 0."""

    position: int
    message: str
    hint: str


@lru_cache(maxsize=_REMEMBERED)
def parsed(text: str) -> Node | None:
    """Return an expression's syntax, or None where it has none."""
    try:
        return parse(text)
    except (CompileError, RecursionError, MemoryError):
        return None


@lru_cache(maxsize=_REMEMBERED)
def unknown_paths(text: str) -> tuple[UnknownPath, ...]:
    """Return every path of an expression that no schema knows, in the order of the text."""
    root = parsed(text)
    if root is None:
        return ()
    found = (_unknown(node, scope) for node, scope in walk(root))
    return tuple(sorted(filter(None, found), key=lambda unknown: unknown.position))


def walk(root: Node) -> Iterator[tuple[Node, Scope]]:
    """Yield every node with the names that are known there, without recursion."""
    waiting: list[tuple[Node, Scope]] = [(root, ROOTS)]
    while waiting:
        node, scope = waiting.pop()
        yield node, scope
        waiting.extend(below(node, scope))


def below(node: Node, scope: Scope) -> list[tuple[Node, Scope]]:
    """Return the nodes directly below, each with the names that are known there."""
    match node:
        case Comprehension(range=visited, terms=terms):
            inner = {**scope, **_loop_variables(node, scope)}
            return [(visited, scope), *((term, inner) for term in terms)]
        case Bind(variable=name, value=value, body=body):
            return [(value, scope), (body, {**scope, name: path_of(value, scope)})]
        case OptionalMap(operand=operand, variable=name, body=body):
            return [(operand, scope), (body, {**scope, name: path_of(operand, scope)})]
        case _:
            return [(child, scope) for child in node.children()]


def _loop_variables(node: Comprehension, scope: Scope) -> Scope:
    visited = path_of(node.range, scope)
    is_list = visited is not None and isinstance(type_at(visited), ListOf)
    element = (*visited, ELEMENT) if visited is not None else None
    if len(node.variables) == 1:
        return {node.variables[0]: element if is_list else None}
    return {node.variables[0]: None, node.variables[1]: element}


def path_of(node: Node, scope: Scope) -> Path | None:
    """Return the path a node reads, or None where it computes something."""
    match node:
        case Ident(name=name):
            return ROOTS.get(name[1:]) if name.startswith(".") else scope.get(name)
        case Select(operand=operand) | Has(operand=operand) | Index(operand=operand):
            holder = path_of(operand, scope)
            return None if holder is None else (*holder, key_of(node))
        case Comprehension(loop=loop, range=visited) if loop in _SAME_ELEMENTS:
            return path_of(visited, scope)
        case _:
            return None


def key_of(node: Select | Has | Index) -> str:
    """Return the key a node selects; an index that is no constant text selects some element."""
    if not isinstance(node, Index):
        return node.field
    if isinstance(node.key, Literal) and isinstance(node.key.value, str):
        return node.key.value
    return ELEMENT


def spelled(node: Node) -> str:
    """Return a chain of fields as one would write it."""
    match node:
        case Select(operand=operand, field=field) | Has(operand=operand, field=field):
            return subscripted(spelled(operand), field)
        case Index(operand=operand):
            key = key_of(node)
            return (
                f"{spelled(operand)}[…]" if key == ELEMENT else subscripted(spelled(operand), key)
            )
        case Ident(name=name):
            return name.removeprefix(".")
        case _:
            return "(…)"


def subscripted(holder: str, key: str) -> str:
    """Return how a key is selected: with a dot where it is a word."""
    if _WORD.fullmatch(key):
        return f"{holder}.{key}"
    return f"{holder}[{json.dumps(key, ensure_ascii=False)}]"


def _unknown(node: Node, scope: Scope) -> UnknownPath | None:
    if not isinstance(node, Select | Has | Index):
        return None
    holder = path_of(node.operand, scope)
    held = None if holder is None else type_at(holder)
    if held is None or step(held, key_of(node)) is not None:
        return None
    if isinstance(node, Index) and key_of(node) == ELEMENT:
        return None  # an index of the wrong type is no question of names
    given = spelled(node)
    if isinstance(held, Message):
        return UnknownPath(node.position, f"no schema knows {given}", _hint(node, held))
    words = held.words if isinstance(held, Scalar) else "a list"
    return UnknownPath(
        node.position, f"no schema knows {given}", f"{spelled(node.operand)} is {words}"
    )


def _hint(node: Select | Has | Index, holder: Message) -> str:
    known = holder.fields()
    place, key = spelled(node.operand), key_of(node)
    meant = nearest(key, known)
    if meant:
        return f"did you mean {subscripted(place, meant)}?"
    for name, field in known.items():
        if _has_key(field.type, key):
            return f"did you mean {subscripted(subscripted(place, name), key)}?"
    listed = [*known][:_LISTED]
    more = ", …" if len(known) > _LISTED else ""
    return f"known there: {', '.join(listed)}{more}"


def _has_key(holder: Type, key: str) -> bool:
    return isinstance(holder, Message) and key in holder.fields()
