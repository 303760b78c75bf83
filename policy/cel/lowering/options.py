"""Lowers what is lazy about optionals: ``optMap``, ``optFlatMap``, ``or`` and ``orValue``."""

from __future__ import annotations

from policy.cel import containers
from policy.cel.library import optionals
from policy.cel.lowering import python as py
from policy.cel.lowering.generator import Generator, Operand
from policy.cel.syntax import Node, OptionalMap
from policy.cel.values import NONE


def lower_optional_map(generator: Generator, node: OptionalMap) -> Operand:
    """Apply an expression to an optional's value, if it has one."""
    held = generator.call(containers.unwrap, generator.lower(node.operand).code)
    optional = generator.atom(Operand(held)).code
    value = generator.fresh()
    with generator.block() as body:
        generator.add(py.assign(value, py.attribute(optional, "value")))
        with generator.local({node.variable: Operand(py.load(value))}):
            mapped = generator.lower(node.body).code
        finish = containers.unwrap if node.is_flat else optionals.of
        generator.add(py.assign(value, generator.call(finish, mapped)))
    absent = [py.assign(value, generator.constant(NONE))]
    generator.add(py.when(py.attribute(optional, "has_value"), body, absent))
    return Operand(py.load(value))


def lower_alternative(
    generator: Generator, operands: tuple[Node, ...], *, is_optional: bool
) -> Operand:
    """Evaluate what stands in for an absent value, itself optional or not, only when needed."""
    held = generator.call(containers.unwrap, generator.lower(operands[0]).code)
    optional = generator.atom(Operand(held)).code
    with generator.block() as body:
        other = generator.lower(operands[1]).code
        if is_optional:
            other = generator.call(containers.unwrap, other)
    present = optional if is_optional else py.attribute(optional, "value")
    result = generator.fresh()
    body.append(py.assign(result, other))
    has_value = py.attribute(optional, "has_value")
    generator.add(py.when(has_value, [py.assign(result, present)], body))
    return Operand(py.load(result))
