"""Lowers ``&&``, ``||``, ``!`` and the ternary.

An error in one term of a chain counts only if no other term decides it (CEL's commutative logic).
"""

from __future__ import annotations

import ast

from policy.cel.lowering import python as py
from policy.cel.lowering.generator import Generator, Operand
from policy.cel.signature import Kind
from policy.cel.syntax import Logical, Node, Ternary, Unary


def lower_logical(generator: Generator, node: Logical) -> Operand:
    """Leave the outcome of a chain in a variable."""
    goes_on = node.operator == "&&"
    error, result = generator.fresh(), generator.fresh()
    undecided = py.load(result) if goes_on else py.negated(py.load(result))
    generator.add(py.assign(error, py.const(None)))
    for place, term in enumerate(node.terms):
        with generator.block(nested=True) as body:
            value = generator.boolean(generator.lower(term), node.operator)
            generator.add(py.assign(result, value))
        trial = generator.attempt(error, body, py.assign(result, py.const(goes_on)))
        generator.add(py.when(undecided, [trial]) if place else trial)
    generator.add(generator.rethrow(error, given=undecided))
    return Operand(py.load(result), Kind.BOOL)


def return_logical(generator: Generator, node: Logical) -> None:
    """Return from the function as soon as one term decides."""
    goes_on = node.operator == "&&"
    error = generator.fresh()
    generator.add(py.assign(error, py.const(None)))
    for term in node.terms:
        with generator.block(nested=True) as body:
            value = generator.boolean(generator.lower(term), node.operator)
            decides = py.negated(value) if goes_on else value
            generator.add(py.when(decides, [py.give(py.const(not goes_on))]))
        generator.add(generator.attempt(error, body))
    generator.add(generator.rethrow(error), py.give(py.const(goes_on)))


def lower_not(generator: Generator, node: Unary) -> Operand:
    """Negate a bool."""
    value = generator.boolean(generator.lower(node.operand), "!")
    return Operand(py.negated(value), Kind.BOOL)


def lower_ternary(generator: Generator, node: Ternary) -> Operand:
    """Evaluate one branch; errors of the other do not exist."""
    condition = generator.boolean(generator.lower(node.condition), "?:")
    with generator.block() as yes_body:
        yes = generator.lower(node.yes)
    with generator.block() as no_body:
        no = generator.lower(node.no)
    kind = yes.kind if yes.kind is no.kind else Kind.DYN
    if not yes_body and not no_body:
        return Operand(py.either(condition, yes.code, no.code), kind)
    result = generator.fresh()
    yes_body.append(py.assign(result, yes.code))
    no_body.append(py.assign(result, no.code))
    generator.add(py.when(condition, yes_body, no_body))
    return Operand(py.load(result), kind)


def return_ternary(generator: Generator, node: Ternary) -> None:
    """Return either branch."""
    condition = generator.boolean(generator.lower(node.condition), "?:")
    bodies = [_returning(generator, branch) for branch in (node.yes, node.no)]
    generator.add(py.when(condition, *bodies))


def _returning(generator: Generator, node: Node) -> list[ast.stmt]:
    with generator.block() as body:
        generator.lower_tail(node)
    return body
