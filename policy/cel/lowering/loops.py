"""Lowers comprehensions and ``cel.bind`` to Python loops and variables.

A loop pays for all its steps before the first one, weighted by the size of its body.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from policy.cel import containers
from policy.cel.library import lists
from policy.cel.lowering import python as py
from policy.cel.lowering.generator import METER, Generator, Operand
from policy.cel.lowering.operators import lower_binary
from policy.cel.signature import Kind
from policy.cel.syntax import Binary, Bind, Comprehension, Ident, Literal, Loop, walk


@dataclass(frozen=True, slots=True)
class _Visit:
    """What a loop runs over, and the Python names of its one or two variables."""

    values: ast.expr
    names: tuple[str, ...]

    def loop(self, generator: Generator, body: Sequence[ast.stmt]) -> ast.For:
        """Return the loop with this body."""
        if len(self.names) == 1:
            return py.for_each(self.names[0], self.values, [*body])
        pair = generator.fresh()
        unpack = py.assign_pair(self.names[0], self.names[1], py.load(pair))
        return py.for_each(pair, self.values, [unpack, *body])


def lower_comprehension(generator: Generator, node: Comprehension) -> Operand:
    """Lower any of the loop macros."""
    wanted = _sought_literal(node)
    if wanted is not None:
        return lower_binary(generator, Binary(node.position, "in", wanted, node.range))
    source = generator.lower(node.range)
    names = tuple(generator.fresh() for _ in node.variables)
    visit = _Visit(_visited(generator, node, source), names)
    _pay(generator, node, visit.values)
    operands = (Operand(py.load(name)) for name in names)
    with generator.local(dict(zip(node.variables, operands, strict=True))):
        return _LOOPS[node.loop](generator, node, visit)


def _sought_literal(node: Comprehension) -> Literal | None:
    """Return the literal of ``list.exists(x, x == literal)``, which means ``literal in list``."""
    term = node.terms[0]
    if node.loop is not Loop.EXISTS or len(node.variables) > 1 or not isinstance(term, Binary):
        return None
    if term.operator != "==" or not isinstance(term.right, Literal):
        return None
    is_variable = isinstance(term.left, Ident) and term.left.name == node.variables[0]
    return term.right if is_variable else None


def _visited(generator: Generator, node: Comprehension, source: Operand) -> ast.expr:
    if len(node.variables) == 2:
        code: ast.expr = generator.call(containers.visited_pairs, source.code)
    else:
        source = generator.atom(source)
        careful = generator.call(containers.visited, source.code)
        code = py.either(py.is_a(source.code, "list"), source.code, careful)
    return generator.variable(Operand(code)).code


def _pay(generator: Generator, node: Comprehension, visits: ast.expr) -> None:
    weight = max(1, sum(1 for term in node.terms for _ in walk(term)))
    meter = generator.meter()
    length = py.call(py.load("len"), visits)
    steps = ast.BinOp(length, ast.Mult(), py.const(weight), **py.AT)
    is_over = py.compare(py.attribute(meter, "left"), ast.Lt(), py.const(0))
    complain = py.call(py.attribute(meter, "spend"), py.const(0))
    generator.add(py.deduct(METER, "left", steps), py.when(is_over, [py.expression(complain)]))


def _quantify(generator: Generator, node: Comprehension, visit: _Visit) -> Operand:
    """``all`` and ``exists``: one deciding element outweighs errors in the others."""
    goes_on = node.loop is Loop.ALL
    error, result = generator.fresh(), generator.fresh()
    generator.add(py.assign(error, py.const(None)), py.assign(result, py.const(goes_on)))
    with generator.block(nested=True) as body:
        with generator.block(nested=True) as trial:
            value = generator.boolean(generator.lower(node.terms[0]), node.loop.name.lower())
            is_calm = not trial and py.is_harmless(value)
            decides = py.negated(value) if goes_on else value
            stop = [py.assign(result, py.const(not goes_on)), py.leave()]
            generator.add(py.when(decides, stop))
        generator.add(*(trial if is_calm else [generator.attempt(error, trial)]))
    generator.add(visit.loop(generator, body))
    if not is_calm:
        undecided = py.load(result) if goes_on else py.negated(py.load(result))
        generator.add(generator.rethrow(error, given=undecided))
    return Operand(py.load(result), Kind.BOOL)


def _exists_one(generator: Generator, node: Comprehension, visit: _Visit) -> Operand:
    found = generator.fresh()
    generator.add(py.assign(found, py.const(0)))
    with generator.block(nested=True) as body:
        value = generator.boolean(generator.lower(node.terms[0]), "exists_one")
        more = ast.BinOp(py.load(found), ast.Add(), py.const(1), **py.AT)
        generator.add(py.when(value, [py.assign(found, more)]))
    generator.add(visit.loop(generator, body))
    return Operand(py.compare(py.load(found), ast.Eq(), py.const(1)), Kind.BOOL)


def _collect(generator: Generator, node: Comprehension, visit: _Visit) -> Operand:
    """``map``, ``filter`` and the ``transform`` macros gather what passes."""
    result = generator.fresh()
    makes_map = node.loop in (Loop.TRANSFORM_MAP, Loop.TRANSFORM_ENTRY)
    generator.add(py.assign(result, py.new_list([])))
    with generator.block(nested=True) as body:
        if node.loop is Loop.FILTER or len(node.terms) == 2:
            passes = generator.boolean(generator.lower(node.terms[0]), "filter")
            generator.add(py.when(py.negated(passes), [py.skip()]))
        generator.add(py.expression(_gathered(generator, node, visit, py.load(result))))
    generator.add(visit.loop(generator, body))
    if makes_map:
        return Operand(generator.call(containers.make_map, py.load(result)), Kind.MAP)
    return Operand(py.load(result), Kind.LIST)


def _gathered(
    generator: Generator, node: Comprehension, visit: _Visit, result: ast.expr
) -> ast.expr:
    append = py.attribute(result, "append")
    if node.loop is Loop.FILTER:
        return py.call(append, py.load(visit.names[0]))
    value = generator.lower(node.terms[-1]).code
    if node.loop is Loop.TRANSFORM_MAP:
        return py.call(append, py.sequence([py.load(visit.names[0]), value]))
    if node.loop is Loop.TRANSFORM_ENTRY:
        entries = generator.call(containers.entries_of, value)
        return py.call(py.attribute(result, "extend"), entries)
    return py.call(append, value)


def _sort_by(generator: Generator, node: Comprehension, visit: _Visit) -> Operand:
    keys = _collect(generator, node, visit)
    sort = generator.call(lists.sort_by, generator.meter(), visit.values, keys.code)
    return Operand(sort, Kind.LIST)


_LOOPS: Final[Mapping[Loop, Callable[[Generator, Comprehension, _Visit], Operand]]] = {
    Loop.ALL: _quantify,
    Loop.EXISTS: _quantify,
    Loop.EXISTS_ONE: _exists_one,
    Loop.MAP: _collect,
    Loop.FILTER: _collect,
    Loop.SORT_BY: _sort_by,
    Loop.TRANSFORM_LIST: _collect,
    Loop.TRANSFORM_MAP: _collect,
    Loop.TRANSFORM_ENTRY: _collect,
}


def lower_bind(generator: Generator, node: Bind) -> Operand:
    """Give a value a name."""
    value = generator.variable(generator.lower(node.value))
    with generator.local({node.variable: value}):
        return generator.lower(node.body)
