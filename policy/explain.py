"""What a decision was made of, as values for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, assert_never

from policy.decision import Allowed, Decision, Denied, Reason, RuleRef


class Outcome(StrEnum):
    """How a pre-policy check ended."""

    PASSED = "passed"
    DENIED = "denied"
    NOT_REACHED = "not reached"


class Standing(StrEnum):
    """Whether a policy's rules take part in the decision."""

    ENFORCED = "enforced"
    IGNORED = "ignored"
    DISABLED = "disabled"
    REPEATED = "repeated"
    ERROR = "error"


class Truth(StrEnum):
    """What became of one rule. IGNORED: its policy takes no part."""

    TRUE = "true"
    FALSE = "false"
    ERROR = "error"
    IGNORED = "ignored"
    NOT_REACHED = "not reached"


@dataclass(frozen=True, slots=True)
class CheckFinding:
    """One check that comes before every policy (spec/data-plane.md §1.3)."""

    name: str
    outcome: Outcome
    detail: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the finding as a JSON object."""
        return {"name": self.name, "outcome": str(self.outcome), "detail": self.detail}


@dataclass(frozen=True, slots=True)
class PolicyFinding:
    """One attached policy, in the order of collection, and why it takes part or does not."""

    policy: str
    inline: bool
    owner_kind: str
    owner_name: str
    standing: Standing
    why: str

    def as_json(self) -> dict[str, Any]:
        """Return the finding as a JSON object."""
        return {
            "policy": self.policy,
            "inline": self.inline,
            "owner": {"kind": self.owner_kind, "name": self.owner_name},
            "standing": str(self.standing),
            "why": self.why,
        }


@dataclass(frozen=True, slots=True)
class RuleFinding:
    """One rule, in the order of evaluation.

    ``missing`` says which data its expressions looked for in vain; ``error`` is set for ERROR only.
    """

    rule: RuleRef
    effect: str
    truth: Truth
    missing: tuple[str, ...] = ()
    error: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the finding as a JSON object."""
        return {
            **_rule_json(self.rule),
            "effect": self.effect,
            "truth": str(self.truth),
            "missing": list(self.missing),
            "error": self.error,
        }


@dataclass(frozen=True, slots=True)
class Explanation:
    """A whole decision. Policies and rules are empty where a check ended it before them."""

    decision: Decision
    checks: tuple[CheckFinding, ...] = ()
    policies: tuple[PolicyFinding, ...] = ()
    rules: tuple[RuleFinding, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return everything as a JSON object."""
        return {
            "decision": _decision_json(self.decision),
            "checks": [check.as_json() for check in self.checks],
            "policies": [policy.as_json() for policy in self.policies],
            "rules": [rule.as_json() for rule in self.rules],
        }


def render(explanation: Explanation) -> str:
    """Return the explanation as plain text, one finding a line."""
    return "\n".join(_lines(explanation)) + "\n"


def _lines(explanation: Explanation) -> Iterator[str]:
    if explanation.checks:
        yield "checks"
    for check in explanation.checks:
        yield f"  {check.outcome:<12} {check.name}{_after(': ', check.detail)}"
    if explanation.policies:
        yield "policies"
    for policy in explanation.policies:
        owner = f"{policy.owner_kind} {policy.owner_name}"
        name = _policy_name(policy.policy, inline=policy.inline)
        yield f"  {policy.standing:<12} {name}, attached to {owner}{_after(': ', policy.why)}"
    if explanation.rules:
        yield "rules, in the order of evaluation"
    for found in explanation.rules:
        why = found.error or ", ".join(found.missing)
        yield f"  {found.truth:<12} {found.effect} {_rule_name(found.rule)}{_after(': ', why)}"
    yield f"decision: {_verdict(explanation.decision)}"


def _verdict(decision: Decision) -> str:
    match decision:
        case Allowed(rule=rule):
            by = "the Service asks for no authorization" if rule is None else _rule_name(rule)
            return f"ALLOWED: {by}"
        case Denied(reason=reason, rule=rule, detail=detail):
            by = _after(": ", "" if rule is None else _rule_name(rule))
            return f"DENIED {reason.name}{by}{_after(': ', detail)}"
    assert_never(decision)


def _after(separator: str, text: str) -> str:
    return separator + text if text else ""


def _policy_name(name: str, *, inline: bool) -> str:
    if inline:
        return f"inline policy {name}" if name else "an inline policy"
    return f"Policy {name}"


def _rule_name(rule: RuleRef) -> str:
    policy = _policy_name(rule.policy, inline=rule.inline)
    place = f"{policy} of {rule.owner_kind} {rule.owner_name}"
    return f"{rule.rule} (priority {rule.priority}) in {place}"


def _rule_json(rule: RuleRef) -> dict[str, Any]:
    return {
        "rule": rule.rule,
        "priority": rule.priority,
        "policy": rule.policy,
        "inline": rule.inline,
        "owner": {"kind": rule.owner_kind, "name": rule.owner_name},
    }


def _decision_json(decision: Decision) -> dict[str, Any]:
    rule = None if decision.rule is None else _rule_json(decision.rule)
    match decision:
        case Allowed():
            reason = Reason.TYPE_UNKNOWN_REASON if rule is None else Reason.POLICY_MATCH
            return {"isAllowed": True, "reason": reason.name, "rule": rule, "detail": ""}
        case Denied(reason=reason, detail=detail):
            return {"isAllowed": False, "reason": reason.name, "rule": rule, "detail": detail}
    assert_never(decision)
