"""The same question before and after a change: only what is not the same is told."""

from __future__ import annotations

import json
from dataclasses import replace

from policy.compare import Comparison, Difference
from policy.decision import Denied, Reason
from policy.explain import CheckFinding, Explanation, Outcome
from tests.harness.policies import a_policy, a_rule, a_world, attach

RULE = "{} (priority 0) in Policy {} of Service web.default"


def explained(*rules: dict[str, object], name: str = "base") -> Explanation:
    return a_world([a_policy(name, *rules)], service=attach(name)).explain()


def test_nothing_changes_between_two_that_are_alike() -> None:
    compared = Comparison(explained(a_rule(name="all")), explained(a_rule(name="all")))
    assert compared.differences() == ()
    assert not compared.is_other_answer
    assert list(compared.lines())[-1] == "nothing would change"


def test_another_answer_names_the_rule_that_makes_it() -> None:
    before = explained(a_rule("DENY", "false", name="never"), a_rule(name="all"))
    after = explained(a_rule("DENY", "true", name="never"), a_rule(name="all"))
    compared = Comparison(before, after)
    assert compared.is_other_answer
    assert compared.differences() == (
        Difference("rule", RULE.format("never", "base"), "DENY false", "DENY true"),
        Difference("rule", RULE.format("all", "base"), "ALLOW true", "ALLOW not reached"),
    )
    lines = list(compared.lines())
    assert lines[-1] == "the answer would change"
    assert lines[-3].startswith("before  ALLOWED: all")
    assert lines[-2].startswith("after   DENIED POLICY_MATCH: never")


def test_a_rule_that_is_new_or_gone_is_told_apart_from_one_that_is_false() -> None:
    compared = Comparison(explained(a_rule(name="all")), explained(a_rule(name="everybody")))
    assert {(found.before, found.after) for found in compared.differences()} == {
        ("ALLOW true", ""),
        ("", "ALLOW true"),
    }
    lines = list(compared.lines())
    assert f"rule    {RULE.format('all', 'base')}: ALLOW true -> not there" in lines
    assert lines[-1] == "the answer would be the same, decided otherwise"


def test_policies_that_are_attached_otherwise_are_told() -> None:
    compared = Comparison(
        explained(a_rule(name="all")), explained(a_rule(name="all"), name="other")
    )
    assert Difference("policy", "base of Service web.default", "enforced", "") in (
        compared.differences()
    )


def test_rules_of_one_name_are_told_apart() -> None:
    before = explained(a_rule("ALLOW", "false", name="same"), a_rule(name="same"))
    after = explained(a_rule("ALLOW", "false", name="same"), a_rule("ALLOW", "false", name="same"))
    assert len(Comparison(before, after).differences()) == 1


def test_where_a_check_refuses_rules_are_not_called_gone() -> None:
    passed = CheckFinding("the User is not disabled", Outcome.PASSED)
    refused = CheckFinding("the User is not disabled", Outcome.DENIED, "the User is disabled")
    before = replace(explained(a_rule(name="all")), checks=(passed,))
    after = Explanation(Denied(Reason.USER_DEACTIVATED), (refused,))
    found = Comparison(before, after).differences()
    assert found == (Difference("check", "the User is not disabled", "passed", "denied"),)


def test_a_program_reads_both_sides_and_the_difference() -> None:
    shown = Comparison(explained(a_rule(name="all")), explained()).as_json()
    assert shown["isOtherAnswer"]
    assert shown["isOtherDecision"]
    assert shown["decision"]["before"]["isAllowed"]
    assert shown["decision"]["after"]["reason"] == "NO_POLICY_MATCH"
    assert shown["differences"][0]["about"] == "rule"
    assert json.loads(json.dumps(shown)) == shown
