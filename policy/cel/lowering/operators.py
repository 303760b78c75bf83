"""Lowers operators and list and map literals.

Where one side is a constant the comparison is a plain Python one; otherwise a function of ours
compares, because to Python ``true == 1`` and in CEL it is not.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any, Final

from policy.cel import containers, operators
from policy.cel.library import optionals
from policy.cel.lowering import python as py
from policy.cel.lowering.generator import Generator, Operand
from policy.cel.lowering.logic import lower_not
from policy.cel.signature import Kind
from policy.cel.syntax import Binary, ListLiteral, Literal, MapLiteral, Node, Unary

_ORDER: Final[Mapping[str, tuple[type[ast.cmpop], Callable[[Any, Any], bool]]]] = {
    "<": (ast.Lt, operators.less),
    "<=": (ast.LtE, operators.less_equal),
    ">": (ast.Gt, operators.greater),
    ">=": (ast.GtE, operators.greater_equal),
}
_ARITHMETIC: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "+": operators.add,
    "-": operators.subtract,
    "*": operators.multiply,
    "/": operators.divide,
    "%": operators.remainder,
}
_NUMBERS: Final = frozenset((Kind.INT, Kind.UINT, Kind.DOUBLE))
_FEW: Final = 8


def lower_binary(generator: Generator, node: Binary) -> Operand:
    """Lower a relation or arithmetic."""
    if node.operator == "in":
        return _lower_in(generator, node)
    left, right = generator.lower_all((node.left, node.right))
    if node.operator in ("==", "!="):
        return _equality(generator, node, left, right)
    if node.operator in _ORDER:
        return _order(generator, node.operator, left, right)
    if node.operator == "+" and not (left.kind in _NUMBERS and right.kind in _NUMBERS):
        return Operand(
            generator.call(operators.add_metered, generator.meter(), left.code, right.code)
        )
    return Operand(generator.call(_ARITHMETIC[node.operator], left.code, right.code))


def lower_unary(generator: Generator, node: Unary) -> Operand:
    """Lower ``!`` or ``-``."""
    if node.operator == "!":
        return lower_not(generator, node)
    return Operand(generator.call(operators.negate, generator.lower(node.operand).code))


def _equality(generator: Generator, node: Binary, left: Operand, right: Operand) -> Operand:
    is_equal = node.operator == "=="
    if isinstance(node.left, Literal):
        left, right, literal = right, left, node.left
    elif isinstance(node.right, Literal):
        literal = node.right
    else:
        meter = (generator.meter(),) if generator.is_wary else ()
        code: ast.expr = generator.call(operators.equals, left.code, right.code, *meter)
        return Operand(code if is_equal else py.negated(code), Kind.BOOL)
    return Operand(_equals_literal(generator, left, literal.value, is_equal=is_equal), Kind.BOOL)


def _equals_literal(
    generator: Generator, operand: Operand, value: Any, *, is_equal: bool
) -> ast.expr:
    constant = generator.constant(value)
    if value is None or isinstance(value, bool):
        operand = generator.variable(operand)
        return py.compare(operand.code, ast.Is() if is_equal else ast.IsNot(), constant)
    is_bit = isinstance(value, int | float) and value in (0, 1)
    if is_bit and operand.kind not in _NUMBERS:
        code = generator.call(operators.equals, operand.code, constant)
        return code if is_equal else py.negated(code)
    return py.compare(operand.code, ast.Eq() if is_equal else ast.NotEq(), constant)


def _order(generator: Generator, operator: str, left: Operand, right: Operand) -> Operand:
    compare, function = _ORDER[operator]
    plain = py.compare(left.code, compare(), right.code)
    if left.kind is right.kind and left.kind in _NUMBERS:
        return Operand(plain, Kind.BOOL)
    if right.kind is not Kind.INT:
        return Operand(generator.call_wary(function, left.code, right.code), Kind.BOOL)
    left, right = generator.atom(left), generator.atom(right)
    careful = generator.call(function, left.code, right.code)
    plain = py.compare(left.code, compare(), right.code)
    return Operand(py.either(py.is_a(left.code, "int"), plain, careful), Kind.BOOL)


def _lower_in(generator: Generator, node: Binary) -> Operand:
    words = _constant_strings(node.right)
    if words is not None:
        return _among(generator, generator.lower(node.left), words)
    item, container = generator.lower_all((node.left, node.right))
    meter = (generator.meter(),) if generator.is_wary else ()
    careful = generator.call(operators.contains, item.code, container.code, *meter)
    if item.kind is not Kind.STRING or not (item.is_atom and container.is_atom):
        return Operand(careful, Kind.BOOL)
    plain = py.compare(item.code, ast.In(), container.code)
    return Operand(py.either(py.is_a(container.code, "list"), plain, careful), Kind.BOOL)


def _constant_strings(node: Node) -> tuple[str, ...] | None:
    if not isinstance(node, ListLiteral):
        return None
    values = [
        element.value if isinstance(element, Literal) and not is_optional else None
        for element, is_optional in node.elements
    ]
    words = tuple(value for value in values if isinstance(value, str))
    return words if len(words) == len(values) else None


def _among(generator: Generator, item: Operand, words: tuple[str, ...]) -> Operand:
    if len(words) <= _FEW:
        choices: ast.expr = py.sequence([py.const(word) for word in words])
        return Operand(py.compare(item.code, ast.In(), choices), Kind.BOOL)
    # A set hashes its item, and a list or a map has no hash.
    item = generator.atom(item)
    found = py.compare(item.code, ast.In(), generator.constant(frozenset(words)))
    return Operand(py.both(py.is_a(item.code, "str"), found), Kind.BOOL)


def lower_list(generator: Generator, node: ListLiteral) -> Operand:
    """Build a list; absent optional elements are left out."""
    operands = generator.lower_all([element for element, _ in node.elements])
    codes = [operand.code for operand in operands]
    if not any(is_optional for _, is_optional in node.elements):
        return Operand(py.new_list(codes), Kind.LIST)
    flags = tuple(is_optional for _, is_optional in node.elements)
    made = generator.call(optionals.make_list, py.sequence(codes), generator.constant(flags))
    return Operand(made, Kind.LIST)


def lower_map(generator: Generator, node: MapLiteral) -> Operand:
    """Build a map; keys that are not plainly distinct strings are checked."""
    operands = generator.lower_all(node.children())
    keys = [operand.code for operand in operands[::2]]
    values = [operand.code for operand in operands[1::2]]
    flags = tuple(is_optional for _, _, is_optional in node.entries)
    names = [key.value for key, _, _ in node.entries if isinstance(key, Literal)]
    words = {name for name in names if isinstance(name, str)}
    if len(words) == len(keys) and not any(flags):
        return Operand(py.new_dict(keys, values), Kind.MAP)
    pairs: ast.expr = py.sequence([py.sequence([*pair]) for pair in zip(keys, values, strict=True)])
    if any(flags):
        pairs = generator.call(optionals.present, pairs, generator.constant(flags))
    return Operand(generator.call(containers.make_map, pairs), Kind.MAP)
