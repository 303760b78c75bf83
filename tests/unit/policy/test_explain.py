"""An explanation says what was decided, by which rule, and what every other rule lacked."""

from __future__ import annotations

import json
from dataclasses import replace

from policy.decision import Allowed, Denied, Reason
from policy.explain import CheckFinding, Explanation, Outcome, Standing, Truth, render
from tests.harness.policies import (
    World,
    a_policy,
    a_rule,
    a_spec,
    a_world,
    attach,
    enforcement,
)


def a_mixed_world() -> World:
    return a_world(
        [
            a_policy(
                "base",
                a_rule("DENY", "ctx.device.status.osType == 'WINDOWS'", name="no-windows"),
                a_rule("ALLOW", {"not": "has(ctx.session.status.connection)"}, name="everyone"),
                a_rule("ALLOW", name="too-late", priority=4),
            ),
            a_policy("off", a_rule("DENY"), isDisabled=True),
            a_policy("ignored", a_rule("DENY"), enforcementRules=[enforcement("IGNORE")]),
            a_policy("only", a_rule("DENY", "false"), enforcementRules=[enforcement("ENFORCE")]),
        ],
        user=attach("base", "off"),
        group=attach("base", "ignored", "only"),
        has_device=False,
    )


def test_the_decision_is_the_one_that_is_made() -> None:
    world = a_mixed_world()
    assert world.explain().decision == world.decide()


def test_every_policy_says_whether_it_takes_part_and_why() -> None:
    found = [
        (policy.policy, policy.owner_kind, policy.standing, policy.why)
        for policy in a_mixed_world().explain().policies
    ]
    assert found == [
        ("base", "User", Standing.ENFORCED, ""),
        ("off", "User", Standing.DISABLED, ""),
        ("base", "Group", Standing.REPEATED, "already attached to User alice"),
        ("ignored", "Group", Standing.IGNORED, "enforcementRules[0] matches"),
        ("only", "Group", Standing.ENFORCED, "enforcementRules[0] matches"),
    ]


def test_every_rule_has_a_truth_value_in_the_order_of_evaluation() -> None:
    found = [(rule.rule.rule, rule.truth) for rule in a_mixed_world().explain().rules]
    assert found == [
        ("no-windows", Truth.FALSE),
        ("rules[0]", Truth.IGNORED),
        ("rules[0]", Truth.FALSE),
        ("everyone", Truth.TRUE),
        ("too-late", Truth.NOT_REACHED),
    ]


def test_the_missing_key_that_made_a_rule_false_is_named() -> None:
    no_windows = a_mixed_world().explain().rules[0]
    assert len(no_windows.missing) == 1
    assert "device" in no_windows.missing[0]


def test_missing_data_that_made_a_not_true_is_named_as_well() -> None:
    spec = a_spec(a_rule("ALLOW", {"not": "ctx.device.status.isLocked"}))
    (rule,) = a_world(user=attach(inline=[spec]), has_device=False).explain().rules
    assert rule.truth is Truth.TRUE
    assert "device" in rule.missing[0]


def test_an_error_is_shown_where_it_happened_and_ends_the_decision() -> None:
    spec = a_spec(a_rule("DENY", "1 / 0 == 1", name="bad"), a_rule("ALLOW"))
    explanation = a_world(user=attach(inline=[spec])).explain()
    assert [rule.truth for rule in explanation.rules] == [Truth.ERROR, Truth.NOT_REACHED]
    assert explanation.rules[0].error
    assert isinstance(explanation.decision, Denied)
    assert explanation.decision.reason is Reason.EVALUATION_ERROR


def test_an_enforcement_error_is_shown_at_the_policy_and_at_its_rule() -> None:
    spec = a_spec(a_rule("ALLOW"), enforcementRules=[enforcement("IGNORE", "1 / 0 == 1")])
    explanation = a_world(user=attach(inline=[spec])).explain()
    (policy,), (rule,) = explanation.policies, explanation.rules
    assert policy.standing is Standing.ERROR
    assert "enforcementRules[0]" in policy.why
    assert rule.truth is Truth.ERROR
    assert rule.error == policy.why


def test_as_json_it_is_plain_and_complete() -> None:
    checks = (CheckFinding("session is active", Outcome.PASSED),)
    explanation = replace(a_mixed_world().explain(), checks=checks)
    told = json.loads(json.dumps(explanation.as_json()))
    assert told["decision"] == {
        "isAllowed": True,
        "reason": "POLICY_MATCH",
        "detail": "",
        "rule": {
            "rule": "everyone",
            "priority": 0,
            "policy": "base",
            "inline": False,
            "owner": {"kind": "User", "name": "alice"},
        },
    }
    assert told["checks"] == [{"name": "session is active", "outcome": "passed", "detail": ""}]
    assert [policy["standing"] for policy in told["policies"]][:2] == ["enforced", "disabled"]
    assert told["rules"][0]["truth"] == "false"
    assert told["rules"][0]["effect"] == "DENY"
    assert told["rules"][0]["missing"]


def test_as_text_every_finding_has_its_line() -> None:
    checks = (CheckFinding("session is active", Outcome.PASSED, "ACTIVE"),)
    text = render(replace(a_mixed_world().explain(), checks=checks))
    assert "passed       session is active: ACTIVE" in text
    assert "repeated     Policy base, attached to Group dev: already attached to User alice" in text
    assert "not reached  ALLOW too-late (priority 4) in Policy base of User alice" in text
    assert text.endswith("decision: ALLOWED: everyone (priority 0) in Policy base of User alice\n")


def test_a_decision_before_every_policy_can_be_told() -> None:
    denied = Denied(Reason.DEVICE_NOT_ACTIVE, detail="the Device is PENDING")
    explanation = Explanation(denied, (CheckFinding("device is active", Outcome.DENIED),))
    assert render(explanation).endswith(
        "decision: DENIED DEVICE_NOT_ACTIVE: the Device is PENDING\n"
    )
    assert explanation.as_json()["decision"]["reason"] == "DEVICE_NOT_ACTIVE"


def test_a_service_that_asks_for_no_authorization_can_be_told() -> None:
    explanation = Explanation(Allowed(None))
    assert "no authorization" in render(explanation)
    assert explanation.as_json()["decision"]["rule"] is None
