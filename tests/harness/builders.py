"""Resources for tests: each builder decodes a sensible document, with the given keys laid over it.

Keywords are the camelCase keys of ``spec`` (``a_user(isDisabled=True)``); ``name``, ``metadata``
and ``status`` are what they say. A builder raises ConfigError where the document is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from config.decode import decode
from config.errors import ConfigError
from config.resources.authenticator import Authenticator
from config.resources.cluster_config import ClusterConfig
from config.resources.credential import Credential
from config.resources.device import Device
from config.resources.gateway import Gateway
from config.resources.group import Group
from config.resources.identity_provider import IdentityProvider
from config.resources.meta import Resource
from config.resources.namespace import Namespace
from config.resources.policy import Policy
from config.resources.region import Region
from config.resources.secret import Secret
from config.resources.service import Service
from config.resources.session import Session
from config.resources.user import User

_R = TypeVar("_R", bound=Resource)
_CONFIG_KEYS = {"WEB": "http", "GRPC": "http", "RDP_WEB": "rdp"}
_NEEDS_PASSWORD = {"POSTGRES", "MYSQL"}


def a_service(
    mode: str = "HTTP",
    upstream: str | None = None,
    *,
    name: str = "web",
    options: dict[str, Any] | None = None,
    metadata: dict[str, Any] | None = None,
    status: dict[str, Any] | None = None,
    **spec: Any,
) -> Service:
    """Build a Service; ``options`` is the part of the configuration that belongs to the mode."""
    document = {"mode": mode} | spec
    if "config" not in spec:
        document["config"] = _service_config(mode, upstream, options)
    return _build(Service, name, document, metadata, status)


def _service_config(
    mode: str, upstream: str | None, options: dict[str, Any] | None
) -> dict[str, Any]:
    scheme = "http" if mode in {"HTTP", "WEB", "GRPC", "MCP", "LLM"} else mode.lower()
    config: dict[str, Any] = {"upstream": {"url": upstream or f"{scheme}://127.0.0.1:9"}}
    if options is None and mode in _NEEDS_PASSWORD:
        options = {"auth": {"password": {"fromSecret": "password"}}}
    if options is not None:
        config[_CONFIG_KEYS.get(mode, mode.lower())] = options
    return config


def a_user(
    name: str = "alice",
    *,
    metadata: dict[str, Any] | None = None,
    status: dict[str, Any] | None = None,
    **spec: Any,
) -> User:
    """Build a User, HUMAN unless told otherwise."""
    return _build(User, name, {"type": "HUMAN"} | spec, metadata, status)


def a_group(name: str = "sre", *, metadata: dict[str, Any] | None = None, **spec: Any) -> Group:
    """Build a Group."""
    return _build(Group, name, spec, metadata)


def a_namespace(
    name: str = "default", *, metadata: dict[str, Any] | None = None, **spec: Any
) -> Namespace:
    """Build a Namespace."""
    return _build(Namespace, name, spec, metadata)


def a_session(
    name: str = "alice-laptop",
    *,
    user: str = "alice",
    device: str = "",
    metadata: dict[str, Any] | None = None,
    status: dict[str, Any] | None = None,
    **spec: Any,
) -> Session:
    """Build an ACTIVE CLIENT Session of ``user``, with a Device where one is named."""
    known: dict[str, Any] = {"type": "CLIENT", "userRef": {"name": user}}
    if device:
        known["deviceRef"] = {"name": device}
    return _build(Session, name, {"state": "ACTIVE"} | spec, metadata, known | (status or {}))


def a_device(
    name: str = "linux-alicebox",
    *,
    user: str = "alice",
    os: str = "LINUX",
    metadata: dict[str, Any] | None = None,
    status: dict[str, Any] | None = None,
    **spec: Any,
) -> Device:
    """Build an ACTIVE Device of ``user``."""
    known = {"userRef": {"name": user}, "osType": os}
    return _build(Device, name, {"state": "ACTIVE"} | spec, metadata, known | (status or {}))


def a_policy(
    name: str = "allow-all",
    *rules: dict[str, Any],
    metadata: dict[str, Any] | None = None,
    **spec: Any,
) -> Policy:
    """Build a Policy of these rules, or one that allows everything."""
    return _build(Policy, name, {"rules": list(rules) or [a_rule()]} | spec, metadata)


def a_rule(effect: str = "ALLOW", match: str | None = None, **rule: Any) -> dict[str, Any]:
    """Build a rule's document; without ``match`` or ``condition`` it matches anything."""
    condition = {"matchAny": True} if match is None else {"match": match}
    return {"effect": effect, "condition": condition} | rule


def inline(*rules: dict[str, Any], name: str = "", **spec: Any) -> dict[str, Any]:
    """Build the document of an authorization block with one inline policy of these rules."""
    policy: dict[str, Any] = {"spec": {"rules": list(rules)} | spec}
    if name:
        policy["name"] = name
    return {"inlinePolicies": [policy]}


def a_secret(
    name: str = "password",
    value: str = "s3cret",
    *,
    metadata: dict[str, Any] | None = None,
    **spec: Any,
) -> Secret:
    """Build a Secret that holds ``value``."""
    return _build(Secret, name, spec, metadata, data={"value": value})


def a_cluster_config(
    *,
    domain: str = "localhost",
    metadata: dict[str, Any] | None = None,
    status: dict[str, Any] | None = None,
    **spec: Any,
) -> ClusterConfig:
    """Build the ClusterConfig."""
    known = {"domain": domain} | (status or {})
    return _build(ClusterConfig, "cluster-config", spec, metadata, known)


def a_credential(
    name: str = "ci-deploy", *, metadata: dict[str, Any] | None = None, **spec: Any
) -> Credential:
    """Build an AUTH_TOKEN Credential of alice."""
    return _build(Credential, name, {"type": "AUTH_TOKEN", "user": "alice"} | spec, metadata)


def an_identity_provider(
    name: str = "github", *, metadata: dict[str, Any] | None = None, **spec: Any
) -> IdentityProvider:
    """Build an IdentityProvider, GitHub unless told otherwise."""
    github = {"github": {"clientID": "0123456789", "clientSecret": {"fromSecret": "github"}}}
    return _build(IdentityProvider, name, spec or github, metadata)


def a_region(name: str = "default", *, metadata: dict[str, Any] | None = None) -> Region:
    """Build a Region."""
    return _build(Region, name, {}, metadata)


def a_gateway(
    name: str = "gw-node1",
    *,
    metadata: dict[str, Any] | None = None,
    status: dict[str, Any] | None = None,
) -> Gateway:
    """Build a Gateway."""
    return _build(Gateway, name, {}, metadata, status)


def an_authenticator(
    name: str = "totp-vmqzte",
    *,
    metadata: dict[str, Any] | None = None,
    status: dict[str, Any] | None = None,
    **spec: Any,
) -> Authenticator:
    """Build an ACTIVE Authenticator."""
    return _build(Authenticator, name, {"state": "ACTIVE"} | spec, metadata, status)


def _build(
    kind: type[_R],
    name: str,
    spec: dict[str, Any],
    metadata: dict[str, Any] | None = None,
    status: dict[str, Any] | None = None,
    **parts: Any,
) -> _R:
    document = {"metadata": {"name": name} | (metadata or {}), "spec": spec} | parts
    if status:
        document["status"] = status
    return decode(kind, document)


def complaints(build: Callable[[], object]) -> list[str]:
    """Return what is wrong with a document that must be refused, one line for each problem."""
    with pytest.raises(ConfigError) as caught:
        build()
    return [str(problem) for problem in caught.value.problems]
