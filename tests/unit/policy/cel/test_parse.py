from __future__ import annotations

import contextlib
import warnings
from typing import Any

import pytest

from policy.cel.compile import compile_expression
from policy.cel.parse import MAX_CHARACTERS, MAX_DEPTH, MAX_NESTING
from policy.cel.values import CompileError, EvaluationError, UInt
from tests.harness.cel import evaluate


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("1 + 2 * 3", 7, id="product-before-sum"),
        pytest.param("(1 + 2) * 3", 9, id="parentheses"),
        pytest.param("10 - 3 - 2", 5, id="difference-from-the-left"),
        pytest.param("1 < 2 == true", True, id="relations-from-the-left"),
        pytest.param("false && false || true", True, id="and-before-or"),
        pytest.param("true ? (false ? 1 : 2) : 3", 2, id="ternary-in-a-branch"),
        pytest.param("false ? 1 : true ? 2 : 3", 2, id="ternary-chain"),
        pytest.param("!false && true", True, id="not-before-and"),
        pytest.param("-(1) + 3", 2, id="minus-before-sum"),
        pytest.param("--3", 3, id="two-minuses"),
        pytest.param("---3", -3, id="three-minuses"),
        pytest.param("!!!true", False, id="three-nots"),
        pytest.param("-9223372036854775808", -(2**63), id="least-int"),
        pytest.param("[1, 2, ]", [1, 2], id="comma-after-the-last-element"),
        pytest.param("{'a': 1, }", {"a": 1}, id="comma-after-the-last-entry"),
        pytest.param("1 // one\n + // plus\n 2", 3, id="comments"),
        pytest.param("2 in [1, 2] == true", True, id="in-is-a-relation"),
        pytest.param("{'a': {'for': 1}}.a.for", 1, id="reserved-word-as-field"),
        pytest.param("{'a-b': 1}.`a-b`", 1, id="quoted-field"),
        pytest.param("true ?.5: 2.0", 0.5, id="fraction-after-question-mark"),
    ],
)
def test_text_is_read_as_the_grammar_says(text: str, value: Any) -> None:
    assert evaluate(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("0x1F", 31, id="hexadecimal"),
        pytest.param("-0x1F", -31, id="negative-hexadecimal"),
        pytest.param("7u", UInt(7), id="uint"),
        pytest.param("18446744073709551615u", UInt(2**64 - 1), id="greatest-uint"),
        pytest.param("1.5e3", 1500.0, id="exponent"),
        pytest.param(".5", 0.5, id="no-digit-before-the-point"),
        pytest.param("1e-2", 0.01, id="exponent-without-point"),
        pytest.param("null", None, id="null"),
        pytest.param(r'"a\n\t\"\\\x41\u00e9\U0001F600\101"', 'a\n\t"\\Aé😀A', id="escapes"),
        pytest.param(r'r"a\n"', "a\\n", id="raw"),
        pytest.param(r"R'a\'", "a\\", id="raw-before-a-quote"),
        pytest.param('"""a "quoted"\nline"""', 'a "quoted"\nline', id="triple-quoted"),
        pytest.param("'''it's'''", "it's", id="triple-single-quoted"),
        pytest.param('""', "", id="empty"),
        pytest.param("''''''", "", id="empty-triple"),
        pytest.param(r"b'\xff\000é'", b"\xff\x00\xc3\xa9", id="bytes"),
        pytest.param(r"bR'\xff'", b"\\xff", id="raw-bytes"),
    ],
)
def test_literals_have_their_value_and_type(text: str, value: Any) -> None:
    found = evaluate(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "message", "position"),
    [
        pytest.param("", "ends too early", 0, id="empty"),
        pytest.param("1 +", "ends too early", 3, id="operand-missing"),
        pytest.param("1 2", "unexpected '2'", 2, id="two-values"),
        pytest.param("(1", "ends too early", 2, id="parenthesis-open"),
        pytest.param("a.b)", "unexpected ')'", 3, id="parenthesis-too-many"),
        pytest.param("1 = 2", "unexpected character '='", 2, id="single-equals"),
        pytest.param("'abc", "never closed", 0, id="string-open"),
        pytest.param("'a\nb'", "never closed", 0, id="line-break-in-string"),
        pytest.param(r"'\q'", "unknown escape", 0, id="unknown-escape"),
        pytest.param(r"'\ud800'", "no Unicode character", 0, id="surrogate"),
        pytest.param(r"'\U00110000'", "no Unicode character", 0, id="beyond-unicode"),
        pytest.param(r"b'\u0041'", "no escape of a bytes literal", 0, id="unicode-in-bytes"),
        pytest.param("9223372036854775808", "does not fit an int", 0, id="int-too-big"),
        pytest.param("18446744073709551616u", "does not fit a uint", 0, id="uint-too-big"),
        pytest.param("-1u", "does not fit a uint", 1, id="uint-negative"),
        pytest.param("1" * 9000, "does not fit an int", 0, id="int-of-9000-digits"),
        pytest.param("1e999", "does not fit a double", 0, id="double-too-big"),
        pytest.param("while", "'while' is reserved", 0, id="reserved"),
        pytest.param("size(1,)", "unexpected ')'", 7, id="comma-after-the-last-argument"),
        pytest.param("has(ctx)", "has() takes one field", 0, id="has-of-a-name"),
        pytest.param("has(ctx['a'])", "has() takes one field", 0, id="has-of-an-index"),
        pytest.param("[1].all(1, true)", "must be a simple name", 8, id="macro-variable"),
        pytest.param("[1].all(x, x, true)", "'x' twice", 3, id="macro-variables-equal"),
        pytest.param("Foo{a: 1}", "messages cannot be constructed", 3, id="message"),
        pytest.param("a.b.Foo{}", "messages cannot be constructed", 7, id="empty-message"),
        pytest.param("ctxx.user", "did you mean 'ctx'", 0, id="unknown-name"),
        pytest.param("sise([1])", "did you mean 'size'", 0, id="unknown-function"),
        pytest.param("ctx.a.startWith('a')", "did you mean 'startsWith'", 5, id="member-of-field"),
        pytest.param("'a'.startWith('a')", "did you mean 'startsWith'", 3, id="unknown-member"),
        pytest.param(
            "time.isWeekdy(now())", "did you mean 'time.isWeekday'", 4, id="unknown-in-space"
        ),
        pytest.param("size()", "takes 1 argument, not 0", 0, id="too-few-arguments"),
        pytest.param("'a'.indexOf()", "takes 1 to 2 arguments, not 0", 3, id="too-few-for-member"),
        pytest.param("now(1)", "takes 0 arguments", 0, id="too-many-arguments"),
        pytest.param("'a'.matches('(')", "bad regular expression", 3, id="bad-pattern"),
        pytest.param("timestamp('2026-13-01T00:00:00Z')", "timestamp", 0, id="bad-timestamp"),
        pytest.param("duration('1y')", "no duration", 0, id="bad-duration"),
        pytest.param("[x, 1].size()", "unknown name 'x'", 1, id="name-out-of-scope"),
    ],
)
def test_bad_text_is_refused_at_its_place(text: str, message: str, position: int) -> None:
    with pytest.raises(CompileError) as caught:
        compile_expression(text)
    assert message in caught.value.message
    assert caught.value.position == position


