"""A small world to decide in: one of each resource, with policies attached where a test says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from config.decode import decode
from config.resources.meta import Resource
from config.resources.namespace import Namespace
from config.resources.policy import Condition, Policy
from config.resources.service import Service
from config.snapshot import Snapshot
from policy.cel.values import Timestamp
from policy.compiler import compile_policies
from policy.context import build, view
from policy.decision import Decision
from policy.explain import Explanation
from policy.principal import ANONYMOUS, Principal
from policy.rules import Plan
from tests.harness.builders import (
    a_cluster_config,
    a_device,
    a_group,
    a_namespace,
    a_service,
    a_session,
    a_user,
)

NOON = Timestamp(1_800_000_000 * 10**9)
ALWAYS = {"matchAny": True}

Block = Mapping[str, Any]


def a_condition(**keys: Any) -> Condition:
    """Build a Condition from its YAML keys; ``not_`` stands for ``not``."""
    return Condition.model_validate({key.rstrip("_"): value for key, value in keys.items()})


def a_rule(
    effect: str = "ALLOW", condition: str | Block = ALWAYS, *, priority: int = 0, name: str = ""
) -> dict[str, Any]:
    """Build a rule; a condition given as text is a ``match``."""
    rule = {"effect": effect, "condition": _condition(condition), "priority": priority}
    return rule | ({"name": name} if name else {})


def enforcement(effect: str, condition: str | Block = ALWAYS) -> dict[str, Any]:
    """Build an enforcement rule."""
    return {"effect": effect, "condition": _condition(condition)}


def a_spec(*rules: Block, **keys: Any) -> dict[str, Any]:
    """Build the spec of a policy; ``keys`` are spelt as in YAML."""
    return {"rules": list(rules), **keys}


def a_policy(name: str, *rules: Block, **keys: Any) -> Policy:
    """Build a Policy."""
    return decode(Policy, {"metadata": {"name": name}, "spec": a_spec(*rules, **keys)})


def attach(*names: str, inline: Iterable[Block] = ()) -> dict[str, Any]:
    """Build an authorization block of Policy names and specs of inline policies."""
    blocks = [{"name": f"inline-{index}", "spec": spec} for index, spec in enumerate(inline)]
    return {"policies": list(names), "inlinePolicies": blocks}


def allow(condition: str | Block = ALWAYS, *, priority: int = 0) -> dict[str, Any]:
    """Build an authorization block that allows under a condition."""
    return attach(inline=[a_spec(a_rule("ALLOW", condition, priority=priority))])


def deny(condition: str | Block = ALWAYS, *, priority: int = 0) -> dict[str, Any]:
    """Build an authorization block that denies under a condition."""
    return attach(inline=[a_spec(a_rule("DENY", condition, priority=priority))])


def _condition(given: str | Block) -> Block:
    return {"match": given} if isinstance(given, str) else given


@dataclass(frozen=True)
class World:
    """A Snapshot with one caller at one Service."""

    snapshot: Snapshot
    service: Service
    namespace: Namespace
    principal: Principal

    def plan(self, *, anonymous: bool = False) -> Plan:
        """Compile the policies and collect the caller's."""
        caller = ANONYMOUS if anonymous else self.principal
        return compile_policies(self.snapshot).plan(self.service, caller)

    def ctx(self, request: Block | None = None, *, anonymous: bool = False) -> dict[str, Any]:
        """Build what the policies see."""
        caller = ANONYMOUS if anonymous else self.principal
        return build(caller, view(self.service), view(self.namespace), request or {})

    def decide(self, request: Block | None = None, *, anonymous: bool = False) -> Decision:
        """Decide one request at noon."""
        return self.plan(anonymous=anonymous).decide(self.ctx(request, anonymous=anonymous), NOON)

    def explain(self, request: Block | None = None) -> Explanation:
        """Explain one request at noon."""
        return self.plan().explain(self.ctx(request), NOON)


def a_world(
    policies: Iterable[Policy] = (),
    *,
    groups: tuple[str, ...] = ("dev",),
    has_device: bool = True,
    os_type: str = "LINUX",
    **authorizations: Block,
) -> World:
    """Build the world; ``service=allow()`` attaches there, and so on for each kind in lower case.

    ``group`` attaches to the first Group.
    """

    def spec(owner: str) -> dict[str, Any]:
        given = authorizations.get(owner)
        return {} if given is None else {"authorization": given}

    config = a_cluster_config(**spec("cluster"))
    namespace = a_namespace(**spec("namespace"))
    service = a_service(isPublic=True, **spec("service"))
    members = [a_group(name, **spec("group" if name == groups[0] else "")) for name in groups]
    user = a_user(groups=list(groups), **spec("user"))
    device = a_device("alice-laptop", os=os_type, **spec("device")) if has_device else None
    session = a_session("alice-cli", device="alice-laptop" if has_device else "", **spec("session"))
    resources: list[Resource] = [config, namespace, service, *members, user, session, *policies]
    if device is not None:
        resources.append(device)
    snapshot = Snapshot.of(resources, revision=1)
    principal = Principal(
        _stored(snapshot, session),
        _stored(snapshot, user),
        tuple(_stored(snapshot, group) for group in members),
        _stored(snapshot, device) if device is not None else None,
    )
    return World(snapshot, _stored(snapshot, service), _stored(snapshot, namespace), principal)


def _stored(snapshot: Snapshot, resource: Any) -> Any:
    """Return the resource as the Snapshot holds it, with its references resolved."""
    return snapshot.get(type(resource), resource.metadata.name)
