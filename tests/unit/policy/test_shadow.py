"""A shadow policy decides nothing, and what it would have decided is known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.decision import Allowed, Decision, Denied, Reason
from policy.explain import Standing, render
from policy.rules import MAX_REHEARSED
from tests.harness.policies import (
    NOON,
    World,
    a_policy,
    a_rule,
    a_spec,
    a_world,
    allow,
    attach,
    enforcement,
)

EFFECTS = st.sampled_from(["ALLOW", "DENY"])
PRIORITIES = st.integers(-4, 4)
RULES = st.lists(st.tuples(EFFECTS, PRIORITIES, st.booleans()), max_size=4)


def a_shadow(effect: str = "DENY", match: str = "true", **keys: object) -> dict[str, object]:
    """Build the spec of a shadow policy of one rule."""
    return a_spec(a_rule(effect, match, name="shadow"), isShadow=True, **keys)


def rehearsed(world: World) -> Decision:
    """Return what the gate gets: the decision, together with what shadow policies make of it."""
    plan, ctx = world.plan(), world.ctx()
    return plan.rehearse(plan.decide(ctx, NOON), ctx, NOON)


def test_a_shadow_deny_lets_the_request_through_and_says_what_it_would_have_done() -> None:
    decision = rehearsed(a_world(service=allow(), user=attach(inline=[a_shadow("DENY")])))
    assert isinstance(decision, Allowed)
    assert isinstance(decision.shadow, Denied)
    assert decision.shadow.rule is not None
    assert decision.shadow.rule.rule == "shadow"


def test_a_shadow_allow_opens_nothing() -> None:
    decision = rehearsed(a_world(service=attach(inline=[a_shadow("ALLOW")])))
    assert isinstance(decision, Denied)
    assert decision.reason is Reason.NO_POLICY_MATCH
    assert isinstance(decision.shadow, Allowed)


def test_a_shadow_that_cannot_be_evaluated_denies_nobody() -> None:
    decision = rehearsed(
        a_world(service=allow(), user=attach(inline=[a_shadow(match="1 / 0 > 1")]))
    )
    assert isinstance(decision, Allowed)
    assert isinstance(decision.shadow, Denied)
    assert decision.shadow.reason is Reason.EVALUATION_ERROR


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param(a_shadow(isDisabled=True), id="disabled"),
        pytest.param(a_spec(isShadow=True), id="without-rules"),
        pytest.param(a_spec(a_rule("DENY", "false")), id="real"),
    ],
)
def test_nothing_is_rehearsed_where_no_shadow_rule_is_attached(spec: dict[str, object]) -> None:
    world = a_world(service=allow(), user=attach(inline=[spec]))
    assert world.plan().shadow is None
    assert rehearsed(world).shadow is None


def test_a_shadow_left_out_by_its_enforcement_rules_changes_nothing() -> None:
    spec = a_shadow(enforcementRules=[enforcement("IGNORE")])
    decision = rehearsed(a_world(service=allow(), user=attach(inline=[spec])))
    assert isinstance(decision, Allowed)
    assert decision.shadow == Allowed(decision.rule)


def test_a_shadow_that_reads_the_clock_makes_nobody_ask_again() -> None:
    spec = a_shadow(match="now() < timestamp('2030-01-01T00:00:00Z')")
    assert not a_world(service=allow(), user=attach(inline=[spec])).plan().reads_clock


def test_the_same_decision_is_the_same_object_so_that_permits_are_minted_once() -> None:
    world = a_world(service=allow(), user=attach(inline=[a_shadow()]))
    plan, ctx = world.plan(), world.ctx()
    first, second = (plan.rehearse(plan.decide(ctx, NOON), ctx, NOON) for _ in range(2))
    assert first is second


def test_decisions_that_are_new_each_time_are_not_kept_for_ever() -> None:
    world = a_world(service=allow(), user=attach(inline=[a_shadow(match="1 / 0 > 1")]))
    plan, ctx = world.plan(), world.ctx()
    for _ in range(MAX_REHEARSED + 2):
        plan.rehearse(plan.decide(ctx, NOON), ctx, NOON)
    assert len(plan._rehearsed) <= MAX_REHEARSED


@given(real=RULES, shadow=RULES)
def test_shadows_never_change_the_decision_and_foretell_the_one_without_the_mark(
    real: list[tuple[str, int, bool]], shadow: list[tuple[str, int, bool]]
) -> None:
    rules = [a_rule(effect, str(value).lower(), priority=at) for effect, at, value in real]
    tried = [a_rule(effect, str(value).lower(), priority=at) for effect, at, value in shadow]
    own = attach(inline=[a_spec(*rules)])
    marked = rehearsed(a_world(service=own, user=attach(inline=[a_spec(*tried, isShadow=True)])))
    unmarked = a_world(service=own, user=attach(inline=[a_spec(*tried)])).decide()
    without = a_world(service=own, user=attach(inline=[a_spec()])).decide()
    assert type(marked) is type(without)
    assert marked.rule == without.rule
    if tried:
        assert marked.shadow == unmarked
    else:
        assert marked.shadow is None


def test_an_explanation_shows_the_shadow_beside_the_decision() -> None:
    world = a_world(
        [a_policy("soon", a_rule("DENY"), isShadow=True)], service=allow(), user=attach("soon")
    )
    explained = world.explain()
    assert isinstance(explained.decision, Allowed)
    assert explained.shadow is not None
    assert isinstance(explained.shadow.decision, Denied)
    assert explained.policies[-1].standing is Standing.SHADOW
    assert "soon" not in {found.rule.policy for found in explained.rules}
    assert "decision would be: DENIED POLICY_MATCH" in render(explained)
    shown = explained.as_json()
    assert shown["decision"]["isAllowed"]
    assert not shown["shadow"]["decision"]["isAllowed"]
