"""A gate over a few resources, with a clock that stands still and nothing behind it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from config.resources.meta import Resource
from config.resources.service import Service
from config.resources.session import Session
from policy.compiler import compile_policies
from policy.decision import Denied
from policy.principal import Caller, Principal
from protocols.api import BearerToken, Evidence, Peer, Prepared
from protocols.permit import NoLogin, Permit, Upstream
from tests.harness.builders import a_rule, a_service, inline
from tests.harness.clock import FakeClock
from tests.harness.snapshot import a_snapshot
from vigil.gate.gate import Ground, ServiceGate, Shared
from vigil.identity.authenticate import Authentication
from vigil.identity.keys import generate
from vigil.identity.principals import Principals
from vigil.identity.tokens import TokenVerifier, issuer_of, mint

KEY: Final = generate()
LOCAL: Final = Peer("127.0.0.1", 40_000, is_private=True)
UPSTREAM: Final = Upstream("127.0.0.1", 9, "127.0.0.1:9")
ALLOW_ALL: Final = inline(a_rule())


@dataclass
class Asked:
    """A request with these facts."""

    given: Mapping[str, Any] = field(default_factory=lambda: {"http": {"path": "/"}})

    def facts(self) -> Mapping[str, Any]:
        return self.given


class FixedEndpoints:
    """Always the same upstreams; remembers what was reported about them."""

    def __init__(self, *upstreams: Upstream) -> None:
        self.upstreams = upstreams
        self.reports: list[tuple[str, Upstream]] = []

    def choose(self) -> tuple[Upstream, ...]:
        return self.upstreams

    def failed(self, endpoint: Upstream) -> None:
        self.reports.append(("failed", endpoint))

    def reached(self, endpoint: Upstream) -> None:
        self.reports.append(("reached", endpoint))


@dataclass
class Gatehouse:
    """One gate and everything around it."""

    gate: ServiceGate
    principals: Principals
    clock: FakeClock
    decisions: list[Denied | None]
    domain: str

    def token(self, session: Session, *, token_id: str | None = None, seconds: int = 3600) -> bytes:
        """Mint a token of the Session, by its name."""
        known = self.gate._ground.shared.snapshot.get(Session, session.metadata.name)
        assert known is not None
        assert known.status.authentication is not None
        now = int(self.clock.now())
        return mint(
            KEY,
            issuer_of(self.domain),
            known.metadata.uid,
            known.status.authentication.token_id if token_id is None else token_id,
            range(now, now + seconds),
        ).encode()

    def recognise(self, token: bytes | Iterable[Evidence], peer: Peer = LOCAL) -> Caller | Denied:
        evidence = [BearerToken(token)] if isinstance(token, bytes) else token
        return self.gate.authenticate(peer, evidence)

    def principal(self, session: Session) -> Principal:
        """Return the Session's Principal, without any credential."""
        known = self.gate._ground.shared.snapshot.get(Session, session.metadata.name)
        assert known is not None
        who = self.principals.of_session(known.metadata.uid)
        assert isinstance(who, Principal), who
        return who

    def ask(self, session: Session, facts: Mapping[str, Any] | None = None) -> Permit | Denied:
        """Ask for one request as the Session."""
        return self.gate.authorize(self.principal(session), Asked(facts or {}))


def a_gate(
    *resources: Resource,
    service: Service | None = None,
    clock: FakeClock | None = None,
    revision: int = 1,
) -> Gatehouse:
    """Build the gate of ``service`` (public, allowing everybody) over the resources."""
    served = service or a_service(isPublic=True, authorization=ALLOW_ALL)
    snapshot = a_snapshot(served, *resources, revision=revision)
    known = snapshot.get(Service, served.metadata.name)
    assert known is not None
    clock = clock or FakeClock()
    domain = snapshot.cluster_config.status.domain
    principals = Principals(snapshot)
    authentication = Authentication(
        principals,
        TokenVerifier({KEY.kid: KEY.public}),
        clock,
        domain=domain,
        is_anonymous=known.spec.is_anonymous,
    )
    decisions: list[Denied | None] = []
    ground = Ground(
        shared=Shared(snapshot, compile_policies(snapshot), principals),
        service=known,
        prepared=Prepared(options="the protocol's options", login=NoLogin()),
        endpoints=FixedEndpoints(UPSTREAM),
        authentication=authentication,
        clock=clock,
        decided=lambda _seconds, denied: decisions.append(denied),
    )
    return Gatehouse(ServiceGate(ground), principals, clock, decisions, domain)


def at(seconds: float, clock: FakeClock | None = None) -> str:
    """Return the instant so many seconds from the clock's, as YAML spells it."""
    now = (clock or FakeClock()).now()
    return datetime.fromtimestamp(now + seconds, UTC).isoformat()
