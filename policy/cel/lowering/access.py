"""Lowers names, field selection, ``has``, indexing and optional access.

A chain of fields is plain subscription; only when that fails is it walked to say what is missing.
"""

from __future__ import annotations

import ast

from policy.cel import containers
from policy.cel.chains import field_of, unchain
from policy.cel.environment import nearest
from policy.cel.lowering import python as py
from policy.cel.lowering.generator import Generator, Operand
from policy.cel.signature import Kind
from policy.cel.syntax import Has, Ident, Index, Literal, Node, Select
from policy.cel.values import CompileError, UInt

_KINDS = {
    type(None): Kind.NULL,
    bool: Kind.BOOL,
    int: Kind.INT,
    UInt: Kind.UINT,
    float: Kind.DOUBLE,
    str: Kind.STRING,
    bytes: Kind.BYTES,
}


def lower_literal(generator: Generator, node: Literal) -> Operand:
    """Return a constant."""
    return Operand(generator.constant(node.value), _KINDS[type(node.value)])


def lower_ident(generator: Generator, node: Ident) -> Operand:
    """Return a variable or a type."""
    found = _resolve(generator, node.name, 0)
    if found is None:
        known = [*generator.scope, *generator.environment.variables, *generator.environment.types]
        raise CompileError(f"unknown name {node.name!r}{nearest(node.name, known)}", node.position)
    if node.name not in generator.scope:
        _record(generator, node.name, ())
    return found


def _resolve(generator: Generator, name: str, dots: int) -> Operand | None:
    """Return what a name with that many dots stands for; locals come first."""
    if not dots and name in generator.scope:
        return generator.scope[name]
    environment = generator.environment
    for candidate in environment.candidates(name):
        if candidate in environment.variables:
            return Operand(py.load(f"p{environment.variables.index(candidate)}"))
        if candidate in environment.types:
            return Operand(generator.constant(environment.types[candidate]))
    return None


def lower_select(generator: Generator, node: Select) -> Operand:
    """Follow a chain of fields."""
    if node.is_optional:
        return _optional(generator, node.operand, Literal(node.position, node.field))
    return _follow(generator, node)


def lower_index(generator: Generator, node: Index) -> Operand:
    """Index a list or a map; a constant string is a field like any other."""
    if node.is_optional:
        return _optional(generator, node.operand, node.key)
    if field_of(node) is not None:
        return _follow(generator, node)
    operands = generator.lower_all((node.operand, node.key))
    return Operand(generator.call(containers.index, *(operand.code for operand in operands)))


def _optional(generator: Generator, operand: Node, key: Node) -> Operand:
    operands = generator.lower_all((operand, key))
    codes = (operand.code for operand in operands)
    return Operand(generator.call(containers.select_optional, *codes))


def _follow(generator: Generator, node: Node) -> Operand:
    """Lower a chain of fields; names with dots in them are resolved longest first."""
    base, links = unchain(node)
    fields = [str(field_of(link)) for link in links]
    root, taken = _qualified(generator, base, links, fields)
    if root is None:
        root, taken = generator.variable(generator.lower(base)), 0
    label = ".".join((base.name, *fields[:taken])) if isinstance(base, Ident) else ""
    return _subscribe(generator, root, label, tuple(fields[taken:]))


def _qualified(
    generator: Generator, base: Node, links: list[Node], fields: list[str]
) -> tuple[Operand | None, int]:
    """Return the longest dotted name the chain begins with, and how many fields it took."""
    if not isinstance(base, Ident):
        return None, 0
    if base.name in generator.scope:
        return generator.scope[base.name], 0
    dotted = 0
    while dotted < len(links) and isinstance(links[dotted], Select):
        dotted += 1
    for count in range(dotted, -1, -1):
        found = _resolve(generator, ".".join((base.name, *fields[:count])), count)
        if found is not None:
            return found, count
    return None, 0


def _subscribe(generator: Generator, root: Operand, label: str, fields: tuple[str, ...]) -> Operand:
    _record(generator, label, fields)
    if not fields:
        return root
    code = root.code
    for field in fields:
        code = py.subscript(code, field)
    path = (label, *fields) if label else ()
    is_shared = label not in generator.scope and path in generator.repeated
    name = generator.shared(path) if is_shared else generator.fresh()
    constants = (generator.constant(fields), generator.constant(path))
    walk = generator.call(containers.select, root.code, *constants)
    reading = py.attempt(
        [py.assign(name, code)],
        generator.constant(containers.LOOKUP_ERRORS),
        None,
        [py.assign(name, walk)],
    )
    is_unread = py.compare(py.load(name), ast.Is(), py.const(None))
    generator.add(py.when(is_unread, [reading]) if is_shared else reading)
    return Operand(py.load(name))


def _record(generator: Generator, label: str, fields: tuple[str, ...]) -> None:
    """Note a path that begins at a variable of the environment."""
    root = label.removeprefix(".")
    if root in generator.environment.variables and label not in generator.scope:
        generator.facts.paths[(root, *fields)] = None


def lower_has(generator: Generator, node: Has) -> Operand:
    """Ask for a key of a map that must itself be there."""
    select = Select(node.position, node.operand, node.field)
    _record_has(generator, select)
    holder = generator.variable(_holder(generator, node.operand)).code
    field = py.const(node.field)
    code = py.either(
        py.is_a(holder, "dict"),
        py.compare(field, ast.In(), holder),
        generator.call(containers.has_field, holder, field),
    )
    return Operand(code, Kind.BOOL)


def _holder(generator: Generator, node: Node) -> Operand:
    """Return what is asked for a field. A variable asked for one is not read as a whole."""
    if isinstance(node, Ident) and node.name not in generator.scope:
        found = _resolve(generator, node.name, 0)
        if found is not None:
            return found
    return generator.lower(node)


def _record_has(generator: Generator, node: Node) -> None:
    fields: list[str] = []
    while (name := field_of(node)) is not None:
        fields.append(name)
        node = node.children()[0]
    if isinstance(node, Ident):
        _record(generator, node.name, tuple(reversed(fields)))
