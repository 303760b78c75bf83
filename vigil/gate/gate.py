"""The gate of one Service in one Generation: the only place where a Permit is minted.

It decides from one Snapshot and never changes; a new Snapshot gets a new gate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, Protocol, final

from config.resources.namespace import Namespace
from config.resources.service import Service
from config.snapshot import Snapshot
from policy.cel.compile import Program
from policy.cel.values import EvaluationError, Timestamp
from policy.compiler import PolicySet
from policy.context import build, view
from policy.decision import Allowed, Decision, Denied, Reason
from policy.principal import ANONYMOUS, Anonymous, Caller, Principal
from policy.request import Request
from policy.rules import Plan
from protocols.api import Evidence, Peer, Prepared
from protocols.permit import Permit, Upstream
from vigil.gate.checks import LASTING_CHECKS, REQUEST_CHECKS, Check, Subject, first_failure
from vigil.identity.authenticate import Authentication
from vigil.identity.principals import NEVER, Principals, session_end, token_end, unauthenticated
from vigil.telemetry.clock import Clock

MAX_PERMITS: Final = 4096
_UNREAD: Final = Timestamp(0)
_WITHOUT_AUTHORIZATION: Final = Allowed(rule=None)
_DISABLED: Final = Denied(Reason.TYPE_UNKNOWN_REASON, detail="the Service is disabled")
_IDENTITY_NEEDED: Final = unauthenticated("the Service asks who is calling")


class Endpoints(Protocol):
    """Where allowed requests go (``vigil.proxy.upstreams``)."""

    def choose(self) -> tuple[Upstream, ...]:
        """Return the endpoint whose turn it is, and one to fall back on."""
        ...

    def failed(self, endpoint: Upstream) -> None:
        """Take note of a dial that failed."""
        ...

    def reached(self, endpoint: Upstream) -> None:
        """Take note of a dial that worked."""
        ...


@dataclass(frozen=True, slots=True)
class Shared:
    """What the gates of all Services of one Snapshot have in common."""

    snapshot: Snapshot
    policies: PolicySet
    principals: Principals


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """All that one gate decides on; ``decided`` counts its decisions and how long they took."""

    shared: Shared
    service: Service
    prepared: Prepared
    endpoints: Endpoints
    authentication: Authentication
    clock: Clock
    decided: Callable[[float, Denied | None], None]


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """Where a caller stands at this Service until ``until_ns`` (epoch nanoseconds).

    ``request_checks`` are those that cannot be settled once; ``plan`` is None where the Service
    asks for no authorization; ``known`` is ``ctx`` before anything is requested.
    """

    who: Caller
    denied: Denied | None
    until_ns: float
    request_checks: tuple[Check, ...]
    plan: Plan | None
    known: dict[str, Any]


@final
class ServiceGate:
    """Implements ``protocols.api.Gate``."""

    def __init__(self, ground: Ground) -> None:
        snapshot, service = ground.shared.snapshot, ground.service
        namespace = snapshot.get(Namespace, service.namespace_name)
        ingress = snapshot.cluster_config.spec.ingress
        self.service: Final = service
        self.options: Final[Any] = ground.prepared.options
        self.domain: Final = snapshot.cluster_config.status.domain
        self.revision: Final = snapshot.revision
        self._ground = ground
        self._principals = ground.shared.principals
        self._policies = ground.shared.policies
        self._disabled = _DISABLED if service.spec.is_disabled else None
        is_behind_ingress = ingress is not None and ingress.use_forwarded_for_header
        self.trusted_hops: Final = (
            ingress.xff_num_trusted_hops if ingress is not None and is_behind_ingress else None
        )
        self._pins_address = is_behind_ingress
        self._service_view = view(service)
        self._namespace_view = view(namespace) if namespace is not None else {}
        self._choose = ground.endpoints.choose
        self._now_ns = ground.clock.now_ns
        self._steady = ground.clock.monotonic
        self._decided = ground.decided
        self._standings: dict[Caller, Standing] = {}
        self._permits: dict[tuple[int, int], Permit] = {}

    def authenticate(self, peer: Peer, evidence: Iterable[Evidence]) -> Caller | Denied:
        """Say who is calling."""
        return self._ground.authentication.authenticate(peer, evidence)

    def authorize(self, who: Caller, request: Request) -> Permit | Denied:
        """Decide one request, and count how that ended."""
        began = self._steady()
        decision = self.decide(who, request)
        if isinstance(decision, Denied):
            self._decided(self._steady() - began, decision)
            return decision
        self._decided(self._steady() - began, None)
        return self._permit(decision)

    def decide(self, who: Caller, request: Request) -> Decision:
        """Decide without minting a Permit, for what already has one."""
        standing = self._standings.get(who) or self._standing(who)
        now_ns = self._now_ns()
        if now_ns >= standing.until_ns and isinstance(standing.who, Principal):
            standing = self._stand(standing.who)
        if standing.denied is not None:
            return standing.denied
        if standing.request_checks and isinstance(standing.who, Principal):
            subject = self.subject(standing.who, request)
            denied = first_failure(standing.request_checks, subject)
            if denied is not None:
                return denied
        plan = standing.plan
        if plan is None:
            return _WITHOUT_AUTHORIZATION
        facts = request.facts()
        ctx = {**standing.known, "request": facts} if facts else standing.known
        is_timeless = plan.shadow is None and not plan.reads_clock
        now = _UNREAD if is_timeless else Timestamp(now_ns)
        try:
            decision = plan.decide(ctx, now)
            return decision if plan.shadow is None else plan.rehearse(decision, ctx, now)
        except EvaluationError as error:
            return Denied(Reason.EVALUATION_ERROR, detail=str(error))

    def evaluate(self, program: Program, who: Caller, request: Request) -> Any:
        """Evaluate an expression of the Service's configuration; there are no ``attrs``."""
        return program.evaluate(self.context(who, request), {}, self.instant())

    def failed(self, upstream: Upstream) -> None:
        """Report a dial that failed."""
        self._ground.endpoints.failed(upstream)

    def reached(self, upstream: Upstream) -> None:
        """Report a dial that worked."""
        self._ground.endpoints.reached(upstream)

    def is_due(self, who: Caller) -> bool:
        """Say whether this caller must be asked about again though nothing was changed."""
        standing = self._standing(who)
        if standing.denied is not None or self._now_ns() >= standing.until_ns:
            return True
        return standing.plan is not None and standing.plan.reads_clock

    def plan(self, who: Caller) -> Plan | None:
        """Return the policies that decide about a caller, None where none are asked."""
        return self._standing(who).plan

    def subject(self, who: Principal, request: Request) -> Subject:
        """Return what the checks look at."""
        return Subject(
            who=who,
            service=self.service,
            now=self._ground.clock.now(),
            pins_address=self._pins_address,
            facts=request.facts(),
        )

    def context(self, who: Caller, request: Request) -> dict[str, Any]:
        """Return ``ctx``; a caller whom an earlier gate recognised is seen as of today."""
        today = self._standing(who).who
        return build(today, self._service_view, self._namespace_view, request.facts())

    def instant(self) -> Timestamp:
        """Return what ``now()`` gives to a decision taken now."""
        return Timestamp(self._now_ns())

    def _standing(self, who: Caller) -> Standing:
        """Return the standing of a caller, who may have been recognised by an earlier gate."""
        known = self._standings.get(who)
        if known is not None:
            return known
        if self.service.spec.is_anonymous:
            return self._standings.get(ANONYMOUS) or self._stand_anonymous()
        if isinstance(who, Anonymous):
            return _refused(who, _IDENTITY_NEEDED)
        current = self._principals.of_session(who.session.metadata.uid)
        if isinstance(current, Denied):
            return _refused(who, current)
        return self._standings.get(current) or self._stand(current)

    def _stand(self, who: Principal) -> Standing:
        """Ask the lasting checks; the answer holds until a time of the Session comes."""
        now = self._ground.clock.now()
        subject = Subject(
            who=who, service=self.service, now=now, pins_address=self._pins_address, facts={}
        )
        ends = [end for end in (session_end(who.session), token_end(who.session)) if end > now]
        standing = self._standings[who] = Standing(
            who=who,
            denied=self._disabled or first_failure(LASTING_CHECKS, subject),
            until_ns=min(ends, default=NEVER) * 1e9,
            request_checks=tuple(check for check in REQUEST_CHECKS if check.concerns(subject)),
            plan=self._policies.plan(self.service, who),
            known=build(who, self._service_view, self._namespace_view, {}),
        )
        return standing

    def _stand_anonymous(self) -> Standing:
        """Nobody in particular passes every check, and policies only where they are asked for."""
        authorization = self.service.spec.authorization
        is_asked = authorization is not None and authorization.enable_anonymous
        standing = self._standings[ANONYMOUS] = Standing(
            who=ANONYMOUS,
            denied=self._disabled,
            until_ns=NEVER,
            request_checks=(),
            plan=self._policies.plan(self.service, ANONYMOUS) if is_asked else None,
            known=build(ANONYMOUS, self._service_view, self._namespace_view, {}),
        )
        return standing

    def _permit(self, allowed: Allowed) -> Permit:
        """Mint the Permit, or take the one minted before for the same rule and endpoints.

        Both are kept alive by the Permit, so their identities cannot be taken over by others.
        """
        upstreams = self._choose()
        key = (id(allowed), id(upstreams))
        permit = self._permits.get(key)
        if permit is None:
            if len(self._permits) >= MAX_PERMITS:
                self._permits.clear()
            login = self._ground.prepared.login
            permit = self._permits[key] = Permit(allowed, upstreams, login, self.revision)
        return permit


def _refused(who: Caller, denied: Denied) -> Standing:
    return Standing(who=who, denied=denied, until_ns=NEVER, request_checks=(), plan=None, known={})
