"""Warns of comparing a symbol with what it never is: ``osType == "Linux"``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from config.resources.model import nearest
from policy.cel.syntax import Binary, ListLiteral, Literal, Node
from policy.lint.finding import Finding, Placed, expressions
from policy.lint.leaves import Leaf
from policy.lint.subjects import Subject
from policy.schema.fields import type_at
from policy.schema.kinds import Scalar
from policy.schema.paths import Scope, parsed, path_of, spelled, walk

LINT: Final = "unknown-symbol"


def unknown_symbols(subject: Subject) -> Iterator[Finding]:
    """Find comparisons whose outcome is known before anything is asked."""
    for placed, leaf in expressions(subject):
        root = parsed(leaf.text)
        for node, scope in walk(root) if root is not None else ():
            if isinstance(node, Binary):
                yield from _compared(node, scope, leaf, placed)


def _compared(node: Binary, scope: Scope, leaf: Leaf, placed: Placed) -> Iterator[Finding]:
    for side, other in ((node.left, node.right), (node.right, node.left)):
        symbols = _symbols(side, scope)
        if not symbols:
            continue
        for given in _texts(node.operator, other):
            if given and given not in symbols:
                meant = nearest(given, symbols)
                remedy = f'did you mean "{meant}"?' if meant else f"it is {_listed(symbols)}"
                why = f'{placed.name} compares {spelled(side)} with "{given}", which it never is'
                yield Finding(LINT, leaf.at, why, remedy)


def _symbols(node: Node, scope: Scope) -> tuple[str, ...]:
    path = path_of(node, scope)
    kind = None if path is None else type_at(path)
    return kind.values if isinstance(kind, Scalar) else ()


def _texts(operator: str, node: Node) -> Iterator[str]:
    match node:
        case Literal(value=str(text)) if operator in ("==", "!="):
            yield text
        case ListLiteral(elements=elements) if operator == "in":
            for element, _ in elements:
                yield from _texts("==", element)
        case _:
            return


def _listed(symbols: tuple[str, ...]) -> str:
    *most, last = symbols
    return f"{', '.join(most)} or {last}" if most else last
