"""Two explanations of one question side by side: what a change of policies would change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from policy.explain import Explanation, Outcome, decision_json, rule_name, verdict

_Named: TypeAlias = tuple[tuple[str, str], ...]
"""What each check, policy or rule came to, under its name."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One finding that is not the same; it is empty on the side where there is none."""

    about: str
    name: str
    before: str
    after: str

    def as_json(self) -> dict[str, str]:
        """Return the difference as a JSON object."""
        return {
            "about": self.about,
            "name": self.name,
            "before": self.before,
            "after": self.after,
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """The same question, asked before and after a change."""

    before: Explanation
    after: Explanation

    @property
    def is_other_answer(self) -> bool:
        """Whether the request would be allowed where it is refused, or the other way round."""
        return type(self.before.decision) is not type(self.after.decision)

    def differences(self) -> tuple[Difference, ...]:
        """Return every check, policy and rule that would come to something else."""
        sides = (self.before, self.after)
        checks = tuple(_differing("check", *map(_checks, sides)))
        if any(check.outcome is Outcome.DENIED for side in sides for check in side.checks):
            return checks  # policies are not asked after a check that fails
        policies = _differing("policy", *map(_policies, sides))
        return (*checks, *policies, *_differing("rule", *map(_rules, sides)))

    def as_json(self) -> dict[str, Any]:
        """Return the difference, and both explanations, as a JSON object."""
        before, after = self.before.decision, self.after.decision
        return {
            "isOtherAnswer": self.is_other_answer,
            "isOtherDecision": decision_json(before) != decision_json(after),
            "decision": {"before": decision_json(before), "after": decision_json(after)},
            "differences": [each.as_json() for each in self.differences()],
            "before": self.before.as_json(),
            "after": self.after.as_json(),
        }

    def lines(self) -> Iterator[str]:
        """Yield the difference as text."""
        found = self.differences()
        for each in found:
            change = f"{each.before or 'not there'} -> {each.after or 'not there'}"
            yield f"{each.about:<7} {each.name}: {change}"
        before, after = verdict(self.before.decision), verdict(self.after.decision)
        yield f"before  {before}"
        yield f"after   {after}"
        if self.is_other_answer:
            yield "the answer would change"
        elif before != after:
            yield "the answer would be the same, decided otherwise"
        else:
            yield "the decision would be the same" if found else "nothing would change"


def _checks(explanation: Explanation) -> _Named:
    return tuple((check.name, str(check.outcome)) for check in explanation.checks)


def _policies(explanation: Explanation) -> _Named:
    return tuple(
        (
            f"{policy.policy or 'an inline policy'} of {policy.owner_kind} {policy.owner_name}",
            str(policy.standing),
        )
        for policy in explanation.policies
    )


def _rules(explanation: Explanation) -> _Named:
    return tuple(
        (rule_name(found.rule), f"{found.effect} {found.truth}") for found in explanation.rules
    )


def _differing(about: str, before: _Named, after: _Named) -> Iterator[Difference]:
    known, fresh = _numbered(before), _numbered(after)
    for name in {**known, **fresh}:
        was, would_be = known.get(name, ""), fresh.get(name, "")
        if was != would_be:
            yield Difference(about, name[0], was, would_be)


def _numbered(named: _Named) -> dict[tuple[str, int], str]:
    """Tell apart what has the same name: inline policies may be called alike."""
    counts: dict[str, int] = {}
    numbered: dict[tuple[str, int], str] = {}
    for name, value in named:
        counts[name] = counts.get(name, 0) + 1
        numbered[name, counts[name]] = value
    return numbered
