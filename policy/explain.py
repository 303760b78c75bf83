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
    SHADOW = "shadow"
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
            **rule_json(self.rule),
            "effect": self.effect,
            "truth": str(self.truth),
            "missing": list(self.missing),
            "error": self.error,
        }


@dataclass(frozen=True, slots=True)
class Explanation:
    """A whole decision. Policies and rules are empty where a check ended it before them.

    ``shadow`` is what it would be if shadow policies were real; None where none is attached.
    """

    decision: Decision
    checks: tuple[CheckFinding, ...] = ()
    policies: tuple[PolicyFinding, ...] = ()
    rules: tuple[RuleFinding, ...] = ()
    shadow: Explanation | None = None

    def as_json(self) -> dict[str, Any]:
        """Return everything as a JSON object."""
        shown: dict[str, Any] = {
            "decision": decision_json(self.decision),
            "checks": [check.as_json() for check in self.checks],
            "policies": [policy.as_json() for policy in self.policies],
            "rules": [rule.as_json() for rule in self.rules],
        }
        if self.shadow is not None:
            decision = decision_json(self.shadow.decision)
            rules = [rule.as_json() for rule in self.shadow.rules]
            shown["shadow"] = {"decision": decision, "rules": rules}
        return shown


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
    yield from map(rule_line, explanation.rules)
    yield f"decision: {verdict(explanation.decision)}"
    if explanation.shadow is not None:
        yield "rules, if the shadow policies were real"
        yield from map(rule_line, explanation.shadow.rules)
        yield f"decision would be: {verdict(explanation.shadow.decision)}"


def rule_line(found: RuleFinding) -> str:
    """Return one finding as a line of text."""
    why = found.error or ", ".join(found.missing)
    return f"  {found.truth:<12} {found.effect} {rule_name(found.rule)}{_after(': ', why)}"


def verdict(decision: Decision) -> str:
    """Return a decision in words."""
    match decision:
        case Allowed(rule=rule):
            by = "the Service asks for no authorization" if rule is None else rule_name(rule)
            return f"ALLOWED: {by}"
        case Denied(reason=reason, rule=rule, detail=detail):
            by = _after(": ", "" if rule is None else rule_name(rule))
            return f"DENIED {reason.name}{by}{_after(': ', detail)}"
    assert_never(decision)


def _after(separator: str, text: str) -> str:
    return separator + text if text else ""


def _policy_name(name: str, *, inline: bool) -> str:
    if inline:
        return f"inline policy {name}" if name else "an inline policy"
    return f"Policy {name}"


def rule_name(rule: RuleRef) -> str:
    """Return which rule it is, in words."""
    policy = _policy_name(rule.policy, inline=rule.inline)
    place = f"{policy} of {rule.owner_kind} {rule.owner_name}"
    return f"{rule.rule} (priority {rule.priority}) in {place}"


def rule_json(rule: RuleRef) -> dict[str, Any]:
    """Return which rule it is, as a JSON object."""
    return {
        "rule": rule.rule,
        "priority": rule.priority,
        "policy": rule.policy,
        "inline": rule.inline,
        "owner": {"kind": rule.owner_kind, "name": rule.owner_name},
    }


def decision_json(decision: Decision) -> dict[str, Any]:
    """Return a decision as a JSON object."""
    rule = None if decision.rule is None else rule_json(decision.rule)
    match decision:
        case Allowed():
            reason = Reason.TYPE_UNKNOWN_REASON if rule is None else Reason.POLICY_MATCH
            return {"isAllowed": True, "reason": reason.name, "rule": rule, "detail": ""}
        case Denied(reason=reason, detail=detail):
            return {"isAllowed": False, "reason": reason.name, "rule": rule, "detail": detail}
    assert_never(decision)
