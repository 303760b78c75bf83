"""Lints never fail, and what they call unreachable no request ever reaches."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from config.resources.policy import Condition
from policy.cel.values import EvaluationError
from policy.conditions import Programs, condition_test
from policy.decision import Allowed, Reason
from policy.lint.findings import lint
from policy.lint.truth import always_matches, never_matches
from tests.harness.lints import name_of
from tests.harness.policies import NOON, World, a_policy, a_world

PLACES: Final = ("service", "namespace", "user", "group", "session", "device", "cluster")
NAMES: Final = ("top", "mid.top", "other")
ATOMS: Final = (
    'ctx.user.spec.type == "HUMAN"',
    'ctx.user.spec.type != "WORKLOAD"',
    '"ROBOT" == ctx.user.spec.type',
    "ctx.user.spec.isDisabled",
    "has(ctx.device)",
    'ctx.device.status.osType == "LINUX"',
    'ctx.device.status.osType in ["MAC", "WINDOWS"]',
    'ctx.device.status.osType == ""',
    'ctx.request.http.method == "GET"',
    'ctx.request.http.method in ["GET", "PUT"]',
    'ctx.request.http.headers.x == "1"',
    "has(ctx.request.http.headers.x)",
    'ctx.groups.exists(g, g.metadata.name == "dev")',
    'attrs.level == "high"',
    "1 / 0 == 1",
    "true",
    "false",
)

texts = st.recursive(
    st.sampled_from(ATOMS),
    lambda inner: st.one_of(
        inner.map("!({})".format),
        st.lists(inner, min_size=2, max_size=4).map(lambda terms: f"({' && '.join(terms)})"),
        st.lists(inner, min_size=2, max_size=4).map(lambda terms: f"({' || '.join(terms)})"),
        st.tuples(inner, inner, inner).map("({0[0]} ? {0[1]} : {0[2]})".format),
    ),
    max_leaves=6,
)
leaf = st.one_of(
    st.booleans().map(lambda value: {"matchAny": value}),
    texts.map(lambda text: {"match": text}),
    texts.map(lambda text: {"not": text}),
)
conditions = st.recursive(
    leaf,
    lambda child: st.tuples(
        st.sampled_from(["all", "any", "none"]), st.lists(child, min_size=1, max_size=3)
    ).map(lambda tree: {tree[0]: {"of": tree[1]}}),
    max_leaves=4,
)
rules = st.fixed_dictionaries(
    {
        "effect": st.sampled_from(["ALLOW", "DENY"]),
        "priority": st.integers(-2, 2),
        "condition": conditions,
    }
)
enforcements = st.fixed_dictionaries(
    {"effect": st.sampled_from(["ENFORCE", "IGNORE"]), "condition": leaf}
)
specs = st.fixed_dictionaries(
    {
        "rules": st.lists(rules, max_size=3),
        "enforcementRules": st.lists(enforcements, max_size=2),
        "attrs": st.sampled_from([{}, {"level": "high"}]),
        "isDisabled": st.sampled_from([False, False, False, True]),
        "isShadow": st.sampled_from([False, False, False, True]),
    }
)
places = st.fixed_dictionaries(
    {
        "policies": st.lists(st.sampled_from(NAMES), max_size=2),
        "inlinePolicies": st.lists(specs.map(lambda spec: {"spec": spec}), max_size=2),
    }
)
cases = st.tuples(
    st.fixed_dictionaries(dict.fromkeys(NAMES, specs)),
    st.dictionaries(st.sampled_from(PLACES), places, max_size=3),
)
Case = tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]

REQUESTS: Final = [
    {"ip": "", "http": {"method": method, "headers": headers}}
    for method in ("GET", "PUT", "POST")
    for headers in ({}, {"x": "1"}, {"x": "2"})
]


def named(case: Case) -> Case:
    """Give every rule a name of its own."""
    policies, attached = case
    inline = (block["spec"] for place in attached.values() for block in place["inlinePolicies"])
    for number, spec in enumerate([*policies.values(), *inline]):
        # The same spec may have been drawn for two places: each gets its own rules.
        spec["rules"] = [
            rule | {"name": f"rule-{number}-{index}"} for index, rule in enumerate(spec["rules"])
        ]
    return case


def worlds(case: Case) -> Iterator[World]:
    policies, attached = case
    built = [
        a_policy(name, *spec["rules"], **_without_rules(spec)) for name, spec in policies.items()
    ]
    yield a_world(built, has_device=False, **attached)
    yield a_world(built, os_type="LINUX", **attached)
    yield a_world(built, os_type="MAC", **attached)


def _without_rules(spec: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in spec.items() if key != "rules"}


def called_unreachable(world: World) -> set[str]:
    told = [each for each in lint(world.snapshot) if name_of(each.hint).startswith("never-")]
    return {found[1] for each in told if (found := re.search(r'rule "([^"]+)"', each.message))}


def matching(world: World) -> set[str]:
    """Return the rules that decide by matching; one that is an error decides otherwise."""
    plan = world.plan()
    decisions = [plan.decide(world.ctx(request), NOON) for request in REQUESTS]
    return {
        decision.rule.rule
        for decision in decisions
        if decision.rule is not None
        and (isinstance(decision, Allowed) or decision.reason is Reason.POLICY_MATCH)
    }


@settings(max_examples=60, deadline=None)
@given(cases.map(named))
def test_no_request_reaches_what_is_called_unreachable(case: Case) -> None:
    for world in worlds(case):
        assert not called_unreachable(world) & matching(world)


def contexts() -> Iterator[dict[str, Any]]:
    """Yield more callers than there are worlds: of every type, on every Device, in no Group."""
    plain = a_world(has_device=False).ctx()
    device = a_world().ctx()["device"]
    for request, kind, os_type in product(
        REQUESTS, ("HUMAN", "WORKLOAD"), (None, "LINUX", "MAC", "")
    ):
        user = plain["user"] | {"spec": plain["user"]["spec"] | {"type": kind}}
        ctx = plain | {"user": user, "request": request}
        if os_type is not None:
            ctx["device"] = device | {"status": device["status"] | {"osType": os_type}}
        yield ctx


CONTEXTS: Final = [*contexts()]


@settings(max_examples=200, deadline=None)
@given(conditions, st.sampled_from([{}, {"level": "high"}]))
def test_a_certain_condition_is_what_it_is_called(
    raw: dict[str, Any], attrs: dict[str, str]
) -> None:
    condition = Condition.model_validate(raw)
    programs = Programs()
    assert list(programs.add(condition, "")) == []
    test = condition_test(condition, programs.evaluate_of)
    is_never, is_always = never_matches(condition), always_matches(condition)
    for ctx in CONTEXTS if is_never or is_always else ():
        try:
            outcome = test(ctx, attrs, NOON)
        except EvaluationError:
            continue
        assert not (is_never and outcome)
        assert not (is_always and not outcome)


EXPRESSIONS: Final = st.lists(
    st.sampled_from([*ATOMS, "&&", "||", "!", "?", ":", "(", ")", "ctx.devce.x", "ctx", ".", "["]),
    max_size=8,
).map(" ".join)


@settings(max_examples=100, deadline=None)
@given(st.lists(EXPRESSIONS.filter(str.strip), min_size=1, max_size=3))
def test_no_policy_makes_a_lint_fail(expressions: list[str]) -> None:
    rules = [{"effect": "DENY", "condition": {"match": text}} for text in expressions]
    world = a_world([a_policy("top", *rules)], service={"policies": ["top"]})
    assert isinstance(lint(world.snapshot), list)
