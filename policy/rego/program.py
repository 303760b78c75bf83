"""A Rego module as a condition: compiled by regopy, an extra that need not be installed.

The engine runs inside the process. `policy.rego.source` keeps away from it what reads the world or
waits, `policy.rego.trial` what ends the process; a statement limit bounds the rest, except for the
memory that a module builds on purpose.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any, Final, final

from policy.cel.values import CompileError, EvaluationError, Timestamp
from policy.rego.document import document
from policy.rego.source import FUNCTIONS, PACKAGE, RULE, check
from policy.rego.trial import survives

STATEMENT_LIMIT: Final = 100_000
_QUERY: Final = f"data.{PACKAGE}.{RULE}"
_MESSAGE: Final = re.compile(r"\(errormsg \d+:([^)]+)\)")
_SHOWN: Final = 200
_WAY_TO_FUNCTIONS: Final = ((1, 3), (0, 4), (2, 3))  # which child of how many, from the root
# What the engine calls for `in`, operators and the like; none of them can be called by name.
_OPERATORS: Final = frozenset(
    """
    and div equal gt gte internal.member_2 internal.member_3 lt lte minus mul neq or plus rem
    """.split()  # noqa: SIM905 - one name a line says no more
)


class RegoError(EvaluationError):
    """The module has no value for this input, or takes too long to find it."""


class RegoAbsentError(Exception):
    """The engine is not installed."""


@final
class RegoProgram:
    """A compiled module; raises CompileError or RegoAbsentError. Not for several threads."""

    __slots__ = ("_bundle", "_engine", "_interpreter")

    def __init__(self, text: str) -> None:
        self._engine: Final = _engine()
        check(text)
        if not survives(text):
            raise CompileError("the engine breaks down on this module")
        self._interpreter: Final = _interpreter(self._engine)
        try:
            self._interpreter.add_module("condition", text)
            self._bundle: Final = self._interpreter.build(_QUERY)
        except (self._engine.RegoError, ValueError) as error:
            raise CompileError(_reason(error)) from None
        if not self._bundle.ok():
            raise CompileError("the module does not compile")
        for name in _functions(self._engine, self._bundle):
            if name not in FUNCTIONS | _OPERATORS:
                raise CompileError(f"{name} is not available in conditions")

    def evaluate(self, ctx: Mapping[str, Any], attrs: Mapping[str, Any], _now: Timestamp) -> Any:
        """Return what ``match`` is; False where it is undefined."""
        given = document({"ctx": ctx, "attrs": attrs})
        try:
            self._interpreter.set_input(given)
            output = self._interpreter.query_bundle(self._bundle)
        except (self._engine.RegoError, ValueError, RecursionError) as error:
            raise RegoError(_reason(error)) from None
        if not output.ok() or len(output.results) != 1:
            raise RegoError("the module ends in an error, or takes too many steps")
        found = output.results[0].expressions
        return found[0] if found else False


def _engine() -> Any:
    try:
        return import_module("regopy")
    except (ImportError, OSError) as error:
        raise RegoAbsentError(str(error)) from None


def _interpreter(engine: Any) -> Any:
    limit_statements = _statement_limit(engine)
    interpreter = engine.Interpreter()
    interpreter.log_level = engine.LogLevel.NONE  # it would write to stdout
    interpreter.strict_built_in_errors = True
    limit_statements(interpreter._impl, STATEMENT_LIMIT)  # noqa: SLF001 - what its own methods pass
    return interpreter


def _statement_limit(engine: Any) -> Callable[[Any, int], Any]:
    """Return the engine's own limit, which its Python side leaves at seconds and a gigabyte."""
    try:
        limit = engine.rego_shared.rego._ZN4rego11Interpreter10stmt_limitEm  # noqa: SLF001 - a C++ name
    except AttributeError:
        raise CompileError("this version of regopy has no statement limit") from None
    limit.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
    limit.restype = ctypes.c_void_p
    found: Callable[[Any, int], Any] = limit
    return found


def _functions(engine: Any, bundle: Any) -> Iterator[str]:
    """Yield the names of the functions that the compiled module may call."""
    shared = engine.rego_shared
    node = shared.rego_bundle_node(bundle._impl)  # noqa: SLF001 - Node.value refuses such nodes
    for index, size in _WAY_TO_FUNCTIONS:
        if shared.rego_node_size(node) != size:
            raise CompileError("this version of regopy does not say which functions are called")
        node = shared.rego_node_get(node, index)
    for index in range(shared.rego_node_size(node)):
        yield shared.rego_node_value(shared.rego_node_get(shared.rego_node_get(node, index), 0))


def _reason(error: Exception) -> str:
    """Return what the engine found first, out of a tree of all it found."""
    found = _MESSAGE.search(str(error))
    return found[1][:_SHOWN] if found else "the engine gave no answer that can be read"
