"""Conditions behave as the specification's table says, errors and missing data included."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from config.resources.policy import Condition
from policy.cel.values import EvaluationError, MissingData
from policy.conditions import NotBooleanError, Programs, condition_test, rule_test
from tests.harness.policies import NOON, a_condition

TRUE = {"match": "true"}
FALSE = {"match": "false"}
MISSING = {"match": "ctx.nobody.knows"}
ERROR = {"match": "1 / 0 == 1"}
CTX = {"user": {"name": "alice", "groups": ["dev"]}}


def evaluate(condition: Condition | None, ctx: Any = None, attrs: Any = None) -> bool:
    programs = Programs(is_about_requests=False)
    assert list(programs.add(condition, "condition")) == []
    return condition_test(condition, programs.evaluate_of)(ctx or CTX, attrs or {}, NOON)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        pytest.param({"matchAny": True}, True, id="matchAny true"),
        pytest.param({"matchAny": False}, False, id="matchAny false"),
        pytest.param(TRUE, True, id="match true"),
        pytest.param(FALSE, False, id="match false"),
        pytest.param({"not": "false"}, True, id="not false"),
        pytest.param({"not": "true"}, False, id="not true"),
        pytest.param(MISSING, False, id="match of missing data"),
        pytest.param({"not": "ctx.nobody.knows"}, True, id="not of missing data"),
        pytest.param({"match": "ctx.user.groups[7] == 'x'"}, False, id="index out of range"),
        pytest.param({"match": "ctx.nobody == 1 || true"}, True, id="absorbed by the expression"),
        pytest.param({"all": {"of": [TRUE, TRUE]}}, True, id="all true"),
        pytest.param({"all": {"of": [TRUE, FALSE]}}, False, id="all with a false child"),
        pytest.param({"all": {"of": [TRUE, MISSING]}}, False, id="all with missing data"),
        pytest.param({"any": {"of": [FALSE, TRUE]}}, True, id="any with a true child"),
        pytest.param({"any": {"of": [MISSING, FALSE]}}, False, id="any without a true child"),
        pytest.param({"none": {"of": [FALSE, MISSING]}}, True, id="none without a true child"),
        pytest.param({"none": {"of": [FALSE, TRUE]}}, False, id="none with a true child"),
        pytest.param({"all": {"of": [{"any": {"of": [FALSE, TRUE]}}, TRUE]}}, True, id="nested"),
        pytest.param({"any": {"of": [{"not": "ctx.nobody"}]}}, True, id="nested not of missing"),
    ],
)
def test_a_condition_is(condition: dict[str, Any], expected: bool) -> None:
    assert evaluate(a_condition(**condition)) is expected


def test_an_absent_condition_never_matches() -> None:
    assert evaluate(None) is False


@pytest.mark.parametrize("key", ["all", "any", "none"])
def test_a_branch_without_children_never_matches(key: str) -> None:
    branch = type(a_condition(all={"of": [TRUE]}).all).model_construct(of=())
    assert evaluate(Condition.model_construct(**{key: branch})) is False


def test_a_condition_that_says_nothing_never_matches() -> None:
    assert evaluate(Condition.model_construct()) is False


@pytest.mark.parametrize("key", ["match", "not"])
def test_a_blank_expression_never_matches(key: str) -> None:
    name = {"match": "match", "not": "not_"}[key]
    assert evaluate(Condition.model_construct(**{name: ""})) is False


@pytest.mark.parametrize(
    "condition",
    [
        pytest.param(ERROR, id="match"),
        pytest.param({"not": "1 / 0 == 1"}, id="not"),
        pytest.param({"all": {"of": [TRUE, ERROR]}}, id="all"),
        pytest.param({"any": {"of": [FALSE, ERROR]}}, id="any"),
        pytest.param({"none": {"of": [FALSE, ERROR]}}, id="none"),
        pytest.param({"match": "ctx.user.name > 1"}, id="no such overload"),
    ],
)
def test_an_error_is_raised_and_is_not_missing_data(condition: dict[str, Any]) -> None:
    with pytest.raises(EvaluationError) as raised:
        evaluate(a_condition(**condition))
    assert not isinstance(raised.value, MissingData)


@pytest.mark.parametrize(
    "condition",
    [
        pytest.param({"all": {"of": [FALSE, ERROR]}}, id="all"),
        pytest.param({"any": {"of": [TRUE, ERROR]}}, id="any"),
        pytest.param({"none": {"of": [TRUE, ERROR]}}, id="none"),
    ],
)
def test_a_branch_asks_no_further_than_it_must(condition: dict[str, Any]) -> None:
    assert isinstance(evaluate(a_condition(**condition)), bool)


@pytest.mark.parametrize("text", ["1", "'true'", "null", "[true]", "ctx.user"])
@pytest.mark.parametrize("key", ["match", "not"])
def test_a_value_that_is_no_bool_is_an_error(text: str, key: str) -> None:
    with pytest.raises(NotBooleanError, match="must be true or false"):
        evaluate(a_condition(**{key: text}))


def test_attrs_are_visible_beside_ctx() -> None:
    condition = a_condition(match="attrs.level in [2, 3]")
    assert evaluate(condition, attrs={"level": 3})
    assert not evaluate(condition, attrs={"other": 3})


def test_a_lone_match_as_a_rule_is_the_expression_itself() -> None:
    programs = Programs(is_about_requests=False)
    condition = a_condition(match="ctx.nobody.knows")
    assert list(programs.add(condition, "")) == []
    assert rule_test(condition, programs.evaluate_of) is programs.evaluate_of("ctx.nobody.knows")


def test_every_expression_that_does_not_compile_is_reported_with_its_path() -> None:
    condition = a_condition(
        all={"of": [{"match": "1 +"}, {"any": {"of": [TRUE, {"not": ")"}]}}, {"match": "1 +"}]}
    )
    problems = list(Programs().add(condition, "spec.condition"))
    assert [problem.path for problem in problems] == [
        "spec.condition.all.of[0].match",
        "spec.condition.all.of[1].any.of[1].not",
        "spec.condition.all.of[2].match",
    ]


REGO = {"opa": {"inline": 'package octelium.condition\nmatch if input.ctx.user.name == "alice"'}}


def test_rego_is_a_condition_like_others() -> None:
    assert evaluate(a_condition(**REGO)) is True
    assert evaluate(a_condition(none={"of": [REGO]})) is False


def test_rego_that_does_not_compile_is_reported_with_its_path() -> None:
    condition = a_condition(any={"of": [TRUE, {"opa": {"inline": "match := true"}}]})
    (problem,) = Programs().add(condition, "spec.condition")
    assert problem.path == "spec.condition.any.of[1].opa.inline"
    assert "must begin with package octelium.condition" in problem.message


def test_an_expression_that_compiles_is_no_rego() -> None:
    condition = a_condition(all={"of": [TRUE, {"opa": {"inline": "true"}}]})
    assert len(list(Programs().add(condition, "spec.condition"))) == 1


def test_rego_is_refused_where_the_extra_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "regopy", None)
    (problem,) = Programs().add(a_condition(**REGO), "spec.condition")
    assert problem.path == "spec.condition.opa.inline"
    assert problem.message == "Rego is not installed"
    assert "extra opa" in problem.hint


def test_rego_is_never_settled_and_reads_no_clock() -> None:
    programs = Programs()
    condition = a_condition(any={"of": [FALSE, REGO]})
    assert list(programs.add(condition, "")) == []
    assert not programs.is_settled(condition)
    assert not programs.reads_clock(condition)


def test_rego_that_an_earlier_set_compiled_is_taken_over() -> None:
    earlier = Programs()
    assert list(earlier.add(a_condition(**REGO), "")) == []
    later = earlier.successor()
    assert list(later.add(a_condition(**REGO), "")) == []
    text = REGO["opa"]["inline"]
    assert later.evaluate_of(text) == earlier.evaluate_of(text)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        pytest.param({"match": "now() > timestamp('2020-01-01T00:00:00Z')"}, True, id="match"),
        pytest.param({"any": {"of": [FALSE, {"not": "now() == now()"}]}}, True, id="nested"),
        pytest.param({"all": {"of": [TRUE, MISSING]}}, False, id="none"),
    ],
)
def test_a_condition_says_whether_it_reads_the_clock(
    condition: dict[str, Any], expected: bool
) -> None:
    programs = Programs(is_about_requests=False)
    assert list(programs.add(a_condition(**condition), "")) == []
    assert programs.reads_clock(a_condition(**condition)) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("true", True, id="constant"),
        pytest.param("attrs.level > 1", True, id="attrs"),
        pytest.param('"dev" in ctx.user.spec.groups', True, id="caller"),
        pytest.param('ctx.groups.exists(ctx, ctx.metadata.name == "dev")', True, id="own name"),
        pytest.param("ctx.request.http.size > 1", False, id="request"),
        pytest.param('ctx["request"].http.size > 1', False, id="indexed request"),
        pytest.param('ctx["req" + "uest"].http.size > 1', False, id="computed key"),
        pytest.param("has(ctx.request)", False, id="presence of a request"),
        pytest.param("ctx.?request.hasValue()", False, id="optional request"),
        pytest.param('ctx.exists(key, key == "request")', False, id="keys of ctx"),
        pytest.param("cel.bind(all, ctx, all.request.http.size > 1)", False, id="ctx renamed"),
        pytest.param("[ctx][0].request.http.size > 1", False, id="ctx in a list"),
        pytest.param("size(ctx) > 6", False, id="ctx as an argument"),
        pytest.param("now() > timestamp(0)", False, id="clock"),
        pytest.param("ctx.session.spec.expiresAt > now()", False, id="caller and clock"),
    ],
)
def test_a_condition_is_settled_where_neither_request_nor_clock_changes_it(
    text: str, expected: bool
) -> None:
    programs = Programs(is_about_requests=False)
    condition = a_condition(any={"of": [TRUE, {"match": text}]})
    assert list(programs.add(condition, "")) == []
    assert programs.is_settled(condition) is expected


def test_what_an_earlier_set_compiled_is_taken_over() -> None:
    condition = a_condition(match="ctx.user.name == 'alice'")
    earlier = Programs(is_about_requests=False)
    assert list(earlier.add(condition, "")) == []
    later = earlier.successor()
    assert list(later.add(condition, "")) == []
    text = "ctx.user.name == 'alice'"
    assert later.evaluate_of(text) is earlier.evaluate_of(text)
