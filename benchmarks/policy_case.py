"""The decisions that `benchmarks.policy` measures: resources, policies and requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from config.resources.cluster_config import ClusterConfig
from config.resources.device import Device
from config.resources.group import Group
from config.resources.namespace import Namespace
from config.resources.policy import Policy
from config.resources.service import Service
from config.resources.session import Session
from config.resources.user import User
from config.snapshot import Snapshot
from policy.compiler import PolicySet, compile_policies
from policy.context import build, view
from policy.principal import Principal
from policy.rules import Plan
from protocols.api import Prepared
from protocols.permit import NoLogin, Upstream
from vigil.gate.gate import Ground, ServiceGate, Shared
from vigil.identity.authenticate import Authentication
from vigil.identity.principals import Principals
from vigil.identity.tokens import TokenVerifier
from vigil.proxy.upstreams import Upstreams
from vigil.telemetry.clock import SystemClock
from vigil.telemetry.meter import Identity, Meter

UID: Final = "3b0e7a52-6d55-4d38-9f0e-0a8a44f5b1c2"

Rule: TypeAlias = tuple[str, str, str]  # effect, "match" or "not", expression
Facts: TypeAlias = Mapping[str, Any]

POLICIES: Final[Mapping[str, tuple[Rule, Rule, Rule]]] = {
    "accounts": (
        ("DENY", "match", "ctx.user.spec.isDisabled || ctx.user.status.isLocked"),
        ("DENY", "match", 'ctx.user.spec.type == "WORKLOAD" && ctx.session.status.isBrowser'),
        ("ALLOW", "match", '"root" in ctx.user.spec.groups'),
    ),
    "devices": (
        ("DENY", "not", "has(ctx.device)"),
        ("DENY", "not", 'ctx.device.status.osType in ["LINUX", "MAC"]'),
        ("ALLOW", "match", '"device-admins" in ctx.user.spec.groups && has(ctx.device)'),
    ),
    "contractors": (
        (
            "DENY",
            "match",
            '"contractors" in ctx.user.spec.groups && ctx.request.http.path.startsWith("/admin")',
        ),
        (
            "DENY",
            "match",
            '"contractors" in ctx.user.spec.groups && ctx.request.http.method != "GET"',
        ),
        ("ALLOW", "match", 'ctx.user.spec.email.endsWith("@contractor.example")'),
    ),
    "admin": (
        (
            "DENY",
            "match",
            'ctx.request.http.path.startsWith("/admin") && !("sre" in ctx.user.spec.groups)',
        ),
        (
            "DENY",
            "match",
            'ctx.request.http.method == "DELETE" && !("oncall" in ctx.user.spec.groups)',
        ),
        (
            "ALLOW",
            "match",
            'ctx.request.http.path.startsWith("/admin") && "sre" in ctx.user.spec.groups',
        ),
    ),
    "health": (
        ("ALLOW", "match", 'ctx.request.http.path == "/healthz"'),
        (
            "ALLOW",
            "match",
            'ctx.request.http.path in ["/metrics", "/readyz"] && ctx.request.http.method == "GET"',
        ),
        ("DENY", "match", "ctx.request.http.size > 67108864"),
    ),
    "clearance": (
        ("DENY", "match", "ctx.service.spec.attrs.tier > ctx.user.spec.attrs.clearance"),
        (
            "DENY",
            "match",
            'ctx.namespace.metadata.name == "prod" && ctx.user.spec.attrs.clearance < 2',
        ),
        ("ALLOW", "match", "ctx.user.spec.attrs.clearance >= 9"),
    ),
    "workloads": (
        ("ALLOW", "match", 'ctx.user.spec.type == "WORKLOAD" && ctx.request.http.method == "POST"'),
        (
            "ALLOW",
            "match",
            'ctx.user.spec.type == "WORKLOAD" && ctx.request.http.path.startsWith("/api/v1/")',
        ),
        (
            "DENY",
            "match",
            'ctx.user.spec.type == "WORKLOAD" && ctx.session.status.type != "CLIENT"',
        ),
    ),
    "headers": (
        ("DENY", "match", '"x-debug" in ctx.request.http.headers'),
        ("DENY", "match", 'ctx.request.http.headers["user-agent"].contains("sqlmap")'),
        (
            "ALLOW",
            "match",
            'ctx.request.http.headers["x-purpose"] == "probe" && ctx.request.http.method == "HEAD"',
        ),
    ),
    "groups": (
        ("DENY", "match", 'ctx.groups.exists(g, g.metadata.name == "suspended")'),
        (
            "ALLOW",
            "match",
            '"auditors" in ctx.user.spec.groups && ctx.request.http.method == "GET"',
        ),
        ("ALLOW", "match", '"support" in ctx.user.spec.groups && ctx.request.http.method == "GET"'),
    ),
    "engineers": (
        (
            "ALLOW",
            "match",
            '"platform" in ctx.user.spec.groups && ctx.request.http.path.startsWith("/platform/")',
        ),
        (
            "ALLOW",
            "match",
            (
                'ctx.user.spec.type == "HUMAN" && "dev" in ctx.user.spec.groups'
                ' && ctx.device.status.osType in ["LINUX", "MAC"]'
                ' && ctx.request.http.method in ["GET", "HEAD", "POST"]'
                ' && ctx.request.http.path.startsWith("/api/")'
            ),
        ),
        ("ALLOW", "match", '"oncall" in ctx.user.spec.groups'),
    ),
}
SCENARIOS: Final[Mapping[str, tuple[str, str]]] = {
    "allowed late": ("POST", "/api/v1/orders"),
    "nothing matches": ("PUT", "/api/v1/orders"),
    "denied": ("GET", "/admin/users"),
}


@dataclass(frozen=True, slots=True)
class Setting:
    """The caller, the Service and the policies, as one Plan and as plain lists."""

    plan: Plan
    gate: ServiceGate
    principal: Principal
    service_view: dict[str, Any]
    namespace_view: dict[str, Any]

    def ctx(self, facts: Facts) -> dict[str, Any]:
        """Build what an engine is asked about."""
        return build(self.principal, self.service_view, self.namespace_view, facts)


def request_facts(method: str, path: str) -> dict[str, Any]:
    """Build the facts of one HTTP request with the headers curl and a browser send."""
    http = {
        "method": method,
        "path": path,
        "uri": f"{path}?page=3",
        "host": "web.example.com",
        "scheme": "https",
        "protocol": "HTTP/1.1",
        "size": 512,
        "headers": {
            "host": "web.example.com",
            "user-agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
            "accept": "application/json",
            "accept-encoding": "gzip, br",
            "content-type": "application/json",
            "content-length": "512",
            "x-request-source": "web",
        },
        "queryParams": {"page": "3"},
    }
    return {"ip": "192.0.2.7", "http": http}


def a_setting() -> Setting:
    """Declare the resources and collect the Plan."""
    service = Service.model_validate(
        {
            "metadata": {"name": "web.default"},
            "spec": {
                "mode": "HTTP",
                "attrs": {"tier": 2},
                "config": {"upstream": {"url": "http://127.0.0.1:8080"}},
                "authorization": {"policies": list(POLICIES)},
            },
        }
    )
    namespace = Namespace.model_validate({"metadata": {"name": "default"}, "spec": {}})
    groups = tuple(
        Group.model_validate({"metadata": {"name": name}, "spec": {}}) for name in ("dev", "web")
    )
    user = User.model_validate(
        {
            "metadata": {"name": "alice"},
            "spec": {
                "type": "HUMAN",
                "email": "alice@corp.example",
                "groups": ["dev", "web"],
                "attrs": {"clearance": 3},
            },
        }
    )
    owner = {"userRef": {"name": "alice"}}
    device = Device.model_validate(
        {
            "metadata": {"name": "alice-laptop"},
            "spec": {"state": "ACTIVE"},
            "status": {**owner, "osType": "LINUX", "hostname": "alice-x1"},
        }
    )
    session = Session.model_validate(
        {
            "metadata": {"name": "alice-cli", "uid": UID},
            "spec": {"state": "ACTIVE"},
            "status": {**owner, "type": "CLIENT", "deviceRef": {"name": "alice-laptop"}},
        }
    )
    config = ClusterConfig.model_validate({"metadata": {"name": "cluster-config"}, "spec": {}})
    policies = [a_policy(name, rules) for name, rules in POLICIES.items()]
    resources = [config, namespace, service, *groups, user, device, session, *policies]
    snapshot = Snapshot.of(resources, revision=1)
    policies_of = compile_policies(snapshot)
    gate = a_gate(snapshot, policies_of, service)
    principal = Principals(snapshot).of_session(UID)
    assert isinstance(principal, Principal)
    plan = policies_of.plan(service, principal)
    return Setting(plan, gate, principal, view(service), view(namespace))


def a_gate(snapshot: Snapshot, policies: PolicySet, service: Service) -> ServiceGate:
    """Build the Service's gate as the proxy does, with its upstream and its counters."""
    clock = SystemClock()
    principals = Principals(snapshot)
    identity = Identity(svc="web", namespace="default", region="default", mode="HTTP")
    return ServiceGate(
        Ground(
            shared=Shared(snapshot, policies, principals),
            service=service,
            prepared=Prepared(None, NoLogin()),
            endpoints=Upstreams((Upstream("127.0.0.1", 8080, "127.0.0.1:8080"),), clock),
            authentication=Authentication(
                principals, TokenVerifier({}), clock, domain="localhost", is_anonymous=False
            ),
            clock=clock,
            decided=Meter(identity, ()).decided,
        )
    )


def a_policy(name: str, rules: tuple[Rule, ...]) -> Policy:
    """Declare one of the policies."""
    listed = [{"effect": effect, "condition": {key: text}} for effect, key, text in rules]
    return Policy.model_validate({"metadata": {"name": name}, "spec": {"rules": listed}})


def ordered_rules() -> list[Rule]:
    """Return the rules in the order of evaluation: nobody sets a priority, DENY comes first."""
    return sorted(
        (rule for rules in POLICIES.values() for rule in rules), key=lambda rule: rule[0] == "ALLOW"
    )
