"""What a run of PolicyTests came to, for people and for programs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from config.policy_test import Expectation
from policy.explain import Explanation, Outcome, Truth, decision_json, rule_line, verdict
from vigil.rehearsal.coverage import Gap, PolicyCoverage
from vigil.rehearsal.trial import Trial

MAX_RULES: Final = 20
Place: TypeAlias = Callable[[str, str], str]
"""Gives ``file:line`` for a resource and a path in it."""


@dataclass(frozen=True, slots=True)
class Report:
    """Everything there is to say about a run."""

    trials: tuple[Trial, ...]
    coverage: tuple[PolicyCoverage, ...]
    place: Place

    @property
    def failures(self) -> tuple[Trial, ...]:
        """The cases that did not come to what was expected."""
        return tuple(trial for trial in self.trials if not trial.is_passed)

    def as_json(self) -> dict[str, Any]:
        """Return everything as a JSON object."""
        return {
            "passed": len(self.trials) - len(self.failures),
            "failed": len(self.failures),
            "cases": [_trial_json(trial) for trial in self.trials],
            "coverage": [self._coverage_json(policy) for policy in self.coverage],
        }

    def lines(self) -> Iterator[str]:
        """Yield the text, one finding a line."""
        for trial in self.trials:
            mark = "ok  " if trial.is_passed else "FAIL"
            yield f"{mark} {trial.placed.test}: {trial.placed.case.name}"
            if not trial.is_passed:
                yield from (f"     {line}" for line in failure(trial))
        yield from self._coverage_lines()
        yield f"{len(self.trials) - len(self.failures)} passed, {len(self.failures)} failed"

    def _coverage_lines(self) -> Iterator[str]:
        total = sum(policy.total for policy in self.coverage)
        reached = sum(policy.reached for policy in self.coverage)
        yield f"coverage: {reached} of {total} outcomes of conditions"
        for policy in self.coverage:
            for gap in policy.gaps:
                yield f"  {self._where(gap)}: {_gap(gap)}"

    def _coverage_json(self, policy: PolicyCoverage) -> dict[str, Any]:
        shown = policy.as_json()
        for gap, found in zip(shown["gaps"], policy.gaps, strict=True):
            gap["at"] = self._where(found)
        return shown

    def _where(self, gap: Gap) -> str:
        return self.place(gap.resource, gap.place)


def failure(trial: Trial) -> Iterator[str]:
    """Yield what a person needs to know about a case that failed."""
    found = trial.explanation
    yield f"at        {trial.placed.document.file}:{trial.placed.line}"
    yield f"expected  {_expected(trial.placed.case.expect)}"
    yield f"got       {verdict(found.decision)}"
    for check in found.checks:
        if check.outcome is Outcome.DENIED:
            yield f"refused by the check: {check.name}"
    asked = [rule for rule in found.rules if rule.truth is not Truth.NOT_REACHED]
    if asked:
        yield "rules that were asked"
    yield from map(rule_line, asked[:MAX_RULES])
    if len(asked) > MAX_RULES:
        yield f"  and {len(asked) - MAX_RULES} more: vigil explain shows them"
    yield from _about_expected(trial.placed.case.expect, found)


def _about_expected(expect: Expectation, found: Explanation) -> Iterator[str]:
    """Say what became of the rule that should have decided, where that is not on the list."""
    if not expect.rule:
        return
    named = [rule for rule in found.rules if rule.rule.rule == expect.rule]
    if not named:
        yield f"no rule {expect.rule} is attached for this caller at this Service"
    elif all(rule.truth is Truth.NOT_REACHED for rule in named):
        yield f"rule {expect.rule} was not asked: another decided before it"


def _expected(expect: Expectation) -> str:
    reason = f" {expect.reason}" if expect.reason else ""
    rule = f" by rule {expect.rule}" if expect.rule else ""
    return f"{expect.effect}{reason}{rule}"


def _gap(gap: Gap) -> str:
    policy = f"policy {gap.policy} of " if not gap.resource.startswith("Policy ") else ""
    return f"{policy}{gap.resource}: rule {gap.rule}: {gap.what}"


def _trial_json(trial: Trial) -> dict[str, Any]:
    placed, found = trial.placed, trial.explanation
    expect = placed.case.expect
    given = {"effect": str(expect.effect), "reason": expect.reason, "rule": expect.rule}
    return {
        "test": placed.test,
        "name": placed.case.name,
        "file": placed.document.file,
        "line": placed.line,
        "isPassed": trial.is_passed,
        "wrong": list(trial.wrong),
        "expected": {key: value for key, value in given.items() if value},
        "got": decision_json(found.decision),
        "rules": [rule.as_json() for rule in found.rules if rule.truth is not Truth.NOT_REACHED],
        "seconds": round(trial.seconds, 6),
    }
