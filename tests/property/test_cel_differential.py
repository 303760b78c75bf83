"""Generated expressions mean the same to this engine and to cel-cpp; each difference is listed."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from cel_expr_python import cel
from cel_expr_python.ext import ext_math, ext_strings
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from policy.cel.compile import compile_expression
from policy.cel.values import (
    CelType,
    CompileError,
    Duration,
    EvaluationError,
    Timestamp,
    UInt,
)
from tests.harness.cel import NOW

# The long run: CEL_EXAMPLES=100000, with a --timeout to match.
EXAMPLES: Final = int(os.environ.get("CEL_EXAMPLES", "1000"))
CTX: Final = {
    "s": "abc",
    "i": 3,
    "d": 2.5,
    "b": True,
    "n": None,
    "l": [1, 2, 3],
    "ls": ["a", "b", "abc"],
    "m": {"x": 1, "y": "z"},
    "t": "2020-05-06T07:08:09Z",
}
ERROR: Final = ("error", None)
# What cel-cpp does otherwise, and why this engine does not follow.
KNOWN: Final = re.compile(
    r"int\((?:true|false|ctx\.b|\(|!|has)"  # it converts bools to int, the specification does not
    r"| in (?:ctx\.m|\{)"  # it fails for keys no map can have; unlike types are merely unequal
    r"|!!"  # it drops pairs of ``!`` before it looks at what they negate
    r"|\.split\((?!'[^'])"  # nothing split by nothing is one empty text there, none in the original
    r"|\.reverse\("  # its strings extension reverses no lists
    r"|ctx\.m\)\.(?:map|filter)"  # the order of a map's keys is nobody's promise
)

LITERALS: Final = st.sampled_from(
    [
        "0",
        "1",
        "-1",
        "7",
        "2u",
        "1.5",
        "0.0",
        "-2.5",
        "true",
        "false",
        "null",
        "'a'",
        "''",
        "'abc'",
        "'12'",
        "b'a'",
        "[]",
        "[1, 2]",
        "['a', 'b']",
        "[1, 2.0, 'a']",
        "{'a': 1}",
        "{1: 'a'}",
        "9223372036854775807",
        "18446744073709551615u",
        "timestamp(0)",
        "timestamp('2020-05-06T07:08:09.123456Z')",
        "duration('90s')",
        "duration('-1.5h')",
    ]
)
PATHS: Final = st.sampled_from([*(f"ctx.{name}" for name in CTX), "ctx.m.x", "ctx.m.nope"])
OPERATORS: Final = st.sampled_from(
    ["+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "in", "&&", "||"]
)
GLOBALS: Final = st.sampled_from(
    [
        "size",
        "int",
        "uint",
        "double",
        "string",
        "bytes",
        "timestamp",
        "duration",
        "dyn",
        "type",
        "math.abs",
        "math.sign",
        "math.ceil",
        "math.floor",
        "math.round",
        "math.trunc",
    ]
)
MEMBERS: Final = st.sampled_from(
    [
        "size",
        "getFullYear",
        "getMonth",
        "getDate",
        "getDayOfWeek",
        "getDayOfYear",
        "getHours",
        "getMinutes",
        "getMilliseconds",
        "lowerAscii",
        "upperAscii",
        "trim",
        "join",
    ]
)
TESTS: Final = st.sampled_from(
    [
        "contains",
        "startsWith",
        "endsWith",
        "charAt",
        "indexOf",
        "lastIndexOf",
        "split",
        "substring",
        "join",
    ]
)
MACROS: Final = st.sampled_from(["all", "exists", "exists_one", "map", "filter"])


def _compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("({} {} {})".format, inner, OPERATORS, inner),
        st.builds("({} ? {} : {})".format, inner, inner, inner),
        st.builds("{}({})".format, GLOBALS, inner),
        st.builds("({}).{}()".format, inner, MEMBERS),
        st.builds("({}).{}({})".format, inner, TESTS, inner),
        st.builds("({}).{}(x, {})".format, inner, MACROS, st.one_of(inner, st.just("x > 1"))),
        st.builds("({})[{}]".format, inner, inner),
        st.builds("!{}".format, inner),
        st.builds("[{}, {}]".format, inner, inner),
        st.builds("has(({}).x)".format, inner),
    )


EXPRESSIONS: Final = st.recursive(st.one_of(LITERALS, PATHS), _compound, max_leaves=6)


@pytest.fixture(scope="module")
def oracle() -> Any:
    extensions = [ext_math.ExtMath(), ext_strings.ExtStrings()]
    return cel.NewEnv(variables={"ctx": cel.Type.DYN}, extensions=extensions)


def theirs(oracle: Any, text: str) -> Any:
    try:
        value = oracle.compile(text, disable_check=True).eval(data={"ctx": CTX})
    except Exception:  # noqa: BLE001 - whatever it raises, it refused the text
        return ERROR
    return ERROR if value.type() == cel.Type.ERROR else plain(value)


def ours(text: str) -> Any:
    try:
        return plain(compile_expression(text).evaluate(CTX, {}, NOW))
    except (CompileError, EvaluationError):
        return ERROR


def plain(value: Any) -> Any:
    """Return a value of either engine with its type, in one form, times in microseconds."""
    if isinstance(value, cel.Value):
        value = value.plain_value()
    if isinstance(value, list | tuple):
        return "list", [plain(element) for element in value]
    if isinstance(value, dict):
        return "map", sorted((str(plain(key)), str(plain(held))) for key, held in value.items())
    return plain_scalar(value)


def plain_scalar(value: Any) -> Any:
    if isinstance(value, float) and math.isnan(value):
        return "double", "NaN"
    for kind, (name, form) in FORMS.items():
        if isinstance(value, kind):
            return name, form(value)
    return type(value).__name__, value


EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
# Their Python side does not tell uint from int.
FORMS: Final[dict[type, tuple[str, Callable[[Any], Any]]]] = {
    Timestamp: ("timestamp", lambda value: value.ns // 1000),
    Duration: ("duration", lambda value: value.ns // 1000),
    datetime: ("timestamp", lambda value: (value.replace(tzinfo=UTC) - EPOCH) // MICROSECOND),
    timedelta: ("duration", lambda value: value // MICROSECOND),
    CelType: ("type", lambda value: value.name.split(".")[-1].removesuffix("_type").lower()),
    cel.Type: ("type", lambda value: value.name().split("<")[0].lower()),
    bytearray: ("bytes", bytes),
    UInt: ("int", int),
}


@settings(deadline=None, max_examples=EXAMPLES)
@given(text=EXPRESSIONS)
def test_expression_means_the_same_to_cel_cpp(oracle: Any, text: str) -> None:
    assume(not KNOWN.search(text))
    assert ours(text) == theirs(oracle, text)
