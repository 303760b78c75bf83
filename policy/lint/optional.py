"""Warns of a DENY rule or a ``not`` that reads what may be absent: it then fails to deny."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from config.resources.policy import Effect, Rule
from policy.lint.finding import Finding, Placed, enforcement_rules, rules
from policy.lint.guards import Facts, Unguarded, unguarded, united
from policy.lint.leaves import Leaf, implied_by, leaves
from policy.lint.subjects import Subject
from policy.schema.fields import Path
from policy.schema.paths import parsed
from policy.schema.requests import KEY_OF

LINT: Final = "optional-path"
_NOBODY: Final = "which an anonymous caller does not have"
_WHY_ABSENT: Final[Mapping[Path, str]] = {
    ("ctx", "device"): "which a caller without a Device does not have",
    ("ctx", "user"): _NOBODY,
    ("ctx", "session"): _NOBODY,
    ("ctx", "groups"): _NOBODY,
    ("ctx", "session", "status", "connection"): "which is there only while a tunnel is up",
    **{("ctx", "request", key): "which other modes do not have" for key in KEY_OF.values()},
}


def optional_paths(subject: Subject) -> Iterator[Finding]:
    """Find what is read unguarded where its absence may go unnoticed in favour of the caller."""
    denied = list(_denied_absences(subject))
    for placed, rule in rules(subject):
        known = subject.known | _denied_before(rule, denied)
        for leaf in leaves(rule.condition, placed.condition, known):
            if rule.effect is Effect.DENY or leaf.is_not or leaf.is_inverted:
                yield from _findings(leaf, placed)
    for placed, enforcement in enforcement_rules(subject):
        for leaf in leaves(enforcement.condition, placed.condition, subject.known):
            if leaf.is_not or leaf.is_inverted:
                yield from _findings(leaf, placed)


def _denied_absences(subject: Subject) -> Iterator[tuple[Rule, Facts]]:
    """Yield each DENY rule with the paths whose absence it refuses."""
    for rule in subject.spec.rules:
        if rule.effect is Effect.DENY and (facts := implied_by(rule.condition, truth=False)):
            yield rule, facts


def _denied_before(rule: Rule, denied: Iterable[tuple[Rule, Facts]]) -> Facts:
    """Return the paths whose absence another rule refuses, so that this one need not."""
    return united(
        [facts for other, facts in denied if other is not rule and other.priority <= rule.priority]
    )


def _findings(leaf: Leaf, placed: Placed) -> Iterator[Finding]:
    root = parsed(leaf.text)
    if root is None:
        return
    outcome = '"not" matches' if leaf.is_not else '"match" does not match'
    for read in {read.path: read for read in unguarded(root, leaf.known)}.values():
        why = (
            f"{placed.name} reads {read.spelling}, {_why_absent(read.path)}, without asking "
            f"for it first: where it is absent, this {outcome}"
        )
        yield Finding(LINT, leaf.at, why, _remedy(read))


def _why_absent(path: Path) -> str:
    if path[0] == "attrs":
        return "which the policy's attrs do not hold"
    return _WHY_ABSENT.get(path, "which may be absent")


def _remedy(read: Unguarded) -> str:
    guard = read.guard
    denied = f"!{guard}" if guard.startswith("has(") else f"!({guard})"
    return f"write {guard} && … to take absence for false, {denied} || … to take it for true"
