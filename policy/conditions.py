"""A Condition as one Python callable, exactly as spec/data-plane.md §1.8 says it behaves.

Knows neither rules nor resources: who asks, and what follows from the answer, is `policy.rules`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeAlias, final

from config.errors import Problem
from config.resources.policy import Condition
from policy.cel.compile import Program, compile_expression, compile_terms
from policy.cel.values import CompileError, EvaluationError, MissingData, Timestamp
from policy.rego.program import RegoAbsentError, RegoProgram
from policy.schema.paths import unknown_paths

_HOW_TO_HAVE_REGO: Final = "install the extra opa (pip install '.[opa]'), or say it in CEL: match"

Context: TypeAlias = Mapping[str, Any]
Attrs: TypeAlias = Mapping[str, Any]

Evaluate: TypeAlias = Callable[[Context, Attrs, Timestamp], Any]
"""An expression as compiled: may give any value and raise any EvaluationError."""

Test: TypeAlias = Callable[[Context, Attrs, Timestamp], bool]
"""A condition: gives a bool or raises an EvaluationError, which is never MissingData."""

EvaluateOf: TypeAlias = Callable[[str], Evaluate]
"""Finds the compiled form of an expression's text."""

Note: TypeAlias = Callable[[Condition, bool], None]
"""Hears what a part of a condition came to, for coverage."""


@final
class NotBooleanError(EvaluationError):
    """A condition's expression gave something that is neither true nor false."""


@final
class Programs:
    """Compiled expressions and modules by their text; an earlier set's are taken over from it.

    An expression with a path that no schema knows is refused like one that does not compile,
    unless it is about another ``ctx`` than that of requests.
    """

    __slots__ = ("_by_text", "_earlier", "_earlier_modules", "_is_about_requests", "_modules")

    def __init__(
        self,
        earlier: Mapping[str, Program] = MappingProxyType({}),
        *,
        earlier_modules: Mapping[str, RegoProgram] = MappingProxyType({}),
        is_about_requests: bool = True,
    ) -> None:
        self._by_text: dict[str, Program] = {}
        self._modules: dict[str, RegoProgram] = {}
        self._earlier = earlier
        self._earlier_modules = earlier_modules
        self._is_about_requests = is_about_requests

    def successor(self) -> Programs:
        """Return an empty set that takes over from this one whatever is added to it again."""
        return Programs(
            self._by_text,
            earlier_modules=self._modules,
            is_about_requests=self._is_about_requests,
        )

    def add(self, condition: Condition | None, at: str) -> Iterator[Problem]:
        """Compile what a condition holds; yield a Problem for each part that cannot be."""
        for path, part in _parts(condition, at):
            if part.opa is not None:
                yield from self._compile_module(part.opa.inline, f"{path}.opa.inline")
            for key, text in (("match", part.match), ("not", part.not_)):
                if text:
                    yield from self._compile(text, f"{path}.{key}")

    def _compile(self, text: str, path: str) -> Iterator[Problem]:
        if text in self._by_text:
            return
        try:
            program = self._earlier.get(text) or compile_expression(text)
        except CompileError as error:
            yield Problem("", 0, path, f"does not compile: {error}")
            return
        unknown = unknown_paths(text) if self._is_about_requests else ()
        for each in unknown:
            message = f"{each.message} (at character {each.position + 1})"
            yield Problem("", 0, path, message, each.hint)
        if not unknown:
            self._by_text[text] = program

    def _compile_module(self, text: str, path: str) -> Iterator[Problem]:
        if text in self._modules:
            return
        try:
            self._modules[text] = self._earlier_modules.get(text) or RegoProgram(text)
        except RegoAbsentError:
            yield Problem("", 0, path, "Rego is not installed", _HOW_TO_HAVE_REGO)
        except CompileError as error:
            yield Problem("", 0, path, f"does not compile: {error}")

    def forget_earlier(self) -> None:
        """Let go of the earlier set, so that a chain of reloads keeps one set and not all."""
        self._earlier = MappingProxyType({})
        self._earlier_modules = MappingProxyType({})

    def evaluate_of(self, text: str) -> Evaluate:
        """Return the compiled form of a text that was added; none is in both languages."""
        program = self._by_text.get(text)
        return self._modules[text].evaluate if program is None else program.evaluate

    def reads_clock(self, condition: Condition | None) -> bool:
        """Say whether a condition that was added reads ``now()`` anywhere; Rego cannot."""
        return any(program.reads_clock for program in self._programs_in(condition))

    def is_settled(self, condition: Condition | None) -> bool:
        """Say whether a condition that was added depends on neither the request nor the clock."""
        if any(part.opa is not None for _, part in _parts(condition, "")):
            return False  # what a module reads of the request is not known
        return not any(map(_varies, self._programs_in(condition)))

    def _programs_in(self, condition: Condition | None) -> Iterator[Program]:
        for _, part in _parts(condition, ""):
            yield from (self._by_text[text] for text in (part.match, part.not_) if text)


