"""A Rego module is a condition: true, false, undefined, or an error that denies."""

from __future__ import annotations

from typing import Any

import pytest

from config.resources.policy import Condition
from policy.cel.values import CompileError, EvaluationError, MissingData, Timestamp
from policy.conditions import NotBooleanError, Programs, condition_test
from policy.decision import Denied, Reason
from policy.explain import Truth
from policy.rego.program import RegoError, RegoProgram
from tests.harness.policies import NOON, a_condition, a_rule, a_spec, a_world, attach


def a_module(body: str) -> str:
    return f"package octelium.condition\n{body}"


def rego(body: str) -> dict[str, Any]:
    return {"opa": {"inline": a_module(body)}}


def evaluate(body: str, ctx: Any = None, attrs: Any = None) -> bool:
    programs = Programs()
    condition: Condition = a_condition(**rego(body))
    assert list(programs.add(condition, "condition")) == []
    return condition_test(condition, programs.evaluate_of)(ctx or {}, attrs or {}, NOON)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param("match := true", True, id="true"),
        pytest.param("match := false", False, id="false"),
        pytest.param("match if input.ctx.nobody", False, id="undefined"),
        pytest.param("default match := false", False, id="default"),
        pytest.param('match if input.ctx.user.name == "alice"', True, id="ctx"),
        pytest.param("match if input.attrs.level > 2", True, id="attrs"),
        pytest.param("match if not input.ctx.device", True, id="not undefined"),
        pytest.param('match if "dev" in input.ctx.user.groups', True, id="in"),
        pytest.param(
            "match if {\n some g in input.ctx.user.groups\n g == `ops`\n}", True, id="some"
        ),
        pytest.param(
            'match if {\n every g in input.ctx.user.groups { g != "x" }\n}', True, id="every"
        ),
        pytest.param("import rego.v1\nmatch if count(input.ctx.user.groups) == 2", True, id="v1"),
        pytest.param('f(x) := x\nmatch if f("a") == "a"', True, id="function"),
        pytest.param('s contains x if some x in ["a"]\nmatch if "a" in s', True, id="set rule"),
        pytest.param('match if contains(input.ctx.user.name, "lic")', True, id="contains"),
        pytest.param("match if input.attrs.level < 1\nmatch if true", True, id="several bodies"),
    ],
)
def test_a_module_is(body: str, expected: bool) -> None:
    ctx = {"user": {"name": "alice", "groups": ["dev", "ops"]}}
    assert evaluate(body, ctx, {"level": 3}) is expected


@pytest.mark.parametrize(
    "body", ["match := 1", 'match := "true"', "match := null", "match := [true]", "match := {}"]
)
def test_a_value_that_is_no_bool_is_an_error(body: str) -> None:
    with pytest.raises(NotBooleanError, match="must be true or false"):
        evaluate(body)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("match := 1 / 0 == 1", id="division by zero"),
        pytest.param("match := lower(1) == 1", id="wrong type"),
        pytest.param("match := true\nmatch := false", id="conflict"),
        pytest.param("match if match", id="recursion"),
        pytest.param(
            "match if count([1 | some x in input.ctx.l; some y in input.ctx.l]) > 0",
            id="too many steps",
        ),
    ],
)
def test_an_error_is_raised_and_is_not_missing_data(body: str) -> None:
    with pytest.raises(EvaluationError) as raised:
        evaluate(body, {"l": list(range(600))})
    assert not isinstance(raised.value, MissingData)


def test_a_module_answers_again_after_an_error() -> None:
    program = RegoProgram(a_module("match if 10 / input.ctx.n == 5"))
    with pytest.raises(RegoError):
        program.evaluate({"n": 0}, {}, NOON)
    assert program.evaluate({"n": 2}, {}, NOON) is True
    assert program.evaluate({"n": 5}, {}, NOON) is False


@pytest.mark.parametrize(
    ("text", "other"),
    [('"admin"', "admin"), ("a\\b", "ab"), ("a\nb", "anb"), ('a", "b', "a")],
)
def test_strings_are_compared_as_they_are(text: str, other: str) -> None:
    program = RegoProgram(a_module("match if input.ctx.given == input.attrs.other"))
    assert program.evaluate({"given": text}, {"other": text}, NOON) is True
    assert program.evaluate({"given": text}, {"other": other}, NOON) is False


def test_a_quoted_value_is_not_the_value() -> None:
    program = RegoProgram(a_module('match if input.ctx.given == "admin"'))
    assert program.evaluate({"given": "admin"}, {}, NOON) is True
    assert program.evaluate({"given": '"admin"'}, {}, NOON) is False


def test_a_list_of_strings_is_not_one_string_that_looks_like_it() -> None:
    program = RegoProgram(a_module('match if input.ctx.given == ["a", "b"]'))
    assert program.evaluate({"given": ["a", "b"]}, {}, NOON) is True
    assert program.evaluate({"given": ['a", "b']}, {}, NOON) is False


def test_an_instant_is_rfc_3339() -> None:
    program = RegoProgram(a_module('match if input.ctx.at == "1970-01-01T00:00:01Z"'))
    assert program.evaluate({"at": Timestamp(10**9)}, {}, NOON) is True


def test_what_the_engine_does_not_parse_is_refused_with_its_reason() -> None:
    with pytest.raises(CompileError, match="Invalid literal"):
        RegoProgram(a_module("match := 00012 == 1"))


def test_a_function_of_the_engine_is_refused_under_the_name_of_an_own_one() -> None:
    with pytest.raises(CompileError, match=r"internal\.print is not available"):
        RegoProgram(a_module("print(x) := true\nmatch := print(1)"))


@pytest.mark.parametrize(
    "body",
    [
        "match if { some x, y in y } else := {input.ctx[x]} if { some k, k in k }",
        "match if { some x, y in y } else := {0, input, input.ctx[x]} if { some k, k in k }",
    ],
)
def test_a_module_that_would_end_the_process_is_refused(body: str) -> None:
    with pytest.raises(CompileError, match="breaks down"):
        RegoProgram(a_module(body))


def test_an_engine_without_a_statement_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    import regopy  # noqa: PLC0415 - the extra

    monkeypatch.setattr(regopy.rego_shared, "rego", object())
    with pytest.raises(CompileError, match="no statement limit"):
        RegoProgram(a_module("match := true"))


def test_the_engine_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CompileError):
        RegoProgram(a_module("match := 00012 == 1"))
    with pytest.raises(EvaluationError):
        evaluate("match := 1 / 0 == 1")
    assert capfd.readouterr() == ("", "")


def test_an_error_denies_with_its_own_reason() -> None:
    spec = a_spec(a_rule("DENY", rego("match := 1"), name="broken"), a_rule("ALLOW"))
    denied = a_world(user=attach(inline=[spec])).decide()
    assert isinstance(denied, Denied)
    assert denied.reason is Reason.EVALUATION_ERROR
    assert denied.rule is not None
    assert denied.rule.rule == "broken"


def test_an_explanation_shows_what_came_of_a_module() -> None:
    spec = a_spec(
        a_rule("ALLOW", rego("match if input.ctx.nobody"), name="first"),
        a_rule("ALLOW", rego('match if input.ctx.user.kind == "User"'), name="second"),
    )
    found = a_world(user=attach(inline=[spec])).explain().rules
    assert [(rule.rule.rule, rule.truth) for rule in found] == [
        ("first", Truth.FALSE),
        ("second", Truth.TRUE),
    ]
