"""CEL text to a Python function, once per text: the way into this package."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from policy.cel import syntax
from policy.cel.environment import POLICY, Environment
from policy.cel.lowering import access, calls, logic, loops, operators, options
from policy.cel.lowering.generator import Generator, Lower, LowerTail
from policy.cel.parse import parse
from policy.cel.values import CompileError

_REMEMBERED: Final = 4096

_HANDLERS: Final[Mapping[type[syntax.Node], Lower]] = {
    syntax.Literal: access.lower_literal,
    syntax.Ident: access.lower_ident,
    syntax.Select: access.lower_select,
    syntax.Has: access.lower_has,
    syntax.Index: access.lower_index,
    syntax.Call: calls.lower_call,
    syntax.ListLiteral: operators.lower_list,
    syntax.MapLiteral: operators.lower_map,
    syntax.Logical: logic.lower_logical,
    syntax.Ternary: logic.lower_ternary,
    syntax.Unary: operators.lower_unary,
    syntax.Binary: operators.lower_binary,
    syntax.Comprehension: loops.lower_comprehension,
    syntax.Bind: loops.lower_bind,
    syntax.OptionalMap: options.lower_optional_map,
}
_TAILS: Final[Mapping[type[syntax.Node], LowerTail]] = {
    syntax.Logical: logic.return_logical,
    syntax.Ternary: logic.return_ternary,
}


@dataclass(frozen=True, slots=True)
class Program:
    """A compiled expression.

    ``evaluate`` takes ctx, attrs and the instant of ``now()``, and raises EvaluationError only.
    ``paths`` are the fields of ctx and attrs it names, without those reached through variables.
    """

    text: str
    evaluate: Callable[..., Any]
    reads_clock: bool
    paths: tuple[tuple[str, ...], ...]


@lru_cache(maxsize=_REMEMBERED)
def compile_expression(text: str, environment: Environment = POLICY) -> Program:
    """Compile an expression; raises CompileError and nothing else."""
    try:
        return _compiled(parse(text), text, environment)
    except (RecursionError, MemoryError):
        raise CompileError("the expression nests too deeply", 0) from None


@lru_cache(maxsize=_REMEMBERED)
def compile_terms(text: str, environment: Environment = POLICY) -> tuple[Program, ...]:
    """Compile each term of an expression that is one ``&&`` chain; nothing for any other.

    ``text`` must compile as a whole. A term that is false makes the chain false, whatever the
    others are or raise.
    """
    root = parse(text)
    if not isinstance(root, syntax.Logical) or root.operator != "&&":
        return ()
    return tuple(_compiled(term, text, environment) for term in root.terms)


def _compiled(root: syntax.Node, text: str, environment: Environment) -> Program:
    generator = Generator(environment, _HANDLERS, _TAILS)
    evaluate = generator.generate(root, len(text))
    facts = generator.facts
    return Program(text, evaluate, facts.reads_clock, tuple(facts.paths))
