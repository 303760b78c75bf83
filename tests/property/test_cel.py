"""Whatever the text and whatever the data: a value, a CompileError or an EvaluationError."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from policy.cel.compile import compile_expression
from policy.cel.library.catalogue import FUNCTIONS
from policy.cel.library.conversions import to_text
from policy.cel.library.times import (
    format_duration,
    format_timestamp,
    parse_duration,
    parse_timestamp,
)
from policy.cel.operators import contains, equals, less
from policy.cel.values import (
    INT_LEAST,
    INT_MOST,
    UINT_MOST,
    CompileError,
    Duration,
    EvaluationError,
    Timestamp,
    UInt,
    type_name,
)
from tests.harness.cel import NOW, evaluate

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(INT_LEAST, INT_MOST),
    st.integers(0, UINT_MOST).map(UInt),
    st.floats(),
    st.text(max_size=8),
    st.binary(max_size=8),
    st.integers(-(10**18), 10**18).map(Timestamp),
    st.integers(-(10**18), 10**18).map(Duration),
)
KEYS = st.one_of(st.text(max_size=3), st.integers(-2, 2), st.sampled_from(["a", "b"]))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=8,
)
LITERALS = st.sampled_from(
    [
        "0",
        "1",
        "-1",
        "2u",
        "1.5",
        "true",
        "false",
        "null",
        "'a'",
        "'/api'",
        "b'a'",
        "[]",
        "{}",
        "[1,2]",
        "['a','b']",
        "{'a':1}",
        "{1:'a'}",
        "9223372036854775807",
        "timestamp(0)",
        "duration('1s')",
        "optional.none()",
        "now()",
        "int",
    ]
)
PATHS = st.sampled_from(["ctx", "ctx.a", "ctx.b", "ctx.a.b", "attrs.a", "ctx['a']", "ctx.?a", "x"])
OPERATORS = st.sampled_from(
    ["+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "in", "&&", "||"]
)
MACROS = st.sampled_from(["all", "exists", "exists_one", "map", "filter", "sortBy"])
GLOBALS = st.sampled_from(sorted(name for name in FUNCTIONS if not name.startswith(".")))
MEMBERS = st.sampled_from(sorted(name for name in FUNCTIONS if name.startswith(".")))


def _calls(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    arguments = st.lists(inner, max_size=3).map(", ".join)
    return st.one_of(
        st.builds("({}) {} ({})".format, inner, OPERATORS, inner),
        st.builds("({} ? {} : {})".format, inner, inner, inner),
        st.builds("{}({})".format, GLOBALS, arguments),
        st.builds("({}){}({})".format, inner, MEMBERS, arguments),
        st.builds("({}).{}(x, {})".format, inner, MACROS, inner),
        st.builds("({})[{}]".format, inner, inner),
        st.builds("!({})".format, inner),
        st.builds("-({})".format, inner),
        st.builds("[{}, {}]".format, inner, inner),
        st.builds("{{'a': {}, 'b': {}}}".format, inner, inner),
        st.builds("has(({}).a)".format, inner),
    )


EXPRESSIONS = st.recursive(st.one_of(LITERALS, PATHS), _calls, max_leaves=8).map(
    "[1].map(x, {})[0]".format
)


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_text_compiles_or_is_refused(text: str) -> None:
    with contextlib.suppress(CompileError):
        compile_expression(text)


@settings(deadline=None)
@given(st.text(alphabet="ctx.a()[]{}?:&|!=<>+-*/%'\"\\rbu01e, \n", max_size=40), VALUES)
def test_text_of_the_right_letters_compiles_or_is_refused(text: str, value: Any) -> None:
    with contextlib.suppress(CompileError, EvaluationError):
        evaluate(text, {"a": value, "b": value})


@settings(deadline=None)
@given(EXPRESSIONS, VALUES, VALUES)
def test_any_expression_has_a_value_or_an_evaluation_error(
    text: str, first: Any, second: Any
) -> None:
    with contextlib.suppress(CompileError, EvaluationError):
        evaluate(text, {"a": first, "b": second}, attrs={"a": second})


@settings(deadline=None)
@given(EXPRESSIONS, EXPRESSIONS, VALUES)
def test_logic_is_commutative(left: str, right: str, value: Any) -> None:
    def outcome(text: str) -> Any:
        try:
            return compile_expression(text).evaluate({"a": value}, {}, NOW)
        except EvaluationError:
            return "error"
        except CompileError:
            return "refused"

    assert outcome(f"({left}) && ({right})") == outcome(f"({right}) && ({left})")
    assert outcome(f"({left}) || ({right})") == outcome(f"({right}) || ({left})")


@settings(deadline=None)
@given(VALUES, VALUES)
def test_equality_is_symmetric_and_negated_by_unequal(left: Any, right: Any) -> None:
    ctx = {"l": left, "r": right}
    assert equals(left, right) is equals(right, left)
    assert evaluate("ctx.l == ctx.r", ctx) is not evaluate("ctx.l != ctx.r", ctx)


@settings(deadline=None)
@given(SCALARS, VALUES)
def test_a_literal_compares_like_a_value(scalar: Any, value: Any) -> None:
    if type_name(scalar) not in ("int", "bool", "null_type"):
        return
    literal = "null" if scalar is None else str(scalar).lower()
    ctx = {"v": value, "s": scalar}
    assert evaluate(f"ctx.v == {literal}", ctx) is evaluate("ctx.v == ctx.s", ctx)
    assert evaluate(f"ctx.v != {literal}", ctx) is evaluate("ctx.v != ctx.s", ctx)


@settings(deadline=None)
@given(VALUES, st.lists(SCALARS, max_size=4))
def test_in_means_equal_to_one(value: Any, container: list[Any]) -> None:
    assert contains(value, container) is any(equals(value, item) for item in container)


@settings(deadline=None)
@given(st.lists(st.integers(INT_LEAST, INT_MOST)), st.lists(st.text(max_size=3)))
def test_sort_orders(numbers: list[int], words: list[str]) -> None:
    for values in (numbers, words):
        ordered = evaluate("ctx.v.sort()", {"v": values})
        assert not any(less(b, a) for a, b in pairwise(ordered))


@settings(deadline=None)
@given(st.integers(-(62_135_596_800 * 10**9), 253_402_300_799 * 10**9).map(Timestamp))
def test_timestamps_read_back_what_was_written(moment: Timestamp) -> None:
    assert parse_timestamp(format_timestamp(moment)) == moment


@settings(deadline=None)
@given(st.integers(-(2**63) + 1, 2**63 - 1).map(Duration))
def test_durations_read_back_what_was_written(span: Duration) -> None:
    assert parse_duration(format_duration(span)) == span


@settings(deadline=None)
@given(st.floats(allow_nan=False))
def test_doubles_read_back_what_was_written(number: float) -> None:
    read = evaluate("double(ctx.text)", {"text": to_text(number)})
    assert read == number or math.isclose(read, number)


@settings(deadline=None)
@given(st.text(), st.binary())
def test_literals_read_back_what_was_quoted(text: str, data: bytes) -> None:
    with contextlib.suppress(UnicodeEncodeError):
        text.encode()
        assert evaluate(evaluate("strings.quote(ctx.t)", {"t": text})) == text
    assert evaluate("base64.decode(base64.encode(ctx.d))", {"d": data}) == data


class Watched(Mapping[str, Any]):
    """A map that remembers what was asked of it; ``*`` when it was asked as a whole."""

    def __init__(self, held: Mapping[str, Any]) -> None:
        self._held = held
        self.asked: set[str] = set()

    def __getitem__(self, key: str) -> Any:
        self.asked.add(key)
        return self._held[key]

    def __iter__(self) -> Iterator[str]:
        self.asked.add("*")
        return iter(self._held)

    def __len__(self) -> int:
        self.asked.add("*")
        return len(self._held)


@settings(deadline=None)
@given(EXPRESSIONS, VALUES)
def test_nothing_is_read_that_the_paths_do_not_name(text: str, value: Any) -> None:
    try:
        program = compile_expression(text)
    except CompileError:
        return
    ctx = Watched({"a": value, "b": 1})
    with contextlib.suppress(EvaluationError):
        program.evaluate(ctx, {}, NOW)
    named = {path[1] if len(path) > 1 else "*" for path in program.paths if path[0] == "ctx"}
    assert "*" in named or ctx.asked <= named


@settings(deadline=None)
@given(EXPRESSIONS, VALUES)
def test_only_a_program_that_says_so_reads_the_clock(text: str, value: Any) -> None:
    def outcome(now: Timestamp) -> Any:
        try:
            return repr(program.evaluate({"a": value, "b": value}, {}, now))
        except EvaluationError as error:
            return str(error)

    try:
        program = compile_expression(text)
    except CompileError:
        return
    assert program.reads_clock or outcome(Timestamp(0)) == outcome(NOW)
