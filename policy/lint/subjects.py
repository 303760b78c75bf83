"""The policies of a Snapshot, each with where it is attached and whom it therefore concerns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, TypeAlias, final

from config.resources.cluster_config import ClusterConfig
from config.resources.credential import Credential
from config.resources.device import Device
from config.resources.group import Group
from config.resources.meta import Resource
from config.resources.mode import Mode
from config.resources.namespace import Namespace
from config.resources.policy import Policy, PolicySpec
from config.resources.service import Service
from config.resources.session import Session
from config.resources.user import User
from config.snapshot import Snapshot
from policy.compiler import with_parents
from policy.lint.guards import Facts
from policy.schema.fields import Path
from policy.schema.requests import KEY_OF

Owner: TypeAlias = (
    ClusterConfig | Namespace | Service | User | Group | Session | Device | Credential
)

_OWNER_KINDS: Final[tuple[type[Owner], ...]] = (
    Namespace,
    Service,
    User,
    Group,
    Session,
    Device,
    Credential,
)
_CALLER: Final[Facts] = frozenset({("ctx", "user"), ("ctx", "session"), ("ctx", "groups")})
# Nobody's Session and nobody's Device are refused before any policy is asked.
_ALWAYS: Final[Facts] = frozenset(
    {
        ("ctx", "request"),
        ("ctx", "session", "status", "userRef"),
        ("ctx", "device", "status", "userRef"),
    }
)


@final
@dataclass(frozen=True, eq=False)
class Subject:
    """A Policy, or a policy written inline, and everything it is attached to."""

    resource: Resource
    at: str
    spec: PolicySpec
    owners: tuple[Owner, ...]
    services: tuple[Service, ...]

    @property
    def name(self) -> str:
        """How people call it."""
        inline = "" if isinstance(self.resource, Policy) else "an inline policy of "
        return f"{inline}{self.resource.kind} {self.resource.metadata.name}"

    @property
    def may_decide(self) -> bool:
        """Whether its rules count; those of a shadow policy are only watched."""
        return not (self.spec.is_disabled or self.spec.is_shadow)

    @cached_property
    def modes(self) -> frozenset[Mode]:
        """Return the modes of the Services it is attached to, directly or by Namespace.

        Empty where it concerns all that there are or will be.
        """
        if not all(isinstance(owner, Service | Namespace) for owner in self.owners):
            return frozenset()
        return frozenset(service.spec.mode for service in self.services)

    @cached_property
    def known(self) -> Facts:
        """Return the optional paths that are there in every request the policy is asked about."""
        known: set[Path] = {("ctx", "request", key) for key in self._known_modes()}
        known.update(_declared(("attrs",), self.spec.attrs))
        if not self._may_be_anonymous:
            known.update(_CALLER)
        if self.owners and all(isinstance(owner, Device) for owner in self.owners):
            known.add(("ctx", "device"))
        return _ALWAYS | known

    def _known_modes(self) -> Iterator[str]:
        keys = {KEY_OF.get(service.spec.mode) for service in self.services}
        for key in set(KEY_OF.values()):
            is_misplaced = bool(self.modes) and key not in keys  # which is a warning of its own
            if not keys or keys == {key} or is_misplaced:
                yield key

    @property
    def _may_be_anonymous(self) -> bool:
        if not any(isinstance(owner, Service | Namespace | ClusterConfig) for owner in self.owners):
            return False
        asked = (service.spec.authorization for service in self.services)
        return any(each is not None and each.enable_anonymous for each in asked)


def _declared(path: Path, value: Any) -> Iterator[Path]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield (*path, key)
            yield from _declared((*path, key), item)


def subjects(snapshot: Snapshot) -> list[Subject]:
    """Return every policy of a Snapshot, in the order of declaration."""
    return [*_Collector(snapshot).subjects()]


class _Collector:
    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._services = snapshot.all(Service)
        self._by_namespace: dict[str, list[Service]] = {}
        for service in self._services:
            self._by_namespace.setdefault(service.namespace_name, []).append(service)

    def subjects(self) -> Iterator[Subject]:
        owners = list(self._owners())
        by_policy = _owners_by_policy(owners)
        for policy in self._snapshot.all(Policy):
            attached = by_policy.get(policy.metadata.name, {}).values()
            yield self._subject(policy, "spec", policy.spec, attached)
        for owner in owners:
            if owner.spec.authorization is not None:
                for index, inline in enumerate(owner.spec.authorization.inline_policies):
                    at = f"spec.authorization.inlinePolicies[{index}].spec"
                    yield self._subject(owner, at, inline.spec, [owner])

    def _owners(self) -> Iterator[Owner]:
        yield self._snapshot.cluster_config
        for kind in _OWNER_KINDS:
            yield from self._snapshot.all(kind)

    def _subject(
        self, resource: Resource, at: str, spec: PolicySpec, owners: Iterable[Owner]
    ) -> Subject:
        attached = tuple(owners)
        services = {
            service.metadata.name: service for owner in attached for service in self._of(owner)
        }
        return Subject(resource, at, spec, attached, tuple(services.values()))

    def _of(self, owner: Owner) -> Iterable[Service]:
        match owner:
            case Service():
                return [owner]
            case Namespace():
                return self._by_namespace.get(owner.metadata.name, [])
            case _:
                return self._services


def _owners_by_policy(owners: Iterable[Owner]) -> Mapping[str, Mapping[int, Owner]]:
    found: dict[str, dict[int, Owner]] = {}
    for owner in owners:
        if owner.spec.authorization is not None:
            for attached in owner.spec.authorization.policies:
                for name in with_parents(attached):
                    found.setdefault(name, {})[id(owner)] = owner
    return found
