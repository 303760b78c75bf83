"""All declared resources at one revision: immutable, indexed, with references resolved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Self, TypeVar

from config.errors import ConfigError, Problem
from config.names import full_service_name
from config.resources.cluster_config import ClusterConfig, ClusterConfigSpec
from config.resources.device import Device
from config.resources.meta import API_VERSION, ObjectReference, Resource
from config.resources.namespace import Namespace
from config.resources.service import Service
from config.resources.session import Session

_Kind = TypeVar("_Kind", bound=Resource)
_ByKind = Mapping[str, Mapping[str, Resource]]

_REFERENCES: Final = {"user_ref": "User", "device_ref": "Device", "credential_ref": "Credential"}


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """What is declared. Replaced whole, never changed, so a reader who holds one sees one state."""

    revision: int
    cluster_config: ClusterConfig
    _by_name: _ByKind = field(repr=False)
    _by_uid: _ByKind = field(repr=False)

    @classmethod
    def of(cls, resources: Iterable[Resource], revision: int = 1) -> Self:
        """Index resources; a later revision has a larger number. Raise ConfigError on twins."""
        by_name = _indexed(resources)
        resolved = {
            kind: MappingProxyType({name: _resolved(each, by_name) for name, each in named.items()})
            for kind, named in by_name.items()
        }
        by_uid = {
            kind: MappingProxyType(
                {each.metadata.uid: each for each in named.values() if each.metadata.uid}
            )
            for kind, named in resolved.items()
        }
        declared = next(iter(resolved.get(ClusterConfig.kind, {}).values()), None)
        settings = declared if isinstance(declared, ClusterConfig) else _UNDECLARED
        return cls(revision, settings, MappingProxyType(resolved), MappingProxyType(by_uid))

    def get(self, kind: type[_Kind], name: str) -> _Kind | None:
        """Return the resource of this name; ``web`` finds the Service ``web.default``."""
        stored = full_service_name(name) if kind is Service else name
        return _as(kind, self._by_name.get(kind.kind, {}).get(stored))

    def by_uid(self, kind: type[_Kind], uid: str) -> _Kind | None:
        """Return the resource with this uid."""
        return _as(kind, self._by_uid.get(kind.kind, {}).get(uid))

    def all(self, kind: type[_Kind]) -> tuple[_Kind, ...]:
        """Return every resource of a kind, in the order of declaration."""
        named = self._by_name.get(kind.kind, {}).values()
        return tuple(each for each in named if isinstance(each, kind))

    def namespace(self, name: str) -> Namespace | None:
        """Return the Namespace of this name."""
        return self.get(Namespace, name)


_UNDECLARED: Final = ClusterConfig(spec=ClusterConfigSpec())


def _as(kind: type[_Kind], found: Resource | None) -> _Kind | None:
    return found if isinstance(found, kind) else None


def _indexed(resources: Iterable[Resource]) -> dict[str, dict[str, Resource]]:
    by_name: dict[str, dict[str, Resource]] = {}
    problems: list[Problem] = []
    for each in resources:
        named = by_name.setdefault(each.kind, {})
        if each.metadata.name in named:
            message = f'{each.kind} "{each.metadata.name}" is declared twice'
            problems.append(Problem("", 0, "metadata.name", message))
        named[each.metadata.name] = each
    if problems:
        raise ConfigError(problems)
    return by_name


def _resolved(resource: Resource, by_name: Mapping[str, Mapping[str, Resource]]) -> Resource:
    """Fill in what a Session's or Device's references leave out, where their targets say it."""
    if not isinstance(resource, Session | Device):
        return resource
    filled = {
        name: _filled(reference, by_name.get(kind, {}))
        for name, kind in _REFERENCES.items()
        if (reference := getattr(resource.status, name, None)) is not None
    }
    status = resource.status.model_copy(update=filled)
    return resource.model_copy(update={"status": status})


def _filled(reference: ObjectReference, named: Mapping[str, Resource]) -> ObjectReference:
    target = named.get(reference.name)
    if target is None and reference.uid:
        found = (each for each in named.values() if each.metadata.uid == reference.uid)
        target = next(found, None)
    if target is None:
        return reference
    return reference.model_copy(
        update={
            "api_version": API_VERSION,
            "kind": target.kind,
            "name": target.metadata.name,
            "uid": reference.uid or target.metadata.uid,
        }
    )
