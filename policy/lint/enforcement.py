"""Warns of enforcement rules that leave a policy out for ever, or that change nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeAlias

from config.resources.policy import Enforcement, EnforcementRule
from policy.lint.finding import Finding, Placed, enforcement_rules
from policy.lint.subjects import Subject
from policy.lint.truth import always_matches, never_matches

LINT: Final = "enforcement"
_ONLY_IF: Final = "for a policy that takes part only there, add IGNORE with matchAny: true"

_Placed: TypeAlias = tuple[Placed, EnforcementRule]


def moot_enforcement(subject: Subject) -> Iterator[Finding]:
    """Find what is wrong with the enforcement rules of a policy taken together."""
    rules: list[_Placed] = []
    for placed, rule in enforcement_rules(subject):
        if never_matches(rule.condition):
            why = f"{placed.name} never matches: its condition contradicts itself"
            yield Finding(LINT, placed.condition, why, "say when it applies, or remove it")
        else:
            rules.append((placed, rule))
    enforcing = [each for each in rules if each[1].effect is Enforcement.ENFORCE]
    ignoring = [each for each in rules if each[1].effect is Enforcement.IGNORE]
    yield from _always_ignored(subject, enforcing, ignoring)
    yield from _never_ignored(subject, enforcing, ignoring)


def _always_ignored(
    subject: Subject, enforcing: list[_Placed], ignoring: list[_Placed]
) -> Iterator[Finding]:
    certain = _certain(ignoring)
    if certain is not None and not enforcing:
        why = f"{certain.name} always matches: {subject.name} is left out of every decision"
        remedy = "add an ENFORCE rule that says where it takes part, or set isDisabled: true"
        yield Finding(LINT, certain.at, why, remedy)


def _never_ignored(
    subject: Subject, enforcing: list[_Placed], ignoring: list[_Placed]
) -> Iterator[Finding]:
    certain = _certain(enforcing)
    if certain is not None and ignoring:
        why = f"{certain.name} always matches, so that no IGNORE of {subject.name} counts"
        yield Finding(LINT, certain.at, why, "say where it is enforced, or remove it")
    elif enforcing and not ignoring:
        placed, _ = enforcing[0]
        why = (
            f"{placed.name} changes nothing: without an IGNORE that matches, "
            f"{subject.name} always takes part"
        )
        yield Finding(LINT, placed.at, why, _ONLY_IF)


def _certain(rules: list[_Placed]) -> Placed | None:
    return next((placed for placed, rule in rules if always_matches(rule.condition)), None)
