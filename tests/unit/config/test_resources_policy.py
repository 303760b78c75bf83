from __future__ import annotations

from typing import Any

import pytest

from config.resources.policy import Condition, Effect
from tests.harness.builders import a_policy, a_rule, a_service, complaints, inline

MATCH_ANY = {"matchAny": True}
NEEDS_ONE = "needs exactly one of matchAny, match, not, all, any, none or opa"


def nested(depth: int) -> dict[str, Any]:
    condition: dict[str, Any] = MATCH_ANY
    for _ in range(depth - 1):
        condition = {"all": {"of": [condition]}}
    return condition


def about(condition: Any) -> list[str]:
    rule = {"effect": "ALLOW", "condition": condition}
    return complaints(lambda: a_policy("some-policy", rule))


def test_a_rule_has_what_was_declared() -> None:
    policy = a_policy("p1", a_rule("DENY", "ctx.user != null", name="r1", priority=-4))
    [rule] = policy.spec.rules
    assert (rule.name, rule.effect, rule.priority) == ("r1", Effect.DENY, -4)
    assert rule.condition.match == "ctx.user != null"


def test_not_is_an_expression() -> None:
    policy = a_policy("p1", {"effect": "DENY", "condition": {"not": "has(ctx.device)"}})
    assert policy.spec.rules[0].condition.not_ == "has(ctx.device)"


def test_match_any_may_be_false() -> None:
    assert Condition.model_validate({"matchAny": False}).match_any is False


def test_an_effect_is_required() -> None:
    rule = {"condition": MATCH_ANY}
    assert complaints(lambda: a_policy("p1", rule)) == ["spec.rules[0].effect: is required"]


def test_an_effect_is_spelled_in_capitals() -> None:
    assert complaints(lambda: a_policy("p1", a_rule("allow"))) == [
        'spec.rules[0].effect: must be ALLOW or DENY; did you mean "ALLOW"?'
    ]


@pytest.mark.parametrize(
    ("priority", "complaint"),
    [
        (5, "must be at most 4"),
        (-5, "must be at least -4"),
        (True, "must be a whole number, not true or false"),
        ("1", "must be a whole number, not text"),
        (1.0, "must be a whole number, not a number"),
    ],
)
def test_a_priority_is_a_small_number(priority: Any, complaint: str) -> None:
    assert complaints(lambda: a_policy("p1", a_rule(priority=priority))) == [
        f"spec.rules[0].priority: {complaint}"
    ]


def test_a_hundred_rules_are_enough() -> None:
    assert len(a_policy("p1", *[a_rule()] * 100).spec.rules) == 100
    assert complaints(lambda: a_policy("p1", *[a_rule()] * 101)) == [
        "spec.rules: must have at most 100 items"
    ]


def test_a_condition_is_exactly_one_thing() -> None:
    assert about({"match": "true", "matchAny": True}) == [
        "spec.rules[0].condition: matchAny and match are given, only one of them may be"
    ]
    assert about({}) == [f"spec.rules[0].condition: {NEEDS_ONE}"]


@pytest.mark.parametrize("key", ["match", "not"])
@pytest.mark.parametrize("text", ["", " \n\t"])
def test_an_expression_is_not_blank(key: str, text: str) -> None:
    assert about({key: text}) == [f"spec.rules[0].condition.{key}: must not be blank"]


def test_an_expression_is_bounded() -> None:
    assert about({"match": "x" * 10_001}) == [
        "spec.rules[0].condition.match: must have at most 10000 characters"
    ]


@pytest.mark.parametrize("key", ["all", "any", "none"])
def test_a_group_has_from_one_to_a_hundred_children(key: str) -> None:
    assert about({key: {"of": []}}) == [
        f"spec.rules[0].condition.{key}.of: must have at least 1 item"
    ]
    assert about({key: {"of": [MATCH_ANY] * 101}}) == [
        f"spec.rules[0].condition.{key}.of: must have at most 100 items"
    ]


