"""The abstract syntax of CEL, after macro expansion: plain values that know their position."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any


class Loop(Enum):
    """The comprehension macros."""

    ALL = auto()
    EXISTS = auto()
    EXISTS_ONE = auto()
    MAP = auto()
    FILTER = auto()
    SORT_BY = auto()
    TRANSFORM_LIST = auto()
    TRANSFORM_MAP = auto()
    TRANSFORM_ENTRY = auto()


@dataclass(frozen=True, slots=True)
class Node:
    """One node; ``position`` is where its operator or first character stands in the text."""

    position: int

    def children(self) -> tuple[Node, ...]:
        """Return the nodes directly below."""
        return self._below()

    def _below(self) -> tuple[Node, ...]:
        return ()


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """A constant: None, bool, int, UInt, float, str or bytes."""

    value: Any


@dataclass(frozen=True, slots=True)
class Ident(Node):
    """A name; a leading dot means that no local variable may capture it."""

    name: str


@dataclass(frozen=True, slots=True)
class Select(Node):
    """``operand.field``, or ``operand.?field``."""

    operand: Node
    field: str
    is_optional: bool = False

    def _below(self) -> tuple[Node, ...]:
        return (self.operand,)


@dataclass(frozen=True, slots=True)
class Has(Node):
    """``has(operand.field)``."""

    operand: Node
    field: str

    def _below(self) -> tuple[Node, ...]:
        return (self.operand,)


@dataclass(frozen=True, slots=True)
class Index(Node):
    """``operand[key]``, or ``operand[?key]``."""

    operand: Node
    key: Node
    is_optional: bool = False

    def _below(self) -> tuple[Node, ...]:
        return (self.operand, self.key)


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A function call; ``target`` is what stands before the dot."""

    target: Node | None
    function: str
    arguments: tuple[Node, ...]

    def _below(self) -> tuple[Node, ...]:
        return self.arguments if self.target is None else (self.target, *self.arguments)


@dataclass(frozen=True, slots=True)
class ListLiteral(Node):
    """``[a, ?b]``: each element and whether it is optional."""

    elements: tuple[tuple[Node, bool], ...]

    def _below(self) -> tuple[Node, ...]:
        return tuple(element for element, _ in self.elements)


@dataclass(frozen=True, slots=True)
class MapLiteral(Node):
    """``{k: v, ?k: v}``: each key, value and whether the entry is optional."""

    entries: tuple[tuple[Node, Node, bool], ...]

    def _below(self) -> tuple[Node, ...]:
        return tuple(node for key, value, _ in self.entries for node in (key, value))


@dataclass(frozen=True, slots=True)
class Logical(Node):
    """A flat chain of ``&&`` or of ``||``."""

    operator: str
    terms: tuple[Node, ...]

    def _below(self) -> tuple[Node, ...]:
        return self.terms


@dataclass(frozen=True, slots=True)
class Ternary(Node):
    """``condition ? yes : no``."""

    condition: Node
    yes: Node
    no: Node

    def _below(self) -> tuple[Node, ...]:
        return (self.condition, self.yes, self.no)


@dataclass(frozen=True, slots=True)
class Unary(Node):
    """``!operand`` or ``-operand``."""

    operator: str
    operand: Node

    def _below(self) -> tuple[Node, ...]:
        return (self.operand,)


@dataclass(frozen=True, slots=True)
class Binary(Node):
    """A relation, ``in``, or arithmetic."""

    operator: str
    left: Node
    right: Node

    def _below(self) -> tuple[Node, ...]:
        return (self.left, self.right)


@dataclass(frozen=True, slots=True)
class Comprehension(Node):
    """A macro that visits a list or a map with one or two variables."""

    loop: Loop
    range: Node
    variables: tuple[str, ...]
    terms: tuple[Node, ...]

    def _below(self) -> tuple[Node, ...]:
        return (self.range, *self.terms)


@dataclass(frozen=True, slots=True)
class Bind(Node):
    """``cel.bind(variable, value, body)``."""

    variable: str
    value: Node
    body: Node

    def _below(self) -> tuple[Node, ...]:
        return (self.value, self.body)


@dataclass(frozen=True, slots=True)
class OptionalMap(Node):
    """``operand.optMap(variable, body)``; ``is_flat`` for ``optFlatMap``."""

    operand: Node
    variable: str
    body: Node
    is_flat: bool

    def _below(self) -> tuple[Node, ...]:
        return (self.operand, self.body)


def walk(root: Node) -> Iterator[Node]:
    """Yield every node, without recursion."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(node.children())


def depth(root: Node) -> int:
    """Return the number of nodes on the longest way down."""
    level: tuple[Node, ...] = (root,)
    levels = 0
    while level:
        levels += 1
        level = tuple(child for node in level for child in node.children())
    return levels


def qualified_name(node: Node) -> str | None:
    """Return ``a.b.c`` for a plain chain of names, None for anything else."""
    parts: list[str] = []
    while isinstance(node, Select) and not node.is_optional:
        parts.append(node.field)
        node = node.operand
    if not isinstance(node, Ident):
        return None
    return ".".join((node.name, *reversed(parts)))
