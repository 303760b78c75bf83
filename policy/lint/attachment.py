"""Warns of policies attached nowhere or in the wrong place, and of an ALLOW above its station."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Self, TypeAlias, final

from config.resources.cluster_config import ClusterConfig
from config.resources.mode import Mode
from config.resources.namespace import Namespace
from config.resources.policy import Effect, Policy, Rule
from policy.lint.finding import Finding, expressions, rules
from policy.lint.subjects import Owner, Subject
from policy.lint.truth import always_matches, never_matches
from policy.schema.paths import parsed, path_of, walk
from policy.schema.requests import KEY_OF

UNATTACHED: Final = "unattached"
OTHER_MODE: Final = "other-mode"
OUTRANKS: Final = "outranks-deny"
_WEAKEST: Final = 4

_Guard: TypeAlias = tuple[Rule, str]


def unattached(subject: Subject) -> Iterator[Finding]:
    """Find a Policy that takes part in no decision."""
    if not subject.owners and isinstance(subject.resource, Policy):
        if subject.spec.is_disabled:
            return
        why = f"{subject.name} is attached to nothing: no decision asks it"
        name = subject.resource.metadata.name
        remedy = f"name it where it shall count: spec.authorization.policies: [{name}]"
        yield Finding(UNATTACHED, "metadata.name", why, remedy)


def other_modes(subject: Subject) -> Iterator[Finding]:
    """Find expressions about requests of a mode that no Service concerned has."""
    if not subject.modes:
        return
    present = {KEY_OF[mode] for mode in subject.modes if mode in KEY_OF}
    served = ", ".join(sorted(subject.modes))
    for placed, leaf in expressions(subject):
        for key in sorted(_request_keys(leaf.text) - present):
            why = (
                f"{placed.name} reads ctx.request.{key}, but {subject.name} is attached only to "
                f"Services of mode {served}"
            )
            fitting = " or ".join(mode for mode in Mode if KEY_OF.get(mode) == key)
            remedy = f"attach it to Services of mode {fitting}, or ask for what these have"
            yield Finding(OTHER_MODE, leaf.at, why, remedy)


def _request_keys(text: str) -> set[str]:
    root = parsed(text)
    if root is None:
        return set()
    paths = (path_of(node, scope) for node, scope in walk(root))
    return {
        path[2]
        for path in paths
        if path is not None and path[:2] == ("ctx", "request") and len(path) > 2
    } & set(KEY_OF.values())


@final
class CentralDenials:
    """The DENY rules of the ClusterConfig and of Namespaces, the weakest of each first."""

    def __init__(self, cluster: _Guard | None, namespaces: dict[str, _Guard]) -> None:
        self._cluster = cluster
        self._namespaces = namespaces

    @classmethod
    def of(cls, every: list[Subject]) -> Self:
        """Collect them; a denial of everything at the weakest priority is there to be outranked."""
        cluster: list[_Guard] = []
        namespaces: dict[str, list[_Guard]] = {}
        for subject in every:
            for owner in subject.owners:
                if isinstance(owner, ClusterConfig):
                    cluster += _denials(subject, owner)
                elif isinstance(owner, Namespace):
                    known = namespaces.setdefault(owner.metadata.name, [])
                    known += _denials(subject, owner)
        weakest = {name: guard for name, known in namespaces.items() if (guard := _weakest(known))}
        return cls(_weakest(cluster), weakest)

    def outranked(self, subject: Subject) -> Iterator[Finding]:
        """Find the ALLOW rules of a policy that decide before a central DENY is asked."""
        guards = list(self._over(subject))
        if not guards or subject.spec.is_disabled:
            return
        denial, name = max(guards, key=lambda guard: guard[0].priority)
        for placed, rule in rules(subject):
            is_stronger = rule.effect is Effect.ALLOW and rule.priority < denial.priority
            if is_stronger and not never_matches(rule.condition):
                why = (
                    f"{placed.name} at priority {rule.priority} is asked before {name} at priority "
                    f"{denial.priority}: what it allows, that cannot deny"
                )
                remedy = (
                    f"give the DENY priority {rule.priority} or the ALLOW {denial.priority}, "
                    "unless this is meant"
                )
                yield Finding(OUTRANKS, placed.at, why, remedy)

    def _over(self, subject: Subject) -> Iterator[_Guard]:
        """Yield the denials that concern a policy which their owners did not attach themselves."""
        if any(isinstance(owner, ClusterConfig) for owner in subject.owners):
            return
        if self._cluster is not None and subject.owners:
            yield self._cluster
        own = {owner.metadata.name for owner in subject.owners if isinstance(owner, Namespace)}
        for name in {service.namespace_name for service in subject.services} - own:
            if name in self._namespaces:
                yield self._namespaces[name]


def _denials(subject: Subject, owner: Owner) -> Iterator[_Guard]:
    if not subject.may_decide:
        return
    for placed, rule in rules(subject):
        if rule.effect is not Effect.DENY or never_matches(rule.condition):
            continue
        if rule.priority == _WEAKEST and always_matches(rule.condition):
            continue
        yield rule, f"{placed.name} of {owner.kind} {owner.metadata.name}"


def _weakest(guards: list[_Guard]) -> _Guard | None:
    return max(guards, key=lambda guard: guard[0].priority, default=None)
