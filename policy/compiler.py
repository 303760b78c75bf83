"""Compiles every policy of a Snapshot, and collects those that concern one caller at one Service.

What cannot be compiled or found is refused here, before any request meets it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Final, TypeAlias, final

from pydantic import BaseModel

from config.errors import ConfigError, Problem
from config.resources.cluster_config import ClusterConfig
from config.resources.credential import Credential
from config.resources.device import Device
from config.resources.group import Group
from config.resources.identity_provider import IdentityProvider
from config.resources.meta import Authorization, Resource
from config.resources.namespace import Namespace
from config.resources.policy import Condition, Enforcement, Policy, PolicySpec
from config.resources.service import Service
from config.resources.session import Session
from config.resources.user import User
from config.snapshot import Snapshot
from policy.conditions import Attrs, Programs, condition_test, rule_test
from policy.context import build, seen, view
from policy.principal import Caller, Principal
from policy.rules import (
    Attached,
    CompiledPolicy,
    CompiledRule,
    EnforcementTest,
    Plan,
    PolicyGate,
)

Owner: TypeAlias = ClusterConfig | Namespace | Service | User | Group | Session | Device
"""A resource whose attached policies take part in decisions."""

_OWNER_KINDS: Final[tuple[type[Owner], ...]] = (Namespace, Service, User, Group, Session, Device)
# Kinds that hold conditions elsewhere than in what they attach, or attach to other resources.
_CONDITION_KINDS: Final[tuple[type[Resource], ...]] = (Service, Credential, IdentityProvider)
_AUTHORIZATION: Final = "spec.authorization"


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Attachments:
    """What one resource attaches, as it was declared when it was compiled."""

    authorization: Authorization
    places: tuple[Attached, ...]


@final
class PolicySet:
    """The compiled policies of one Snapshot; `compile_policies` makes it."""

    __slots__ = ("_attachments", "_plans", "_policies", "_snapshot", "_views", "programs")

    def __init__(self, snapshot: Snapshot, programs: Programs) -> None:
        self.programs: Final = programs
        self._snapshot = snapshot
        self._policies = {
            policy.metadata.name: _compiled(policy.metadata.name, policy.spec, programs)
            for policy in snapshot.all(Policy)
        }
        self._attachments = {
            (owner.kind, owner.metadata.name): self._attachments_of(owner, authorization)
            for owner in _owners(snapshot)
            if (authorization := owner.spec.authorization) is not None
        }
        self._plans: dict[tuple[_Attachments, ...], Plan] = {}
        self._views: dict[str, tuple[Service, tuple[dict[str, Any], dict[str, Any]]]] = {}

    def plan(self, service: Service, caller: Caller) -> Plan:
        """Return the Plan for a caller, without the rules that never match for that caller.

        Raises ConfigError for a resource that is not of this Snapshot and attaches what does not
        exist here or does not compile.
        """
        attachments = tuple(self._collect(service, caller))
        plan = self._plans.get(attachments)
        if plan is None:
            places = [place for attached in attachments for place in attached.places]
            plan = self._plans[attachments] = Plan.of(places, self.programs.evaluate_of)
        return plan.narrowed(build(caller, *self._views_of(service), {}))

    def _views_of(self, service: Service) -> tuple[dict[str, Any], dict[str, Any]]:
        known = self._views.get(service.metadata.name)
        if known is None or known[0] is not service:
            views = view(service), view(self._namespace(service))
            known = self._views[service.metadata.name] = service, views
        return known[1]

    def _collect(self, service: Service, caller: Caller) -> Iterator[_Attachments]:
        for owner in self._owners_of(service, caller):
            authorization = owner.spec.authorization
            if authorization is None:
                continue
            known = self._attachments.get((owner.kind, owner.metadata.name))
            if known is None or known.authorization is not authorization:
                known = self._adopt(owner, authorization)
            yield known

    def _owners_of(self, service: Service, caller: Caller) -> Iterator[Owner]:
        """Yield the attachment points in the order of §1.5, ClusterConfig where triggers were."""
        yield service
        yield self._namespace(service)
        if isinstance(caller, Principal):
            yield caller.user
            yield from caller.groups
            yield caller.session
            if caller.device is not None:
                yield caller.device
        yield self._snapshot.cluster_config

    def _namespace(self, service: Service) -> Namespace:
        namespace = self._snapshot.get(Namespace, service.namespace_name)
        if namespace is None:
            raise ConfigError([_no_namespace(service)])
        return namespace

    def _adopt(self, owner: Owner, authorization: Authorization) -> _Attachments:
        """Compile a resource that was replaced after the Snapshot was taken."""
        names = frozenset(self._policies)
        if problems := list(_owner_problems(owner, names, self.programs)):
            raise ConfigError(problems)
        adopted = self._attachments_of(owner, authorization)
        self._attachments[owner.kind, owner.metadata.name] = adopted
        self._plans.clear()
        return adopted

    def _attachments_of(self, owner: Owner, authorization: Authorization) -> _Attachments:
        policies = [
            (self._policies[name], False)
            for attached in authorization.policies
            for name in with_parents(attached)
        ]
        policies += [
            (_compiled(inline.name or "", inline.spec, self.programs), True)
            for inline in authorization.inline_policies
        ]
        places = (
            Attached(policy, is_inline, owner.kind, owner.metadata.name)
            for policy, is_inline in policies
        )
        return _Attachments(authorization, tuple(places))


def compile_policies(snapshot: Snapshot, previous: PolicySet | None = None) -> PolicySet:
    """Compile all policies; an expression that ``previous`` compiled is not compiled again.

    Raises ConfigError with every expression that does not compile and every policy name that is
    attached but does not exist. Each Problem's ``path`` is relative to its resource, which stands
    in the place of the file.
    """
    programs = Programs() if previous is None else previous.programs.successor()
    problems = list(_problems(snapshot, programs))
    if problems:
        raise ConfigError(problems)
    programs.forget_earlier()
    return PolicySet(snapshot, programs)


def check_conditions(resource: Resource) -> list[Problem]:
    """Return a Problem, without file and line, for each condition anywhere in a resource."""
    about_requests, about_others = Programs(), Programs(is_about_requests=False)
    return [
        problem
        for path, condition in _conditions_in(resource, "")
        for problem in (about_requests if _is_about_requests(resource, path) else about_others).add(
            condition, path
        )
    ]


def _is_about_requests(resource: Resource, path: str) -> bool:
    """Say which ``ctx`` a condition sees; logins have others (spec/resources.md §2.6)."""
    if isinstance(resource, ClusterConfig):
        return path.startswith(_AUTHORIZATION)
    return not isinstance(resource, IdentityProvider)


def _problems(snapshot: Snapshot, programs: Programs) -> Iterator[Problem]:
    names = frozenset(policy.metadata.name for policy in snapshot.all(Policy))
    for policy in snapshot.all(Policy):
        for path, condition in _conditions_in(policy.spec, "spec"):
            yield from _named(policy, programs.add(condition, path))
    for owner in _owners(snapshot):
        yield from _owner_problems(owner, names, programs)
    for resource in (snapshot.cluster_config, *chain(*map(snapshot.all, _CONDITION_KINDS))):
        yield from _named(resource, _outside_policies(resource))
    for service in snapshot.all(Service):
        if snapshot.get(Namespace, service.namespace_name) is None:
            yield _no_namespace(service)


def _outside_policies(resource: Resource) -> Iterator[Problem]:
    """Yield what is wrong with conditions that no decision asks: those of plugins and logins."""
    for problem in check_conditions(resource):
        if isinstance(resource, Credential) or not problem.path.startswith(_AUTHORIZATION):
            yield problem


def _owner_problems(owner: Owner, names: frozenset[str], programs: Programs) -> Iterator[Problem]:
    authorization = owner.spec.authorization
    if authorization is None:
        return
    for path, condition in _conditions_in(authorization, _AUTHORIZATION):
        yield from _named(owner, programs.add(condition, path))
    for index, attached in enumerate(authorization.policies):
        for name in with_parents(attached):
            if name not in names:
                path = f"{_AUTHORIZATION}.policies[{index}]"
                message = f'names Policy "{name}", which does not exist'
                yield from _named(owner, iter([Problem("", 0, path, message)]))


def _no_namespace(service: Service) -> Problem:
    message = f'its Namespace "{service.namespace_name}" does not exist'
    return Problem(f"{service.kind} {service.metadata.name}", 0, "metadata.name", message)


def _named(resource: Resource, problems: Iterator[Problem]) -> Iterator[Problem]:
    for problem in problems:
        yield replace(problem, file=f"{resource.kind} {resource.metadata.name}")


def _owners(snapshot: Snapshot) -> Iterator[Owner]:
    yield snapshot.cluster_config
    for kind in _OWNER_KINDS:
        yield from snapshot.all(kind)


def with_parents(name: str) -> Iterator[str]:
    """Yield ``a.b.c``, ``b.c`` and ``c``: attaching a Policy attaches its parents."""
    labels = name.split(".")
    for index in range(len(labels)):
        yield ".".join(labels[index:])


def _conditions_in(value: Any, at: str) -> Iterator[tuple[str, Condition]]:
    if isinstance(value, Condition):
        yield at, value
    elif isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            key = field.alias or name
            yield from _conditions_in(getattr(value, name), f"{at}.{key}" if at else key)
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _conditions_in(item, f"{at}[{index}]")


def _compiled(name: str, spec: PolicySpec, programs: Programs) -> CompiledPolicy:
    attrs = seen(spec.attrs)
    conditions = [rule.condition for rule in spec.rules]
    conditions += [rule.condition for rule in spec.enforcement_rules]
    return CompiledPolicy(
        name=name,
        is_disabled=spec.is_disabled,
        is_shadow=spec.is_shadow,
        attrs=attrs,
        gate=_gate(spec, attrs, programs) if spec.enforcement_rules else None,
        rules=tuple(
            CompiledRule(
                name=rule.name or f"rules[{index}]",
                effect=rule.effect,
                priority=rule.priority,
                condition=rule.condition,
                evaluate=rule_test(rule.condition, programs.evaluate_of),
                is_settled=programs.is_settled(rule.condition),
            )
            for index, rule in enumerate(spec.rules)
        ),
        reads_clock=any(programs.reads_clock(condition) for condition in conditions),
    )


def _gate(spec: PolicySpec, attrs: Attrs, programs: Programs) -> PolicyGate:
    tests = (
        EnforcementTest(
            place=f"enforcementRules[{index}]",
            is_enforcing=rule.effect is Enforcement.ENFORCE,
            condition=rule.condition,
            test=condition_test(rule.condition, programs.evaluate_of),
        )
        for index, rule in enumerate(spec.enforcement_rules)
    )
    return PolicyGate(tests, attrs)
