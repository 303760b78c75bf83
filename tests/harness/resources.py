"""Resources as an operator writes them: builders of YAML documents, and a directory of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import yaml

Document: TypeAlias = dict[str, Any]
Condition: TypeAlias = str | bool | Mapping[str, Any]


def condition(given: Condition) -> Mapping[str, Any]:
    """Return the YAML form: CEL text becomes ``match``, a truth value becomes ``matchAny``."""
    if isinstance(given, bool):
        return {"matchAny": given}
    return {"match": given} if isinstance(given, str) else given


def rule(effect: str, when: Condition = True, *, name: str = "", priority: int = 0) -> Document:
    given: Document = {"effect": effect, "condition": dict(condition(when))}
    if name:
        given["name"] = name
    if priority:
        given["priority"] = priority
    return given


def allow(when: Condition = True, *, name: str = "", priority: int = 0) -> Document:
    return rule("ALLOW", when, name=name, priority=priority)


def deny(when: Condition = True, *, name: str = "", priority: int = 0) -> Document:
    return rule("DENY", when, name=name, priority=priority)


def inline(*rules: Document, name: str = "here", **spec: Any) -> Document:
    """Return one inline policy."""
    return {"name": name, "spec": {"rules": list(rules), **spec}}


def authorization(*inline_policies: Document, policies: Collection[str] = ()) -> Document:
    """Return an ``authorization`` block."""
    block: Document = {}
    if policies:
        block["policies"] = list(policies)
    if inline_policies:
        block["inlinePolicies"] = list(inline_policies)
    return block


ALLOW_ALL: Document = authorization(inline(allow(name="all")))


def document(kind: str, name: str, spec: Document, status: Document | None = None) -> Document:
    """Return one document of any kind."""
    given: Document = {"kind": kind, "metadata": {"name": name}, "spec": spec}
    if status is not None:
        given["status"] = status
    return given


def a_policy(name: str, *rules: Document, **spec: Any) -> Document:
    return document("Policy", name, {"rules": list(rules), **spec})


def a_user(name: str, **spec: Any) -> Document:
    return document("User", name, {"type": "HUMAN", **spec})


def a_device(name: str, user: str, *, state: str = "ACTIVE", **status: Any) -> Document:
    """Return a Linux Device of the User unless ``osType`` says otherwise."""
    owned = {"userRef": {"name": user}, "osType": "LINUX", **status}
    return document("Device", name, {"state": state}, owned)


def a_session(
    name: str,
    user: str,
    *,
    device: str = "",
    spec: Document | None = None,
    **status: Any,
) -> Document:
    """Return an ACTIVE CLIENT Session of the User unless told otherwise."""
    held: Document = {"type": "CLIENT", "userRef": {"name": user}, **status}
    if device:
        held["deviceRef"] = {"name": device}
    return document("Session", name, {"state": "ACTIVE", **(spec or {})}, held)


def a_service(name: str, port: int, upstream: str, **spec: Any) -> Document:
    """Return a Service of mode HTTP; ``http`` is its ``spec.config.http``, ``tls`` its TLS."""
    config: Document = {"upstream": {"url": upstream}}
    for key in ("http", "tls"):
        if key in spec:
            config[key] = spec.pop(key)
    return document("Service", name, {"mode": "HTTP", "port": port, "config": config, **spec})


def a_secret(name: str, value: str) -> Document:
    return {"kind": "Secret", "metadata": {"name": name}, "spec": {}, "data": {"value": value}}


class Resources:
    """A directory of resource files. A write replaces a whole file at once, as editors do."""

    def __init__(self, path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self.path = path

    def write(self, name: str, *documents: Document) -> None:
        """Make ``name`` hold exactly these documents."""
        self.write_text(name, yaml.safe_dump_all(documents, sort_keys=False))

    def write_text(self, name: str, text: str) -> None:
        target = self.path / f"{name}.yaml"
        fresh = self.path / f".{name}.new"
        fresh.write_text(text)
        fresh.replace(target)

    def remove(self, name: str) -> None:
        (self.path / f"{name}.yaml").unlink()