def test_conditions_nest_sixteen_deep() -> None:
    assert a_policy("p1", {"effect": "ALLOW", "condition": nested(16)})
    assert about(nested(17)) == ["spec.rules[0].condition: must not be nested deeper than 16"]


def test_a_very_deep_condition_is_refused_without_recursing() -> None:
    assert about(nested(100_000)) == ["spec.rules[0].condition: must not be nested deeper than 16"]


def test_an_error_inside_a_nested_condition_has_its_path() -> None:
    assert about({"any": {"of": [MATCH_ANY, {"none": {"of": [{"macth": "x"}]}}]}}) == [
        f"spec.rules[0].condition.any.of[1].none.of[0]: {NEEDS_ONE}",
        'spec.rules[0].condition.any.of[1].none.of[0].macth: unknown key; did you mean "match"?',
    ]


def test_a_policy_is_bounded_as_a_whole() -> None:
    rules = [a_rule(match="x" * 9_000) for _ in range(12)]
    assert complaints(lambda: a_policy("p1", *rules)) == ["spec: must have at most 100000 bytes"]


def test_attrs_are_free_json() -> None:
    attrs = {"os": ["LINUX", {"Not camel": 1}], "deep": {"level": 1.5, "none": None}}
    assert a_policy("p1", attrs=attrs).spec.attrs == attrs


@pytest.mark.parametrize(
    ("attrs", "complaint"),
    [
        ({"Bad": 1}, "spec.attrs.Bad: a key must be camelCase"),
        ({"a": {"b_c": 1}}, "spec.attrs.a.b_c: a key must be camelCase"),
        ({"a" * 101: 1}, f"spec.attrs.{'a' * 101}: a key must have at most 100 characters"),
        ({1: 1}, "spec.attrs.1: a key must be text"),
        ({"": 1}, 'spec.attrs[""]: a key must be camelCase'),
        ({"a": 2**64}, "spec.attrs.a: must fit 64 bits"),
        ({"a": [float("nan")]}, "spec.attrs.a[0]: must be a finite number"),
        ({"a": "x" * 20_000}, "spec.attrs: must have at most 20000 bytes as JSON"),
        ({"a": b"x"}, "spec.attrs.a: must be JSON: text, number, true, false, list or mapping"),
        ([], "spec.attrs: must be a mapping"),
    ],
)
def test_attrs_are_checked(attrs: Any, complaint: str) -> None:
    assert complaints(lambda: a_policy("p1", attrs=attrs)) == [complaint]


def test_keys_of_attrs_may_be_in_any_script() -> None:
    assert a_policy("p1", attrs={"größe": 1, "名前": 2})


def test_very_deep_attrs_are_refused_without_recursing() -> None:
    attrs: dict[str, Any] = {}
    for _ in range(100_000):
        attrs = {"a": attrs}
    [complaint] = complaints(lambda: a_policy("p1", attrs=attrs))
    assert complaint == "spec.attrs: must not be nested deeper than 32"


def test_enforcement_rules() -> None:
    rules = [{"effect": "ENFORCE", "condition": MATCH_ANY}]
    assert a_policy("p1", enforcementRules=rules).spec.enforcement_rules[0].effect == "ENFORCE"
    assert complaints(
        lambda: a_policy("p1", enforcementRules=[{"effect": "ALLOW", "condition": MATCH_ANY}])
    ) == ["spec.enforcementRules[0].effect: must be ENFORCE or IGNORE"]


def test_inline_policies_follow_the_same_rules() -> None:
    block = inline(a_rule(priority=9), name="here")
    assert complaints(lambda: a_service(authorization=block)) == [
        "spec.authorization.inlinePolicies[0].spec.rules[0].priority: must be at most 4"
    ]


def test_attached_policies_are_names() -> None:
    block = {"policies": ["read.base", "Bad"]}
    [complaint] = complaints(lambda: a_service(authorization=block))
    assert complaint.startswith("spec.authorization.policies[1]: must start with a letter")
