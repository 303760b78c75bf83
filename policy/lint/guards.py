"""Which optional paths an expression reads without asking first whether they are there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Final, TypeAlias

from policy.cel.syntax import (
    Binary,
    Call,
    Comprehension,
    Has,
    Ident,
    Index,
    Literal,
    Logical,
    Node,
    Select,
    Ternary,
    Unary,
)
from policy.schema.fields import ELEMENT, Path, step, type_at
from policy.schema.paths import ROOTS, Scope, below, key_of, path_of, spelled

Facts: TypeAlias = frozenset[Path]
"""Paths that are there, as far as is known."""

NOTHING: Final[Facts] = frozenset()


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What is there where an expression is true, and where it is false."""

    true: Facts
    false: Facts

    def where(self, *, truth: bool) -> Facts:
        """Return one of the two."""
        return self.true if truth else self.false


@dataclass(frozen=True, slots=True)
class Unguarded:
    """An optional path that is read although nothing says that it is there."""

    path: Path
    spelling: str
    holder: str

    @property
    def guard(self) -> str:
        """How to ask whether it is there."""
        if self.spelling == f"{self.holder}.{self.path[-1]}":
            return f"has({self.spelling})"
        return f'"{self.path[-1]}" in {self.holder}'


def unguarded(root: Node, known: Facts) -> Iterator[Unguarded]:
    """Yield what is read unguarded; ``known`` is there for other reasons.

    An expression that is an error counts as false, so at its top ``has(a.b)`` guards ``a`` too.
    """
    yield from _reads(root, ROOTS, known, is_lenient=True)


def implied(node: Node, scope: Scope) -> Outcomes:
    """Return what is there for sure where a node is true, and where it is false.

    Both at once, or nested conditions would be asked twice as often with each level.
    """
    match node:
        case Has():
            return Outcomes(_prefixes(path_of(node, scope)), NOTHING)
        case Unary(operator="!", operand=operand):
            found = implied(operand, scope)
            return Outcomes(found.false, found.true)
        case Logical(operator=operator, terms=terms):
            return _joined(operator, [implied(term, scope) for term in terms])
        case Ternary(condition=condition, yes=yes, no=no):
            asked, taken, other = (implied(part, scope) for part in (condition, yes, no))
            return Outcomes(
                (asked.true | taken.true) & (asked.false | other.true),
                (asked.true | taken.false) & (asked.false | other.false),
            )
        case _:
            return Outcomes(_key_found(node, scope), NOTHING)


def _joined(operator: str, each: Sequence[Outcomes]) -> Outcomes:
    true, false = [one.true for one in each], [one.false for one in each]
    if operator == "&&":
        return Outcomes(united(true), shared(false))
    return Outcomes(shared(true), united(false))


def _key_found(node: Node, scope: Scope) -> Facts:
    match node:
        case Binary(operator="in", left=Literal(value=str(key)), right=right):
            holder = path_of(right, scope)
            return NOTHING if holder is None else _prefixes((*holder, key))
        case Call(function="hasValue", target=Node() as target):
            return _prefixes(path_of(target, scope))
        case _:
            return NOTHING


def united(each: Sequence[Facts]) -> Facts:
    """Return what any of them says."""
    return NOTHING.union(*each)


def shared(each: Sequence[Facts]) -> Facts:
    """Return what all of them say."""
    return reduce(frozenset.intersection, each) if each else NOTHING


def said_by_others(each: Sequence[Facts]) -> list[Facts]:
    """Return for each what the others say."""
    counts = Counter(path for facts in each for path in facts)
    total = frozenset(counts)
    return [total - {path for path in facts if counts[path] == 1} for facts in each]


def _prefixes(path: Path | None) -> Facts:
    if path is None:
        return NOTHING
    return frozenset(path[:length] for length in range(1, len(path) + 1))


def _reads(node: Node, scope: Scope, known: Facts, *, is_lenient: bool) -> Iterator[Unguarded]:
    match node:
        case Logical(operator=operator, terms=terms):
            each = [implied(term, scope).where(truth=operator == "&&") for term in terms]
            for term, facts in zip(terms, said_by_others(each), strict=True):
                yield from _reads(term, scope, known | facts, is_lenient=is_lenient)
        case Ternary(condition=condition, yes=yes, no=no):
            yield from _reads(condition, scope, known, is_lenient=False)
            asked = implied(condition, scope)
            yield from _reads(yes, scope, known | asked.true, is_lenient=is_lenient)
            yield from _reads(no, scope, known | asked.false, is_lenient=is_lenient)
        case Has(operand=operand):
            if not is_lenient:
                yield from _reads(operand, scope, known, is_lenient=False)
        case Select() | Index():
            yield from _chain_reads(node, scope, known)
        case _:
            yield from _reads_below(node, scope, known)


def _reads_below(node: Node, scope: Scope, known: Facts) -> Iterator[Unguarded]:
    """Read what is below; a macro's later terms are asked only where its first one is true."""
    for child, inner in below(node, scope):
        yield from _reads(child, inner, known, is_lenient=False)
        if isinstance(node, Comprehension) and child is node.terms[0]:
            known |= implied(child, inner).true


def _chain_reads(node: Select | Index, scope: Scope, known: Facts) -> Iterator[Unguarded]:
    links: list[Select | Index] = []
    base: Node = node
    while isinstance(base, Select | Index):
        links.append(base)
        base = base.operand
    links.reverse()
    if not isinstance(base, Ident):
        yield from _reads(base, scope, known, is_lenient=False)
    for link in links:
        if isinstance(link, Index):
            yield from _reads(link.key, scope, known, is_lenient=False)
    yield from _first_missing(links, scope, known)


def _first_missing(links: list[Select | Index], scope: Scope, known: Facts) -> Iterator[Unguarded]:
    for link in links:
        holder = path_of(link.operand, scope)
        if holder is None:
            continue
        if link.is_optional:
            return  # all that follows is optional as well
        path = (*holder, key_of(link))
        if path not in known and _is_optional(path):
            yield Unguarded(path, spelled(link), spelled(link.operand))
            return


def _is_optional(path: Path) -> bool:
    holder = type_at(path[:-1])
    field = None if holder is None else step(holder, path[-1])
    return field is not None and field.is_optional and path[-1] != ELEMENT
