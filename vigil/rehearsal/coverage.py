"""Which conditions were seen true and which false, over all policies that may decide."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, final

from config.kinds import KINDS
from config.resources.meta import Authorization
from config.resources.policy import Condition, Policy, PolicySpec
from config.snapshot import Snapshot

_BOTH: Final = frozenset({True, False})


@dataclass(frozen=True, slots=True)
class Gap:
    """What no case has shown. ``place`` is its path in the document of ``resource``."""

    resource: str
    policy: str
    rule: str
    place: str
    what: str

    def as_json(self) -> dict[str, Any]:
        """Return the gap as a JSON object."""
        keys = ("resource", "policy", "rule", "place", "what")
        return {key: getattr(self, key) for key in keys}


@dataclass(frozen=True, slots=True)
class PolicyCoverage:
    """How much of one policy was shown: ``reached`` of ``total`` outcomes, and what was not."""

    resource: str
    policy: str
    total: int
    reached: int
    gaps: tuple[Gap, ...]

    def as_json(self) -> dict[str, Any]:
        """Return everything as a JSON object."""
        return {
            "resource": self.resource,
            "policy": self.policy,
            "total": self.total,
            "reached": self.reached,
            "gaps": [gap.as_json() for gap in self.gaps],
        }


@dataclass(frozen=True, slots=True)
class _Part:
    """A condition, or a part of one, at a path inside its rule's condition."""

    inner: str
    condition: Condition

    @property
    def wanted(self) -> frozenset[bool]:
        """What it can come to: a ``matchAny`` only ever says one thing."""
        found = self.condition.match_any
        return _BOTH if found is None else frozenset({found})


@final
class Coverage:
    """Hears what conditions come to, and knows which there are.

    Disabled policies and shadow policies decide nothing and are left out.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._seen: dict[int, set[bool]] = {}

    def note(self, condition: Condition, value: bool) -> None:  # noqa: FBT001 - a Note's signature
        """Take note of what a part of a condition came to."""
        self._seen.setdefault(id(condition), set()).add(value)

    def policies(self) -> list[PolicyCoverage]:
        """Return the coverage of each policy, in the order of declaration."""
        return [
            self._of(resource, name, spec, at)
            for resource, name, spec, at in _policies(self._snapshot)
            if not (spec.is_disabled or spec.is_shadow)
        ]

    def _of(self, resource: str, name: str, spec: PolicySpec, at: str) -> PolicyCoverage:
        total = reached = 0
        gaps: list[Gap] = []
        for rule, condition, place in _conditions(spec, at):
            parts = list(_parts(condition, ""))
            total += sum(len(part.wanted) for part in parts)
            reached += sum(len(part.wanted & self._outcomes(part)) for part in parts)
            gaps += [
                Gap(resource, name, rule, f"{place}{inner}", what)
                for inner, what in self._missing(parts)
            ]
        return PolicyCoverage(resource, name, total, reached, tuple(gaps))

    def _missing(self, parts: list[_Part]) -> Iterator[tuple[str, str]]:
        """Yield what no case has shown; of a part that was never asked, not what is in it."""
        unasked: list[str] = []
        for part in parts:
            if any(part.inner.startswith(f"{holder}.") for holder in unasked):
                continue
            where = f"{part.inner.removeprefix('.')} " if part.inner else ""
            if not self._outcomes(part):
                unasked.append(part.inner)
                yield part.inner, f"{where}was never asked"
                continue
            for value in sorted(part.wanted - self._outcomes(part)):
                yield part.inner, f"{where}was never {str(value).lower()}"

    def _outcomes(self, part: _Part) -> set[bool]:
        return self._seen.get(id(part.condition), set())


def _policies(snapshot: Snapshot) -> Iterator[tuple[str, str, PolicySpec, str]]:
    for model in KINDS.values():
        for resource in snapshot.all(model):
            label = f"{resource.kind} {resource.metadata.name}"
            if isinstance(resource, Policy):
                yield label, resource.metadata.name, resource.spec, "spec"
                continue
            authorization = getattr(getattr(resource, "spec", None), "authorization", None)
            if not isinstance(authorization, Authorization):
                continue
            for index, inline in enumerate(authorization.inline_policies):
                at = f"spec.authorization.inlinePolicies[{index}]"
                yield label, inline.name or f"inlinePolicies[{index}]", inline.spec, f"{at}.spec"


def _conditions(spec: PolicySpec, at: str) -> Iterator[tuple[str, Condition, str]]:
    for index, rule in enumerate(spec.rules):
        place = f"rules[{index}]"
        yield rule.name or place, rule.condition, f"{at}.{place}.condition"
    for index, enforcement in enumerate(spec.enforcement_rules):
        place = f"enforcementRules[{index}]"
        yield place, enforcement.condition, f"{at}.{place}.condition"


def _parts(condition: Condition, inner: str) -> Iterator[_Part]:
    branches = (("all", condition.all), ("any", condition.any), ("none", condition.none))
    yield _Part(inner, condition)
    for key, branch in branches:
        for index, child in enumerate(branch.of if branch is not None else ()):
            yield from _parts(child, f"{inner}.{key}.of[{index}]")
