"""Any set of policies is decided as a naive reading of the specification decides it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from policy.decision import Allowed, Decision, Reason
from policy.explain import Truth
from tests.harness.policies import NOON, World, a_policy, a_world

PLACES = ("service", "namespace", "user", "group", "session", "device", "cluster")
NAMES = ("top", "mid.top", "leaf.mid.top", "other")
REQUEST = {"http": {"bodyMap": {"yes": True, "no": False, "zero": 0}}}
# What each expression comes to: some are settled by who is calling, some only by the request.
TEXTS = {
    "true": "true",
    'ctx.user.metadata.name == "alice"': "true",
    "ctx.request.http.bodyMap.yes": "true",
    "false": "false",
    "ctx.user.spec.isDisabled": "false",
    "ctx.request.http.bodyMap.no": "false",
    "ctx.session.status.connection.ignoreDNS": "missing",
    "ctx.request.http.bodyMap.nobody.knows": "missing",
    "1 / 0 == 1": "error",
    "ctx.user.metadata.name > 1": "error",
    "1 / ctx.request.http.bodyMap.zero == 1": "error",
}

leaf = st.tuples(st.sampled_from(["match", "not"]), st.sampled_from(list(TEXTS)))
any_leaf = st.booleans().map(lambda value: ("matchAny", value)) | leaf
conditions = st.recursive(
    any_leaf,
    lambda child: st.tuples(
        st.sampled_from(["all", "any", "none"]), st.lists(child, min_size=1, max_size=3)
    ),
    max_leaves=4,
)


@dataclass
class Rule:
    effect: str
    priority: int
    condition: tuple[str, Any]
    name: str = ""


@dataclass
class Spec:
    rules: list[Rule]
    enforcement: list[tuple[str, tuple[str, Any]]]
    is_disabled: bool


@dataclass
class Place:
    names: list[str]
    inline: list[Spec]


@dataclass
class Case:
    policies: dict[str, Spec]
    places: dict[str, Place]
    rules: dict[str, Rule] = field(default_factory=dict)

    def __post_init__(self) -> None:
        numbers = count()
        for spec in [*self.policies.values(), *(s for p in self.places.values() for s in p.inline)]:
            for rule in spec.rules:
                rule.name = f"rule-{next(numbers)}"
                self.rules[rule.name] = rule


rules = st.builds(Rule, st.sampled_from(["ALLOW", "DENY"]), st.integers(-4, 4), conditions)
specs = st.builds(
    Spec,
    st.lists(rules, max_size=3),
    st.lists(st.tuples(st.sampled_from(["ENFORCE", "IGNORE"]), leaf), max_size=2),
    st.sampled_from([False, False, False, True]),
)
places = st.builds(Place, st.lists(st.sampled_from(NAMES), max_size=2), st.lists(specs, max_size=2))
cases = st.builds(
    Case,
    st.fixed_dictionaries(dict.fromkeys(NAMES, specs)),
    st.dictionaries(st.sampled_from(PLACES), places, max_size=4),
)


class CannotBeEvaluated(Exception):  # noqa: N818 - an outcome of the model, not a fault
    pass


def holds(condition: tuple[str, Any]) -> bool:
    key, value = condition
    if key == "matchAny":
        return bool(value)
    if key in ("match", "not"):
        if TEXTS[value] == "error":
            raise CannotBeEvaluated
        return (TEXTS[value] == "true") is (key == "match")
    if key == "all":
        return all(holds(child) for child in value)
    return any(holds(child) for child in value) is (key == "any")


def takes_part(spec: Spec) -> bool:
    for wanted in ("ENFORCE", "IGNORE"):
        for effect, condition in spec.enforcement:
            if effect == wanted and holds(condition):
                return effect == "ENFORCE"
    return True


def collected(case: Case) -> Iterator[tuple[Spec, Rule]]:
    used = set()
    for place in (case.places[name] for name in PLACES if name in case.places):
        attached: list[Spec] = []
        for name in place.names:
            labels = name.split(".")
            for own in (".".join(labels[index:]) for index in range(len(labels))):
                if own not in used:
                    used.add(own)
                    attached.append(case.policies[own])
        for spec in attached + place.inline:
            if not spec.is_disabled:
                yield from ((spec, rule) for rule in spec.rules)


def expected(case: Case) -> tuple[str, str]:
    def rank(found: tuple[Spec, Rule]) -> tuple[int, int]:
        return found[1].priority, ("DENY", "ALLOW").index(found[1].effect)

    for spec, rule in sorted(collected(case), key=rank):
        try:
            if takes_part(spec) and holds(rule.condition):
                return rule.effect, rule.name
        except CannotBeEvaluated:
            return "ERROR", rule.name
    return "NOTHING", ""


def outcome(decision: Decision) -> tuple[str, str]:
    name = decision.rule.rule if decision.rule is not None else ""
    if isinstance(decision, Allowed):
        return "ALLOW", name
    told = {
        Reason.POLICY_MATCH: "DENY",
        Reason.EVALUATION_ERROR: "ERROR",
        Reason.NO_POLICY_MATCH: "NOTHING",
    }
    return told[decision.reason], name


def as_condition(condition: tuple[str, Any]) -> dict[str, Any]:
    key, value = condition
    if key in ("matchAny", "match", "not"):
        return {key: value}
    return {key: {"of": [as_condition(child) for child in value]}}


def as_spec(spec: Spec) -> dict[str, Any]:
    return {
        "rules": [
            {
                "name": rule.name,
                "effect": rule.effect,
                "priority": rule.priority,
                "condition": as_condition(rule.condition),
            }
            for rule in spec.rules
        ],
        "enforcementRules": [
            {"effect": effect, "condition": as_condition(condition)}
            for effect, condition in spec.enforcement
        ],
        "isDisabled": spec.is_disabled,
    }


def built(case: Case) -> World:
    policies = []
    for name, spec in case.policies.items():
        given = as_spec(spec)
        policies.append(a_policy(name, *given.pop("rules"), **given))
    authorizations = {
        name: {
            "policies": place.names,
            "inlinePolicies": [{"spec": as_spec(spec)} for spec in place.inline],
        }
        for name, place in case.places.items()
    }
    return a_world(policies, **authorizations)


@settings(max_examples=300, deadline=None)
@given(cases)
def test_the_decision_is_that_of_a_naive_reading(case: Case) -> None:
    assert outcome(built(case).decide(REQUEST)) == expected(case)


@settings(max_examples=200, deadline=None)
@given(cases)
def test_nothing_is_allowed_without_a_matching_allow_rule(case: Case) -> None:
    decision = built(case).decide(REQUEST)
    if isinstance(decision, Allowed):
        assert decision.rule is not None
        rule = case.rules[decision.rule.rule]
        assert rule.effect == "ALLOW"
        assert holds(rule.condition)


@settings(max_examples=200, deadline=None)
@given(cases)
def test_the_explanation_tells_the_same_decision(case: Case) -> None:
    world = built(case)
    explanation = world.explain(REQUEST)
    assert explanation.decision == world.decide(REQUEST)
    decisive = [found for found in explanation.rules if found.truth in (Truth.TRUE, Truth.ERROR)]
    assert [found.rule for found in decisive] == (
        [explanation.decision.rule] if explanation.decision.rule is not None else []
    )


@settings(max_examples=20, deadline=None)
@given(cases)
def test_the_same_question_has_the_same_answer(case: Case) -> None:
    world = built(case)
    plan, ctx = world.plan(), world.ctx(REQUEST)
    assert len({plan.decide(ctx, NOON) for _ in range(1000)}) == 1
    assert world.decide(REQUEST) == plan.decide(ctx, NOON)
