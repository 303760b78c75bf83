"""What the Rego engine could be ended, held up or deceived with does not reach it."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.cel.values import CompileError
from policy.rego.source import FUNCTIONS, MAX_BYTES, MAX_NESTING, check

HEAD = "package octelium.condition\n"


def refusal(text: str) -> str:
    with pytest.raises(CompileError) as raised:
        check(text)
    return raised.value.message


@pytest.mark.parametrize(
    "call",
    [
        'http.send({"method": "get", "url": "http://localhost"})',
        "opa.runtime()",
        "opa . runtime ()",
        "time.now_ns()",
        'rand.intn("a", 2)',
        'uuid.rfc4122("a")',
        'net.lookup_ip_addr("localhost")',
        'regex.match("(a+)+", input.ctx.s)',
        'glob.match("*a*", [], input.ctx.s)',
        "numbers.range(1, 1000000)",
        "print(1)",
        "trace(`a`)",
        "walk(input)",
        "uuid.nosuch(1)",
        "nosuch(1)",
    ],
)
def test_a_function_that_is_not_listed_is_refused(call: str) -> None:
    assert "is not available in conditions" in refusal(f"{HEAD}match if {call}")


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_listed_function_may_be_called(name: str) -> None:
    check(f"{HEAD}match if {name}(input.ctx)")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param('match := opa["runtime"]()', id="by a key"),
        pytest.param("match := (opa.runtime)()", id="in brackets"),
        pytest.param("match := opa\n.runtime()", id="over two lines"),
        pytest.param("match := opa. # hidden\nruntime()", id="behind a comment"),
        pytest.param('match := uuid["a"].count(1)', id="as a field"),
        pytest.param('match := "a"()', id="text"),
    ],
)
def test_a_call_is_seen_however_it_is_written(body: str) -> None:
    assert "can be called" in refusal(HEAD + body)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("match if { count := 3; count([]) }", id="assigned"),
        pytest.param("match if { some count in [1]; count([]) }", id="declared"),
        pytest.param("f(count) := count([])\nmatch if f(1)", id="a parameter"),
        pytest.param("f(y) := 1\nmatch if { f := opa.runtime; f(1) }", id="an own one"),
        pytest.param("match if { array := 1; array.concat([], []) }", id="the first part"),
        pytest.param("match if { contains := 1; contains(`a`, `a`) }", id="contains"),
    ],
)
def test_a_name_never_hides_a_function_that_is_called(body: str) -> None:
    assert "cannot be a name as well" in refusal(HEAD + body)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("match if count([]) == 0 with input as {}", "with is not available"),
        ("import data.other\nmatch := true", "only rego.v1"),
        ('match := $"{opa.runtime()}" == ""', "unexpected '$'"),
        ('match := "\\u0061" == "a"', "no escape"),
        ("match := `a\\b` == `a`", "no escape"),
        ('match := `"` == `a`', "no escape"),
        ('match := "a\tb" == "a"', "no escape"),
        ('match := "a', "unexpected"),
        ("# \0\nmatch := true", "unexpected"),
        ("match := [", "] is missing"),
        ("match := (]", "unexpected ']'"),
        ("match := " + "[" * (MAX_NESTING + 1), "nested deeper"),
        ("mach := true", "must define match"),
        ("match(x) := true", "must take no arguments"),
        ("default match(x) := true", "must take no arguments"),
    ],
)
def test_more_than_a_condition_needs_is_refused(body: str, reason: str) -> None:
    assert reason in refusal(HEAD + body)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "match := true",
        "package other\nmatch := true",
        "package octelium\nmatch := true",
        "package octelium.condition.more\nmatch := true",
        'package octelium["condition"]\nmatch := true',
        "package octelium.condition match := true",
    ],
)
def test_another_package_is_refused(text: str) -> None:
    assert "must begin with package octelium.condition" in refusal(text)


def test_a_comment_may_come_first() -> None:
    check(f"# Who may: http.send(1) is only said here\n\n{HEAD}match := true # (")


def test_a_module_has_a_largest_size() -> None:
    body = f"{HEAD}match := true\n#"
    check(body + "a" * (MAX_BYTES - len(body)))
    assert "at most 20000 bytes" in refusal(body + "a" * (MAX_BYTES - len(body) + 1))


def test_bytes_are_counted_and_not_characters() -> None:
    assert "at most 20000 bytes" in refusal(f"{HEAD}match := true\n#" + "é" * 10_000)


@given(st.text())
def test_any_text_is_admitted_or_refused(text: str) -> None:
    with suppress(CompileError):
        check(HEAD + text)


@given(st.lists(st.sampled_from([*'()[]{}.,;:=\n #`"', "match", ":=", "count", "f", "with", "1"])))
def test_any_tokens_are_admitted_or_refused(tokens: list[str]) -> None:
    with suppress(CompileError):
        check(HEAD + " ".join(tokens))
