"""Leaving rules out that a caller can never match changes no decision and no error."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from policy.decision import Allowed, Decision, Reason
from policy.rules import Plan
from tests.harness.policies import NOON, World, a_rule, a_spec, a_world, attach

REQUEST: dict[str, Any] = {"http": {"method": "GET", "path": "/a", "headers": {}, "size": 3}}

# Settled for the caller, and not: each true, false, missing data, an error, no bool.
TERMS = st.sampled_from(
    [
        'ctx.user.spec.type == "HUMAN"',
        'ctx.user.spec.type == "WORKLOAD"',
        '"dev" in ctx.user.spec.groups',
        'ctx.device.status.osType == "LINUX"',
        "ctx.user.spec.groups[9] == 'x'",
        "ctx.user.spec.type > 1",
        'ctx.request.http.method == "GET"',
        'ctx.request.http.method == "PUT"',
        'ctx.request.http.headers["x"] == "1"',
        'ctx.request.http.size < "a"',
        'now() < timestamp("2020-01-01T00:00:00Z")',
        '(ctx.user.spec.type == "WORKLOAD" || ctx.request.http.method == "GET")',
    ]
)
CHAINS = st.lists(TERMS, min_size=1, max_size=4).map(" && ".join)
RULES = st.lists(
    st.tuples(st.sampled_from(["ALLOW", "DENY"]), CHAINS, st.integers(-1, 1)),
    min_size=1,
    max_size=5,
)


def a_world_of(rules: list[tuple[str, str, int]], *, has_device: bool) -> World:
    spec = a_spec(
        *(
            a_rule(effect, chain, priority=priority, name=f"r{place}")
            for place, (effect, chain, priority) in enumerate(rules)
        )
    )
    return a_world(service=attach(inline=[spec]), has_device=has_device)


def told(decision: Decision) -> tuple[Reason, str]:
    rule = decision.rule.rule if decision.rule is not None else ""
    return (Reason.POLICY_MATCH if isinstance(decision, Allowed) else decision.reason), rule


@settings(max_examples=300, deadline=None)
@given(RULES, st.booleans())
def test_a_narrowed_plan_decides_like_the_whole_one(
    rules: list[tuple[str, str, int]], has_device: bool
) -> None:
    world = a_world_of(rules, has_device=has_device)
    narrowed, ctx = world.plan(), world.ctx(REQUEST)
    whole = Plan.of(narrowed._attached, narrowed._evaluate_of)
    assert told(narrowed.decide(ctx, NOON)) == told(whole.decide(ctx, NOON))


def test_rules_about_somebody_else_are_left_out() -> None:
    world = a_world_of(
        [
            ("ALLOW", '"ops" in ctx.user.spec.groups && ctx.request.http.method == "GET"', 0),
            ("ALLOW", '"dev" in ctx.user.spec.groups && ctx.request.http.method == "GET"', 0),
        ],
        has_device=True,
    )
    assert len(world.plan()._steps) == 1
