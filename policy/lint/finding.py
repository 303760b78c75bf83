"""What a lint says about one place, and the places there are in a policy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from config.errors import Problem, Severity
from config.resources.policy import EnforcementRule, Rule
from policy.lint.leaves import Leaf, leaves
from policy.lint.subjects import Subject


@dataclass(frozen=True, slots=True)
class Finding:
    """``lint`` is the lint's own name; ``at`` is relative to the resource."""

    lint: str
    at: str
    why: str
    remedy: str

    def problem(self, subject: Subject) -> Problem:
        """Return the warning; the resource stands in the place of the file."""
        file = f"{subject.resource.kind} {subject.resource.metadata.name}"
        return Problem(file, 0, self.at, self.why, f"{self.remedy} ({self.lint})", Severity.WARNING)


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a rule or an enforcement rule stands, and what people call it."""

    at: str
    name: str

    @property
    def condition(self) -> str:
        """The path of its condition."""
        return f"{self.at}.condition"


def rules(subject: Subject) -> Iterator[tuple[Placed, Rule]]:
    """Yield the rules of a policy with their places."""
    for index, rule in enumerate(subject.spec.rules):
        called = f'rule "{rule.name}"' if rule.name else f"rules[{index}]"
        yield Placed(f"{subject.at}.rules[{index}]", f"{rule.effect} {called}"), rule


def enforcement_rules(subject: Subject) -> Iterator[tuple[Placed, EnforcementRule]]:
    """Yield the enforcement rules of a policy with their places."""
    for index, rule in enumerate(subject.spec.enforcement_rules):
        called = f"enforcementRules[{index}]"
        yield Placed(f"{subject.at}.{called}", f"{rule.effect} {called}"), rule


def expressions(subject: Subject) -> Iterator[tuple[Placed, Leaf]]:
    """Yield every expression of a policy with the rule it belongs to."""
    for placed, rule in rules(subject):
        yield from ((placed, leaf) for leaf in leaves(rule.condition, placed.condition))
    for placed, enforcement in enforcement_rules(subject):
        yield from ((placed, leaf) for leaf in leaves(enforcement.condition, placed.condition))
