"""The state of one compilation to Python: scopes, temporaries, blocks, constants.

No name in the generated code comes from the expression's text.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import CodeType, FunctionType
from typing import Any, Final, TypeAlias

from policy.cel.chains import repeated_chains
from policy.cel.environment import Environment
from policy.cel.lowering import python as py
from policy.cel.operators import keep, metered, not_boolean
from policy.cel.signature import Kind
from policy.cel.syntax import Node
from policy.cel.values import CostExceeded, EvaluationError, Meter

# CPython refuses more than 20 nested blocks, and a handler counts for up to three.
MAX_BLOCKS: Final = 12
# Up to this length an expression cannot hold enough calls to take long on large texts.
CAREFREE: Final = 1000
METER: Final = "meter"
NOW: Final = "now"
_CONSTANT_TYPES: Final = frozenset((type(None), bool, int, str, bytes, float))


@dataclass(frozen=True, slots=True)
class Operand:
    """Python code for a value, and its type where that is known."""

    code: ast.expr
    kind: Kind = Kind.DYN

    @property
    def is_atom(self) -> bool:
        """Whether the code may be repeated at no cost."""
        return isinstance(self.code, ast.Name | ast.Constant)


@dataclass(slots=True)
class Facts:
    """What the compilation learnt about the expression."""

    paths: dict[tuple[str, ...], None] = field(default_factory=dict)
    reads_clock: bool = False
    needs_meter: bool = False


Lower: TypeAlias = "Callable[[Generator, Any], Operand]"
LowerTail: TypeAlias = "Callable[[Generator, Any], None]"


class Generator:
    """Lowers nodes through a table of handlers into the body of one Python function."""

    def __init__(
        self,
        environment: Environment,
        handlers: Mapping[type[Node], Lower],
        tails: Mapping[type[Node], LowerTail],
    ) -> None:
        self.environment = environment
        self.facts = Facts()
        self.scope: dict[str, Operand] = {}
        self.is_wary = False
        self.repeated: frozenset[tuple[str, ...]] = frozenset()
        self._shared: dict[tuple[str, ...], str] = {}
        self._handlers = handlers
        self._tails = tails
        self._body: list[ast.stmt] = []
        self._blocks = 0
        self._count = 0
        self._globals: dict[str, Any] = {}
        self._global_names: dict[int, str] = {}

    def generate(self, root: Node, length: int) -> Callable[..., Any]:
        """Return the function of an expression: its variables, then the instant of now()."""
        self.is_wary = length > CAREFREE
        self.repeated = repeated_chains(root)
        self.lower_tail(root)
        body = self._body
        body[:0] = [py.assign(name, py.const(None)) for name in self._shared.values()]
        if self.facts.needs_meter:
            body.insert(0, py.assign(METER, py.call(self.constant(Meter))))
        exhausted = py.call(self.constant(CostExceeded), py.const("values nest too deeply"))
        errors = self.constant((RecursionError, MemoryError))
        guarded = py.attempt(body, errors, None, [py.throw(exhausted)])
        parameters = (*(f"p{i}" for i in range(len(self.environment.variables))), NOW)
        return self._compile(py.function("evaluate", parameters, [guarded]))

    def _compile(self, definition: ast.FunctionDef) -> Callable[..., Any]:
        module = compile(ast.Module([definition], []), "<cel>", "exec", dont_inherit=True)
        code = next(item for item in module.co_consts if isinstance(item, CodeType))
        return FunctionType(code, self._globals)

    def lower(self, node: Node) -> Operand:
        """Return code for a node's value; its statements are added to the current block."""
        if self._blocks >= MAX_BLOCKS and node.children():
            return self._lower_apart(node)
        return self._handlers[type(node)](self, node)

    def lower_tail(self, node: Node) -> None:
        """Add statements that return a node's value from the current function."""
        tail = self._tails.get(type(node))
        if tail is not None:
            tail(self, node)
        else:
            self.add(py.give(self.lower(node).code))

    def lower_all(self, nodes: Sequence[Node]) -> list[Operand]:
        """Lower nodes that are evaluated from left to right."""
        done: list[Operand] = []
        for node in nodes:
            mark = len(self._body)
            operand = self.lower(node)
            if len(self._body) > mark:
                self._settle(done, mark)
            done.append(operand)
        return done

    def _settle(self, operands: list[Operand], mark: int) -> None:
        """Evaluate earlier operands before the statements a later one needed."""
        for place, operand in enumerate(operands):
            if not operand.is_atom:
                name = self.fresh()
                self._body.insert(mark, py.assign(name, operand.code))
                mark += 1
                operands[place] = Operand(py.load(name), operand.kind)

    def _lower_apart(self, node: Node) -> Operand:
        """Lower a node in a function of its own, where blocks may nest anew."""
        name = self.fresh()
        outer = self._blocks, self.repeated
        # What a function assigns is its own: it shares no variables with the one around it.
        self._blocks, self.repeated = 0, frozenset()
        with self.block() as body:
            self.lower_tail(node)
        self._blocks, self.repeated = outer
        self.add(py.function(name, (), body))
        return Operand(py.call(py.load(name)))

    @contextmanager
    def block(self, *, nested: bool = False) -> Iterator[list[ast.stmt]]:
        """Collect statements; ``nested`` for the body of a try or a for."""
        outer, self._body = self._body, []
        self._blocks += nested
        yield self._body
        self._blocks -= nested
        self._body = outer

    @contextmanager
    def local(self, variables: Mapping[str, Operand]) -> Iterator[None]:
        """Bring a macro's variables into scope."""
        outer, was_wary = self.scope, self.is_wary
        self.scope, self.is_wary = {**outer, **variables}, True
        yield
        self.scope, self.is_wary = outer, was_wary

    def add(self, *statements: ast.stmt) -> None:
        """Add statements to the current block."""
        self._body.extend(statements)

    def fresh(self) -> str:
        """Return a new variable name."""
        self._count += 1
        return f"v{self._count}"

    def shared(self, path: tuple[str, ...]) -> str:
        """Return the variable that keeps what a path led to; None until it was followed."""
        return self._shared.setdefault(path, f"s{len(self._shared)}")

    def atom(self, operand: Operand) -> Operand:
        """Return an operand that may be repeated."""
        return operand if operand.is_atom else self.variable(operand)

    def variable(self, operand: Operand) -> Operand:
        """Return an operand held by a variable: about a literal, Python itself may complain."""
        if isinstance(operand.code, ast.Name):
            return operand
        name = self.fresh()
        self.add(py.assign(name, operand.code))
        return Operand(py.load(name), operand.kind)

    def constant(self, value: Any) -> ast.expr:
        """Return code for a value known now: a literal, a function of the library, a type."""
        if type(value) in _CONSTANT_TYPES:
            return py.const(value)
        name = self._global_names.get(id(value))
        if name is None:
            name = f"k{len(self._globals)}"
            self._globals[name] = value
            self._global_names[id(value)] = name
        return py.load(name)

    def call(self, function: Callable[..., Any], *arguments: ast.expr) -> ast.Call:
        """Return a call of a function of ours."""
        return py.call(self.constant(function), *arguments)

    def call_wary(self, function: Callable[..., Any], *arguments: ast.expr) -> ast.Call:
        """Return a call that is metered where there may be many."""
        if self.is_wary:
            return self.call(metered, self.meter(), self.constant(function), *arguments)
        return self.call(function, *arguments)

    def meter(self) -> ast.expr:
        """Return the evaluation's meter."""
        self.facts.needs_meter = True
        return py.load(METER)

    def attempt(self, error: str, body: list[ast.stmt], *first: ast.stmt) -> ast.Try:
        """Return a try that keeps an evaluation error in a variable and goes on."""
        caught = self.fresh()
        kept = py.assign(error, self.call(keep, py.load(error), py.load(caught)))
        return py.attempt(body, self.constant(EvaluationError), caught, [*first, kept])

    def rethrow(self, error: str, *, given: ast.expr | None = None) -> ast.If:
        """Return the raising of a kept error, where nothing has decided without it."""
        is_kept: ast.expr = py.compare(py.load(error), ast.IsNot(), py.const(None))
        again = py.throw(py.call(py.attribute(py.load(error), "again")))
        return py.when(is_kept if given is None else py.both(given, is_kept), [again])

    def boolean(self, operand: Operand, operation: str) -> ast.expr:
        """Return an operand's code once it is sure to be true or false."""
        if operand.kind is Kind.BOOL:
            return operand.code
        value = self.variable(operand).code
        is_neither = py.both(
            py.compare(value, ast.IsNot(), py.const(value=True)),
            py.compare(value, ast.IsNot(), py.const(value=False)),
        )
        complaint = self.call(not_boolean, py.const(operation), value)
        self.add(py.when(is_neither, [py.throw(complaint)]))
        return value
