"""What is certain about a condition before anything is asked."""

from __future__ import annotations

from typing import Any

import pytest

from policy.lint.truth import always_matches, never_matches
from tests.harness.policies import a_condition

HUMAN = "ctx.user.spec.type == 'HUMAN'"
WORKLOAD = "ctx.user.spec.type == 'WORKLOAD'"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("false", id="false"),
        pytest.param(f"{HUMAN} && {WORKLOAD}", id="two symbols at once"),
        pytest.param(f"{WORKLOAD} && ctx.user.spec.email == '' && {HUMAN}", id="with others"),
        pytest.param("ctx.user.metadata.name == 'a' && 'b' == ctx.user.metadata.name", id="text"),
        pytest.param("ctx.user.spec.type == 'ROBOT'", id="no such symbol"),
        pytest.param("ctx.user.spec.type in ['ROBOT', 'DOG']", id="no such symbols"),
        pytest.param("!(ctx.user.spec.type in ['HUMAN', 'WORKLOAD', ''])", id="none is left"),
        pytest.param(f"!({HUMAN}) && ctx.user.spec.type in ['HUMAN']", id="negated"),
        pytest.param(f"{HUMAN} && ({WORKLOAD} || ctx.user.spec.type == '')", id="in each branch"),
        pytest.param("ctx.user.spec.isDisabled && !ctx.user.spec.isDisabled", id="a bool"),
        pytest.param("has(ctx.device) && !has(ctx.device)", id="presence"),
        pytest.param(f"{HUMAN} ? {WORKLOAD} : false", id="ternary"),
        pytest.param("attrs.x == 'a' && attrs['x'] == 'b'", id="attrs, however spelt"),
    ],
)
def test_an_expression_that_contradicts_itself_never_matches(text: str) -> None:
    assert never_matches(a_condition(match=text))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("true", id="true"),
        pytest.param(HUMAN, id="a symbol"),
        pytest.param(f"{HUMAN} || {WORKLOAD}", id="either"),
        pytest.param("!(ctx.user.spec.type in ['HUMAN', 'WORKLOAD'])", id="unset is a value too"),
        pytest.param(f"{HUMAN} && ctx.service.spec.mode == 'SSH'", id="different paths"),
        pytest.param("ctx.groups[0].kind == 'a' && ctx.groups[1].kind == 'b'", id="elements"),
        pytest.param("ctx.groups.exists(g, g.kind == 'a') && true", id="not understood"),
        pytest.param(
            "ctx.request.http.bodyMap.n == 1 && ctx.request.http.bodyMap.n == 1.0", id="n"
        ),
        pytest.param("ctx.request.llm.operation == 'SOMETHING_NEW'", id="what clients say is free"),
        pytest.param(f"{HUMAN} ? {WORKLOAD} : true", id="ternary"),
        pytest.param("1 +", id="no expression"),
    ],
)
def test_an_expression_may_match(text: str) -> None:
    assert not never_matches(a_condition(match=text))


@pytest.mark.parametrize(
    ("condition", "certain"),
    [
        pytest.param({"matchAny": True}, True, id="matchAny"),
        pytest.param({"matchAny": False}, False, id="matchAny: false"),
        pytest.param({"match": "true"}, True, id="true"),
        pytest.param({"not": "false"}, True, id="not false"),
        pytest.param({"match": HUMAN}, None, id="an expression"),
        pytest.param({"not": f"{HUMAN} && {WORKLOAD}"}, True, id="not a contradiction"),
        pytest.param({"not": f"!({HUMAN}) || {HUMAN}"}, None, id="false where data is missing"),
        pytest.param(
            {"all": {"of": [{"matchAny": True}, {"match": "true"}]}}, True, id="all certain"
        ),
        pytest.param({"all": {"of": [{"match": HUMAN}, {"match": WORKLOAD}]}}, False, id="all"),
        pytest.param({"any": {"of": [{"match": HUMAN}, {"matchAny": True}]}}, True, id="any"),
        pytest.param({"any": {"of": [{"match": HUMAN}, {"match": WORKLOAD}]}}, None, id="any of"),
        pytest.param({"none": {"of": [{"match": HUMAN}, {"matchAny": True}]}}, False, id="none"),
        pytest.param({"none": {"of": [{"matchAny": False}]}}, True, id="none of nothing"),
        pytest.param({"any": {"of": [{"not": HUMAN}, {"not": WORKLOAD}]}}, True, id="either not"),
        pytest.param({"all": {"of": [{"not": HUMAN}, {"not": "true"}]}}, False, id="all not"),
    ],
)
def test_a_condition_is_certain(condition: dict[str, Any], certain: bool | None) -> None:
    built = a_condition(**condition)
    assert always_matches(built) is (certain is True)
    assert never_matches(built) is (certain is False)


def test_a_condition_that_is_absent_never_matches() -> None:
    assert never_matches(None)
    assert not always_matches(None)


def test_conditions_nested_in_conditions_are_judged_in_bounded_time() -> None:
    text = HUMAN
    for _ in range(40):
        text = f"({text} ? {WORKLOAD} : {HUMAN})"
    assert not never_matches(a_condition(match=text))
