"""Expressions and conditions that cannot be true, whatever is asked: they contradict themselves.

Only what is certain is said; anything not understood may be true.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Final, TypeAlias

from config.resources.policy import Condition
from policy.cel.syntax import (
    Binary,
    Has,
    Index,
    ListLiteral,
    Literal,
    Logical,
    Node,
    Select,
    Ternary,
    Unary,
)
from policy.schema.fields import ELEMENT, Path, type_at
from policy.schema.kinds import Scalar
from policy.schema.paths import ROOTS, parsed, path_of

_Constant: TypeAlias = str | bool


@dataclass(frozen=True, slots=True)
class Values:
    """A set of constants, or all but a set of them."""

    given: frozenset[_Constant]
    is_complement: bool = False

    def __and__(self, other: Values) -> Values:
        match self.is_complement, other.is_complement:
            case True, True:
                return Values(self.given | other.given, is_complement=True)
            case False, False:
                return Values(self.given & other.given)
            case True, False:
                return Values(other.given - self.given)
            case _:
                return Values(self.given - other.given)

    def __or__(self, other: Values) -> Values:
        return ~(~self & ~other)

    def __invert__(self) -> Values:
        return Values(self.given, not self.is_complement)

    @property
    def is_empty(self) -> bool:
        """Whether nothing can be one of them."""
        return not self.given and not self.is_complement


Asked: TypeAlias = tuple[Path, bool]
"""A path, and whether it is only asked whether it is there."""

Needs: TypeAlias = Mapping[Asked, Values]
"""What each path must be."""

Outcomes: TypeAlias = tuple[Needs | None, Needs | None]
"""What must hold where an expression is true, and where it is false; None where it never is."""

_NO_NEEDS: Final[Needs] = {}
_BOTH: Final = Values(frozenset({True, False}))


def needs(node: Node) -> Outcomes:
    """Return what must hold where a node is true, and where it is false."""
    match node:
        case Literal(value=bool(value)):
            return (_NO_NEEDS, None) if value else (None, _NO_NEEDS)
        case Unary(operator="!", operand=operand):
            true, false = needs(operand)
            return false, true
        case Logical(operator=operator, terms=terms):
            return _joined(operator, [needs(term) for term in terms])
        case Ternary(condition=condition, yes=yes, no=no):
            asked, taken, other = needs(condition), needs(yes), needs(no)
            return _chosen(asked, taken[0], other[0]), _chosen(asked, taken[1], other[1])
        case _:
            return _atom_needs(node)


def _joined(operator: str, each: Sequence[Outcomes]) -> Outcomes:
    true, false = [one[0] for one in each], [one[1] for one in each]
    if operator == "&&":
        return _together(true), _either(false)
    return _either(true), _together(false)


def _chosen(asked: Outcomes, taken: Needs | None, other: Needs | None) -> Needs | None:
    return _either([_together([asked[0], taken]), _together([asked[1], other])])


def _atom_needs(node: Node) -> Outcomes:
    found = _asked_values(node)
    if found is None:
        return _NO_NEEDS, _NO_NEEDS
    asked, values = found
    return _together([{asked: values}]), _together([{asked: ~values}])


def _asked_values(node: Node) -> tuple[Asked, Values] | None:
    """Return what a node compares, and the values for which it is true."""
    match node:
        case Binary(operator="==" | "!=" as operator):
            compared = _compared(node)
            if compared is None:
                return None
            asked, values = compared
            return asked, values if operator == "==" else ~values
        case Binary(operator="in", left=left, right=ListLiteral(elements=elements)):
            constants = [_constant(element) for element, is_optional in elements if not is_optional]
            path = _exact(left)
            if path is None or len(constants) < len(elements):
                return None
            return _one_of(path, constants)
        case Has():
            path = _exact(Select(node.position, node.operand, node.field))
            return None if path is None else ((path, True), Values(frozenset({True})))
        case _:
            path = _exact(node)
            is_bool = path is not None and type_at(path) == Scalar("a bool")
            return _one_of(path, [True]) if path is not None and is_bool else None


def _compared(node: Binary) -> tuple[Asked, Values] | None:
    for side, other in ((node.left, node.right), (node.right, node.left)):
        path = _exact(side)
        if path is not None:
            return _one_of(path, [_constant(other)])
    return None


def _one_of(path: Path, constants: Sequence[_Constant | None]) -> tuple[Asked, Values] | None:
    known = [constant for constant in constants if constant is not None]
    if len(known) < len(constants):
        return None
    return (path, False), Values(frozenset(known))


def _constant(node: Node) -> _Constant | None:
    if isinstance(node, Literal) and isinstance(node.value, str | bool):
        return node.value
    return None


def _exact(node: Node) -> Path | None:
    """Return the path of a chain that means one value; an element of a list may be any."""
    link = node
    while isinstance(link, Select | Index):
        if link.is_optional:
            return None
        link = link.operand
    path = path_of(node, ROOTS)
    return None if path is None or len(path) < 2 or ELEMENT in path else path


def _together(each: Iterable[Needs | None]) -> Needs | None:
    """Return what must hold where all hold."""
    found: dict[Asked, Values] = {}
    for one in each:
        if one is None:
            return None
        for asked, values in one.items():
            found[asked] = found[asked] & values if asked in found else values
    if any((values & _possible(asked)).is_empty for asked, values in found.items()):
        return None
    return found


def _either(each: Iterable[Needs | None]) -> Needs | None:
    """Return what must hold where any holds."""
    possible = [one for one in each if one is not None]
    if not possible:
        return None
    asked_by_all = reduce(frozenset.intersection, [frozenset(one) for one in possible])
    return {asked: _any_of([one[asked] for one in possible]) for asked in asked_by_all}


def _any_of(each: Sequence[Values]) -> Values:
    return reduce(Values.__or__, each)


def _possible(asked: Asked) -> Values:
    """Return what can be found at a path at all."""
    path, is_presence = asked
    kind = None if is_presence else type_at(path)
    if is_presence or kind == Scalar("a bool"):
        return _BOTH
    if isinstance(kind, Scalar) and kind.values:
        return Values(frozenset({"", *kind.values}))
    return Values(frozenset(), is_complement=True)


def condition_needs(condition: Condition | None, *, truth: bool) -> Needs | None:
    """Return what must hold where a condition matches, or does not; None where that cannot be."""
    if condition is None:
        return None if truth else _NO_NEEDS
    if condition.match_any is not None:
        return _NO_NEEDS if condition.match_any is truth else None
    if condition.match or condition.not_:
        return _text_needs(condition, truth=truth)
    return _tree_needs(condition, truth=truth)


def _text_needs(condition: Condition, *, truth: bool) -> Needs | None:
    is_match = bool(condition.match)
    node = parsed(condition.match or condition.not_ or "")
    if node is None:
        return _NO_NEEDS
    # Missing data is false too, so that nothing follows from an expression that is false.
    if truth is is_match or isinstance(node, Literal):
        true, false = needs(node)
        return true if truth is is_match else false
    return _NO_NEEDS


def _tree_needs(condition: Condition, *, truth: bool) -> Needs | None:
    for branch, of_child, takes_all in (
        (condition.all, truth, truth),
        (condition.any, truth, not truth),
        (condition.none, not truth, truth),
    ):
        if branch is not None and branch.of:
            each = [condition_needs(child, truth=of_child) for child in branch.of]
            return _together(each) if takes_all else _either(each)
    return _NO_NEEDS


def never_matches(condition: Condition | None) -> bool:
    """Say whether no request can make a condition match."""
    return condition_needs(condition, truth=True) is None


def always_matches(condition: Condition | None) -> bool:
    """Say whether a condition matches, or is an error, whatever is asked."""
    return condition is not None and condition_needs(condition, truth=False) is None
