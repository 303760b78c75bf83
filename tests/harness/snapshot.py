"""Snapshots of a few built resources."""

from __future__ import annotations

from typing import TypeVar
from uuid import NAMESPACE_URL, uuid5

from config.resources.cluster_config import ClusterConfig
from config.resources.meta import Resource
from config.resources.namespace import Namespace
from config.resources.session import Authentication, Session
from config.snapshot import Snapshot
from tests.harness.builders import a_cluster_config, a_namespace

_R = TypeVar("_R", bound=Resource)


def a_snapshot(*resources: Resource, revision: int = 1) -> Snapshot:
    """Return a Snapshot of the resources, with what must exist added where it was not given."""
    given = list(resources)
    if not any(isinstance(resource, ClusterConfig) for resource in given):
        given.append(a_cluster_config())
    namespaces = {known.metadata.name for known in given if isinstance(known, Namespace)}
    if "default" not in namespaces:
        given.append(a_namespace())
    return Snapshot.of([_stored(resource) for resource in given], revision)


def an_id(*parts: str) -> str:
    """Return a UUID that is always the same for the same parts."""
    return str(uuid5(NAMESPACE_URL, "/".join(parts)))


def _stored(resource: _R) -> _R:
    """Give a resource the identifiers that storing it would."""
    uid = resource.metadata.uid or an_id(resource.kind, resource.metadata.name)
    metadata = resource.metadata.model_copy(update={"uid": uid})
    stored = resource.model_copy(update={"metadata": metadata})
    return _with_token(stored) if isinstance(stored, Session) else stored


def _with_token(session: Session) -> Session:
    authentication = session.status.authentication or Authentication()
    token_id = authentication.token_id or an_id("token", session.metadata.name)
    authentication = authentication.model_copy(update={"token_id": token_id})
    status = session.status.model_copy(update={"authentication": authentication})
    return session.model_copy(update={"status": status})
