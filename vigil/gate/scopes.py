"""Scopes of a Session: what it may be used for at all. They only narrow (data-plane.md §1.4)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from config.resources.scope import APIScope, Scope, ServiceScope
from config.resources.service import Service

_API_SERVICE: Final = "apiserver"
_API_NAME: Final = re.compile(r"octelium\.api\.main\.(?P<package>\w+)\.v1\.(?P<service>\w+)")


def is_covered(scopes: Iterable[Scope], service: Service, facts: Mapping[str, Any]) -> bool:
    """Say whether any scope covers this request. Having none at all is the caller's business."""
    called = _called(service, facts)
    return any(
        _covers_service(scope.service, service) or _covers_call(scope.api, called)
        for scope in scopes
    )


def _covers_service(scope: ServiceScope | None, service: Service) -> bool:
    if scope is None:
        return False
    if scope.filter is None:
        return scope.all is not None
    return (
        service.metadata.name in scope.filter.names
        or service.namespace_name in scope.filter.namespaces
    )


def _covers_call(scope: APIScope | None, called: tuple[str, str, str] | None) -> bool:
    if scope is None or called is None:
        return False
    if scope.filter is None:
        return scope.all is not None
    package, service, method = called
    return (
        package in scope.filter.packages
        or f"{package}.{service}" in scope.filter.services
        or f"{package}.{service}/{method}" in scope.filter.methods
    )


def _called(service: Service, facts: Mapping[str, Any]) -> tuple[str, str, str] | None:
    """Read package, service and method from a call of the Cluster's own API, and nothing else."""
    managed = service.status.managed_service
    if managed is None or managed.type != _API_SERVICE:
        return None
    grpc = facts.get("grpc")
    if not isinstance(grpc, Mapping):
        return None
    full_name, method = grpc.get("serviceFullName"), grpc.get("method")
    if not isinstance(full_name, str) or not isinstance(method, str):
        return None
    found = _API_NAME.fullmatch(full_name)
    return (found["package"], found["service"], method) if found else None
