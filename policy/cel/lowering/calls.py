"""Lowers function calls: resolution, arity, folding of constants, and the fast string tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from policy.cel.environment import nearest
from policy.cel.library import optionals, patterns
from policy.cel.lowering import options
from policy.cel.lowering import python as py
from policy.cel.lowering.generator import NOW, Generator, Operand
from policy.cel.signature import Function, Kind
from policy.cel.syntax import Call, Literal, Node, qualified_name
from policy.cel.values import CompileError, EvaluationError, Meter

Special: TypeAlias = Callable[[Generator, Call, Function, tuple[Node, ...]], Operand | None]

_STRING_TESTS: Final[Mapping[str, str]] = {
    ".startsWith": "startswith",
    ".endsWith": "endswith",
}


def lower_call(generator: Generator, node: Call) -> Operand:
    """Lower a call of a function of the library."""
    name, function, operands = _resolve(generator, node)
    _check_count(node, function, len(operands))
    special = _SPECIAL.get(name, _fold)(generator, node, function, operands)
    if special is not None:
        return special
    lowered = generator.lower_all(operands)
    if name in _STRING_TESTS and _is_text(operands[1]):
        return _string_test(generator, name, function, lowered)
    codes = [operand.code for operand in lowered]
    if function.is_metered:
        return Operand(generator.call(function.call, generator.meter(), *codes), function.result)
    return Operand(generator.call_wary(function.call, *codes), function.result)


def _resolve(generator: Generator, node: Call) -> tuple[str, Function, tuple[Node, ...]]:
    """Return the function and its operands: the receiver is the first, a namespace is none."""
    environment = generator.environment
    space = None if node.target is None else qualified_name(node.target)
    name = node.function if node.target is None else f"{space}.{node.function}"
    if node.target is None or space is not None:
        function = environment.function(name)
        if function is not None:
            return name, function, node.arguments
    if node.target is not None:
        member = environment.functions.get(f".{node.function}")
        if member is not None:
            return f".{node.function}", member, (node.target, *node.arguments)
    raise _unknown(generator, node, name)


def _unknown(generator: Generator, node: Call, name: str) -> CompileError:
    known = [*generator.environment.functions]
    hint = nearest(name, [function for function in known if not function.startswith(".")])
    if node.target is not None and not hint:
        members = [function[1:] for function in known if function.startswith(".")]
        hint = nearest(node.function, members)
    return CompileError(f"unknown function {node.function!r}{hint}", node.position)


def _check_count(node: Call, function: Function, count: int) -> None:
    if not function.least <= count <= function.most:
        receiver = count - len(node.arguments)
        least, most = function.least - receiver, function.most - receiver
        wanted = f"{least}" if least == most else f"{least} to {most}"
        plural = "" if most == 1 else "s"
        raise CompileError(
            f"{node.function}() takes {wanted} argument{plural}, not {len(node.arguments)}",
            node.position,
        )


def _fold(
    generator: Generator, node: Call, function: Function, operands: tuple[Node, ...]
) -> Operand | None:
    """Compute what depends on literals alone; a literal that cannot work is refused now."""
    if not function.is_foldable:
        return None
    values = [operand.value for operand in operands if isinstance(operand, Literal)]
    if len(values) != len(operands):
        return None
    try:
        value: Any = function.call(*(Meter(),) * function.is_metered, *values)
    except EvaluationError as error:
        raise CompileError(f"{node.function}(): {error}", node.position) from None
    return Operand(generator.constant(value), function.result)


def _is_text(node: Node) -> bool:
    return isinstance(node, Literal) and isinstance(node.value, str)


def _string_test(
    generator: Generator, name: str, function: Function, operands: list[Operand]
) -> Operand:
    subject, argument = generator.atom(operands[0]), operands[1]
    plain = py.call(py.attribute(subject.code, _STRING_TESTS[name]), argument.code)
    careful = generator.call(function.call, subject.code, argument.code)
    return Operand(py.either(py.is_a(subject.code, "str"), plain, careful), Kind.BOOL)


def _matches(
    generator: Generator, node: Call, function: Function, operands: tuple[Node, ...]
) -> Operand | None:
    """Compile a literal pattern now; the matcher remembers its answers for short texts."""
    del function
    if not isinstance(operands[1], Literal) or not isinstance(operands[1].value, str):
        return None
    try:
        matcher = patterns.matcher(operands[1].value)
    except EvaluationError as error:
        raise CompileError(str(error), node.position) from None
    subject = generator.lower(operands[0]).code
    meter = (generator.meter(),) if generator.is_wary else ()
    return Operand(generator.call(matcher, subject, *meter), Kind.BOOL)


def _now(
    generator: Generator, node: Call, function: Function, operands: tuple[Node, ...]
) -> Operand:
    """Read the instant of the decision."""
    del node, function, operands
    generator.facts.reads_clock = True
    return Operand(py.load(NOW))


def _alternative(
    generator: Generator, node: Call, function: Function, operands: tuple[Node, ...]
) -> Operand:
    del node
    is_optional = function is optionals.OR
    return options.lower_alternative(generator, operands, is_optional=is_optional)


_SPECIAL: Final[Mapping[str, Special]] = {
    "now": _now,
    "matches": _matches,
    ".matches": _matches,
    ".or": _alternative,
    ".orValue": _alternative,
}
