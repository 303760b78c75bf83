"""Warns of rules that never decide: contradictions, and what a stronger rule always forestalls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Self, TypeAlias, final

from config.resources.cluster_config import NAME as CLUSTER
from config.resources.cluster_config import ClusterConfig
from config.resources.namespace import Namespace
from config.resources.policy import Effect, Rule
from config.resources.service import Service
from policy.lint.finding import Finding, Placed, rules
from policy.lint.subjects import Owner, Subject
from policy.lint.truth import always_matches, never_matches

NEVER_MATCHES: Final = "never-matches"
NEVER_REACHED: Final = "never-reached"
_REMEDY: Final = "say when it applies, or remove the rule"

_Rank: TypeAlias = tuple[int, bool]
_Place: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True, order=True)
class _Certain:
    """A rule that always matches; the least one decides first."""

    rank: _Rank
    name: str


@final
class Certainties:
    """The strongest rule that always matches, for everything that is attached to one resource."""

    def __init__(self, strongest: Mapping[_Place, _Certain]) -> None:
        self._strongest = strongest

    @classmethod
    def of(cls, every: Iterable[Subject]) -> Self:
        """Collect from policies that take part wherever they are attached."""
        strongest: dict[_Place, _Certain] = {}
        for subject in every:
            if not subject.may_decide or subject.spec.enforcement_rules:
                continue
            for certain in _certain(subject):
                for place in map(_place, subject.owners):
                    strongest[place] = min(strongest.get(place, certain), certain)
        return cls(strongest)

    def before(self, rule: Rule, owner: Owner) -> _Certain | None:
        """Return a rule that decides first wherever this owner's policies are asked."""
        found = (self._strongest.get(place) for place in _asked_along(owner))
        earlier = (each for each in found if each is not None and each.rank < _rank(rule))
        return min(earlier, default=None)


def unreachable(subject: Subject, certainties: Certainties) -> Iterator[Finding]:
    """Find the rules of a policy that no request can reach."""
    if subject.spec.is_disabled:
        return
    for placed, rule in rules(subject):
        if never_matches(rule.condition):
            why = f"{placed.name} never matches: its condition contradicts itself"
            yield Finding(NEVER_MATCHES, placed.condition, why, _REMEDY)
            continue
        first = _within(subject, rule) or _elsewhere(subject, rule, certainties)
        if first:
            why = f"{placed.name} is never reached: {first} always decides before it"
            remedy = (
                "give it a stronger (smaller) priority, give the other a condition, or remove it"
            )
            yield Finding(NEVER_REACHED, placed.at, why, remedy)


def _within(subject: Subject, rule: Rule) -> str:
    """Return the rule of the same policy that matches first whenever this one would."""
    is_earlier = True
    for placed, other in rules(subject):
        if other is rule:
            is_earlier = False
            continue
        is_first = _rank(other) <= _rank(rule) if is_earlier else _rank(other) < _rank(rule)
        if is_first and (other.condition == rule.condition or always_matches(other.condition)):
            return _described(placed, other)
    return ""


def _elsewhere(subject: Subject, rule: Rule, certainties: Certainties) -> str:
    found = [certainties.before(rule, owner) for owner in subject.owners]
    names = [certain.name for certain in found if certain is not None]
    return names[0] if names and len(names) == len(found) else ""


def _certain(subject: Subject) -> Iterator[_Certain]:
    for placed, rule in rules(subject):
        if always_matches(rule.condition):
            yield _Certain(_rank(rule), f"{_described(placed, rule)} of {subject.name}")


def _described(placed: Placed, rule: Rule) -> str:
    return f"{placed.name} at priority {rule.priority}"


def _rank(rule: Rule) -> _Rank:
    return rule.priority, rule.effect is Effect.ALLOW


def _place(owner: Owner) -> _Place:
    return owner.kind, owner.metadata.name


def _asked_along(owner: Owner) -> Iterator[_Place]:
    """Yield the resources whose policies are asked whenever this one's are."""
    yield _place(owner)
    yield ClusterConfig.kind, CLUSTER
    if isinstance(owner, Service):
        yield Namespace.kind, owner.namespace_name