def condition_test(
    condition: Condition | None, evaluate_of: EvaluateOf, note: Note | None = None
) -> Test:
    """Build the callable; a condition that is absent or says nothing never matches.

    ``note`` hears of each part that is evaluated, children before what holds them.
    """
    if condition is None:
        return _never
    test = _part_test(condition, evaluate_of, note)
    return test if note is None else _noted(condition, test, note)


def _part_test(condition: Condition, evaluate_of: EvaluateOf, note: Note | None) -> Test:
    if condition.match_any:
        return _always
    if condition.match:
        return _holds(evaluate_of(condition.match))
    if condition.not_:
        return _fails(evaluate_of(condition.not_))
    if condition.opa is not None:
        return _holds(evaluate_of(condition.opa.inline))
    return _branch_test(condition, evaluate_of, note)


def rule_test(condition: Condition | None, evaluate_of: EvaluateOf) -> Evaluate:
    """Build what `policy.rules.Plan.decide` calls for a rule.

    As `condition_test`, but a lone ``match`` is the expression's own function: it may raise
    MissingData and give a value that is no bool. That spares the hot loop one call per rule.
    """
    if condition is not None and condition.match and not condition.match_any:
        return evaluate_of(condition.match)
    return condition_test(condition, evaluate_of)


def settled_terms(condition: Condition | None) -> Iterator[tuple[Evaluate, bool]]:
    """Yield those terms of a lone ``match`` that neither the request nor the clock can change.

    The flag says that a term stands first. A term that is false settles the whole chain, and so
    does one that stands first and misses data: no error comes before it.
    """
    if condition is None or not condition.match or condition.match_any:
        return
    for place, term in enumerate(compile_terms(condition.match)):
        if not _varies(term):
            yield term.evaluate, place == 0


def checked(value: Any) -> bool:
    """Return the value of an expression as a bool; anything else is an error."""
    if value is True or value is False:
        return value
    raise NotBooleanError(f"a condition must be true or false, not {type(value).__name__}")


def _varies(program: Program) -> bool:
    # A path of one name is `ctx` as a whole, which may be searched for anything.
    paths = (path[1:2] for path in program.paths if path[0] == "ctx")
    return program.reads_clock or any(path in ((), ("request",)) for path in paths)


def _parts(condition: Condition | None, at: str) -> Iterator[tuple[str, Condition]]:
    if condition is None:
        return
    yield at, condition
    for key, branch in (
        ("all", condition.all),
        ("any", condition.any),
        ("none", condition.none),
    ):
        for index, child in enumerate(branch.of if branch is not None else ()):
            yield from _parts(child, f"{at}.{key}.of[{index}]")


def _noted(condition: Condition, evaluated: Test, note: Note) -> Test:
    def test(ctx: Context, attrs: Attrs, now: Timestamp) -> bool:
        value = evaluated(ctx, attrs, now)
        note(condition, value)
        return value

    return test


def _branch_test(condition: Condition, evaluate_of: EvaluateOf, note: Note | None) -> Test:
    for branch, combine in (
        (condition.all, _all),
        (condition.any, _any),
        (condition.none, _none),
    ):
        if branch is not None and branch.of:
            return combine(tuple(condition_test(child, evaluate_of, note) for child in branch.of))
    return _never


def _never(_ctx: Context, _attrs: Attrs, _now: Timestamp) -> bool:
    return False


def _always(_ctx: Context, _attrs: Attrs, _now: Timestamp) -> bool:
    return True


def _holds(evaluate: Evaluate) -> Test:
    def test(ctx: Context, attrs: Attrs, now: Timestamp) -> bool:
        try:
            return checked(evaluate(ctx, attrs, now))
        except MissingData:
            return False

    return test


def _fails(evaluate: Evaluate) -> Test:
    def test(ctx: Context, attrs: Attrs, now: Timestamp) -> bool:
        try:
            return not checked(evaluate(ctx, attrs, now))
        except MissingData:
            return True  # missing data makes the expression false, and so `not` true (§1.8)

    return test


def _all(tests: tuple[Test, ...]) -> Test:
    def test(ctx: Context, attrs: Attrs, now: Timestamp) -> bool:
        for child in tests:  # noqa: SIM110 - a generator costs more than the loop
            if not child(ctx, attrs, now):
                return False
        return True

    return test


def _any(tests: tuple[Test, ...]) -> Test:
    def test(ctx: Context, attrs: Attrs, now: Timestamp) -> bool:
        for child in tests:  # noqa: SIM110 - a generator costs more than the loop
            if child(ctx, attrs, now):
                return True
        return False

    return test


def _none(tests: tuple[Test, ...]) -> Test:
    matches_any = _any(tests)

    def test(ctx: Context, attrs: Attrs, now: Timestamp) -> bool:
        return not matches_any(ctx, attrs, now)

    return test
