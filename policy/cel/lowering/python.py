"""Python syntax trees, made short: every node stands at line 1, because there is no file."""

from __future__ import annotations

import ast
import sys
from collections.abc import Sequence
from typing import Any, Final, TypedDict


class _Place(TypedDict):
    lineno: int
    col_offset: int
    end_lineno: int
    end_col_offset: int


AT: Final[_Place] = {"lineno": 1, "col_offset": 0, "end_lineno": 1, "end_col_offset": 0}
_LOAD: Final = ast.Load()
_STORE: Final = ast.Store()


def load(name: str) -> ast.Name:
    """Return a variable's value."""
    return ast.Name(name, _LOAD, **AT)


def const(value: Any) -> ast.Constant:
    """Return a constant of a type the compiler knows."""
    return ast.Constant(value, **AT)


def call(function: ast.expr, *arguments: ast.expr) -> ast.Call:
    """Return ``function(*arguments)``."""
    return ast.Call(function, list(arguments), [], **AT)


def attribute(value: ast.expr, name: str) -> ast.Attribute:
    """Return ``value.name``."""
    return ast.Attribute(value, name, _LOAD, **AT)


def subscript(value: ast.expr, key: str) -> ast.Subscript:
    """Return ``value[key]``."""
    return ast.Subscript(value, const(key), _LOAD, **AT)


def compare(left: ast.expr, operator: ast.cmpop, right: ast.expr) -> ast.Compare:
    """Return ``left <operator> right``."""
    return ast.Compare(left, [operator], [right], **AT)


def both(left: ast.expr, right: ast.expr) -> ast.BoolOp:
    """Return ``left and right``."""
    return ast.BoolOp(ast.And(), [left, right], **AT)


def negated(value: ast.expr) -> ast.UnaryOp:
    """Return ``not value``."""
    return ast.UnaryOp(ast.Not(), value, **AT)


def either(test: ast.expr, yes: ast.expr, no: ast.expr) -> ast.IfExp:
    """Return ``yes if test else no``."""
    return ast.IfExp(test, yes, no, **AT)


def sequence(elements: list[ast.expr]) -> ast.Tuple:
    """Return a tuple display."""
    return ast.Tuple(elements, _LOAD, **AT)


def new_list(elements: list[ast.expr]) -> ast.List:
    """Return a list display."""
    return ast.List(elements, _LOAD, **AT)


def new_dict(keys: list[ast.expr], values: list[ast.expr]) -> ast.Dict:
    """Return a dict display."""
    return ast.Dict([*keys], values, **AT)


def is_a(value: ast.expr, kind: str) -> ast.Compare:
    """Return ``type(value) is kind``."""
    return compare(call(load("type"), value), ast.Is(), load(kind))


def assign(name: str, value: ast.expr) -> ast.Assign:
    """Return ``name = value``."""
    return ast.Assign([ast.Name(name, _STORE, **AT)], value, **AT)


def assign_pair(first: str, second: str, value: ast.expr) -> ast.Assign:
    """Return ``first, second = value``."""
    names: list[ast.expr] = [ast.Name(first, _STORE, **AT), ast.Name(second, _STORE, **AT)]
    return ast.Assign([ast.Tuple(names, _STORE, **AT)], value, **AT)


def deduct(owner: str, name: str, amount: ast.expr) -> ast.AugAssign:
    """Return ``owner.name -= amount``."""
    return ast.AugAssign(ast.Attribute(load(owner), name, _STORE, **AT), ast.Sub(), amount, **AT)


def expression(value: ast.expr) -> ast.Expr:
    """Return an expression as a statement."""
    return ast.Expr(value, **AT)


def when(test: ast.expr, yes: Sequence[ast.stmt], no: Sequence[ast.stmt] = ()) -> ast.If:
    """Return ``if test: yes else: no``."""
    return ast.If(test, [*yes] or [ast.Pass(**AT)], [*no], **AT)


def attempt(
    body: list[ast.stmt], errors: ast.expr, name: str | None, handler: list[ast.stmt]
) -> ast.Try:
    """Return ``try: body except errors as name: handler``."""
    return ast.Try(body, [ast.ExceptHandler(errors, name, handler, **AT)], [], [], **AT)


def for_each(name: str, values: ast.expr, body: list[ast.stmt]) -> ast.For:
    """Return ``for name in values: body``."""
    return ast.For(ast.Name(name, _STORE, **AT), values, body, [], **AT)


def leave() -> ast.Break:
    """Return ``break``."""
    return ast.Break(**AT)


def skip() -> ast.Continue:
    """Return ``continue``."""
    return ast.Continue(**AT)


def give(value: ast.expr) -> ast.Return:
    """Return ``return value``."""
    return ast.Return(value, **AT)


def throw(error: ast.expr) -> ast.Raise:
    """Return ``raise error``."""
    return ast.Raise(error, None, **AT)


def function(name: str, parameters: tuple[str, ...], body: list[ast.stmt]) -> ast.FunctionDef:
    """Return ``def name(parameters): body``."""
    arguments = [ast.arg(parameter, **AT) for parameter in parameters]
    signature = ast.arguments([], arguments, None, [], [], None, [])
    definition = ast.FunctionDef(name, signature, body, [], **AT)
    if sys.version_info >= (3, 12):
        definition.type_params = []
    return definition


def is_harmless(code: ast.expr) -> bool:
    """Whether code over values of CEL can never raise: plain comparison of names and constants."""
    if isinstance(code, ast.Compare):
        calm = (ast.Eq, ast.NotEq, ast.Is, ast.IsNot)
        return all(isinstance(operator, calm) for operator in code.ops) and all(
            isinstance(part, ast.Name | ast.Constant) for part in (code.left, *code.comparators)
        )
    if isinstance(code, ast.UnaryOp):
        return isinstance(code.op, ast.Not) and is_harmless(code.operand)
    return isinstance(code, ast.Name | ast.Constant)