def test_message_of_a_refusal_counts_characters_from_one() -> None:
    with pytest.raises(CompileError, match=r"unexpected '2' \(at character 3\)"):
        compile_expression("1 2")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("(" * MAX_NESTING + "1" + ")" * MAX_NESTING, id="parentheses"),
        pytest.param("[" * 4000, id="brackets"),
        pytest.param("1 + " * MAX_DEPTH + "1", id="sum"),
        pytest.param("ctx" + ".a" * 4000, id="fields"),
        pytest.param("true ? 1 : " * 800 + "2", id="ternaries"),
        pytest.param("size(" * 1500, id="calls"),
        pytest.param("[1].map(a, " * 900, id="macros"),
        pytest.param("ctx[" * 2000, id="indexes"),
        pytest.param(" " * (MAX_CHARACTERS + 1), id="characters"),
    ],
)
def test_text_beyond_a_limit_is_refused(text: str) -> None:
    with pytest.raises(CompileError):
        compile_expression(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("(" * 60 + "1" + ")" * 60, id="parentheses"),
        pytest.param(" + ".join(["1"] * 120), id="sum"),
        pytest.param(" && ".join(["true"] * 1200), id="and"),
        pytest.param(" || ".join(["1 == 2"] * 900 + ["true"]), id="or"),
        pytest.param("!" * 9990 + "true", id="nots"),
        pytest.param("true ? 1 : " * 60 + "2", id="ternaries"),
        pytest.param("[" + "1," * 4000 + "]", id="elements"),
        pytest.param(
            "".join(f"[true].all(a{i}, " for i in range(50)) + "a0" + ")" * 50, id="macros"
        ),
        pytest.param("(true || (false && " * 30 + "true" + "))" * 30, id="alternating-logic"),
        pytest.param(
            "(ctx.x == 1 || (ctx.y == 1 && " * 25 + "true" + ")) || true" * 25, id="errors"
        ),
    ],
)
def test_long_and_nested_text_within_the_limits_is_evaluated(text: str) -> None:
    assert evaluate(text)


@pytest.mark.parametrize(
    "text",
    [
        "cel.bind(x, 'abc', x.field)",
        "'abc'.field",
        "(1).field",
        "[1]['a']",
        "has('abc'.field)",
        "'abc' && true",
        "1 == true",
        "null == 'a'",
        "(1 ? true : false)",
        "{'a': 1}[null]",
        "[1, 2]['a'].b",
        "!'a'",
        "'a'.map(x, x)",
        "optional.of(1).field",
        "true.field",
    ],
)
def test_nonsense_about_literals_compiles_without_a_word_from_python(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compile_expression(text)


@pytest.mark.parametrize(
    "text", ["'\ud800'", "b'\ud800'", "'a'.matches('\ud800')", "\ud800", "`\ud800`"]
)
def test_lone_surrogates_end_in_no_python_error(text: str) -> None:
    with contextlib.suppress(CompileError, EvaluationError):
        evaluate(f"size({text})")
