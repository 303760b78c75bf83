"""A gate that answers as it is told and remembers what it was asked, and telemetry that does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from config.resources.service import Service
from config.secret import SecretBytes
from policy.cel.compile import Program
from policy.cel.values import Timestamp
from policy.context import build, view
from policy.decision import Allowed, Denied, Reason
from policy.principal import ANONYMOUS, Caller, Principal
from policy.request import Request
from protocols.api import BearerToken, CookieToken, Evidence, Peer, Record, TunnelAddress
from protocols.http.options import prepare
from protocols.permit import NoLogin, Permit, Upstream
from tests.harness.builders import a_service, a_session, a_user

TOKEN: Final = b"a-good-token"
UPSTREAM: Final = Upstream("app.internal", 8080, "app.internal:8080")
UNAUTHENTICATED: Final = Denied(Reason.UNAUTHENTICATED, is_authenticated=False)
NO_POLICY_MATCH: Final = Denied(Reason.NO_POLICY_MATCH)


def a_principal(user: str = "alice", *, type: str = "HUMAN") -> Principal:  # noqa: A002 - the field
    """Build a caller without Device and Groups."""
    return Principal(a_session(user=user), a_user(user, type=type), (), None)


def secrets_of(known: Mapping[str, bytes]) -> Callable[[str], SecretBytes]:
    """Look Secrets up in a dict; a missing one raises KeyError."""
    return lambda name: SecretBytes(known[name])


class FakeGate:
    """One Generation that allows everything to whoever shows ``TOKEN``."""

    def __init__(
        self,
        service: Service | None = None,
        *,
        secrets: Mapping[str, bytes] | None = None,
        upstreams: tuple[Upstream, ...] = (UPSTREAM,),
    ) -> None:
        self.service = service or a_service(isPublic=True)
        self._prepared = prepare(self.service, secrets_of(secrets or {}))
        self.options: Any = self._prepared.options
        self.domain = "example.com"
        self.trusted_hops: int | None = None
        self.upstreams = upstreams
        self.who: Caller = ANONYMOUS if self.service.spec.is_anonymous else a_principal()
        self.refused: Denied | None = None
        self.denied: Denied | None = None
        self.evidence: list[Evidence] = []
        self.asked: list[Mapping[str, Any]] = []
        self.reports: list[tuple[str, Upstream]] = []

    def authenticate(self, peer: Peer, evidence: Iterable[Evidence]) -> Caller | Denied:
        self.evidence = list(evidence)
        if self.refused is not None:
            return self.refused
        if self.service.spec.is_anonymous:
            return self.who
        for each in self.evidence:
            if isinstance(each, TunnelAddress):
                return self.who
            if isinstance(each, BearerToken | CookieToken) and each.token == TOKEN:
                return self.who
        return UNAUTHENTICATED

    def authorize(self, who: Caller, request: Request) -> Permit | Denied:
        self.asked.append(request.facts())
        if self.denied is not None:
            return self.denied
        return Permit(Allowed(None), self.upstreams, self._prepared.login, revision=1)

    def evaluate(self, program: Program, who: Caller, request: Request) -> Any:
        ctx = build(who, view(self.service), {}, request.facts())
        return program.evaluate(ctx, {}, Timestamp(0))

    def failed(self, upstream: Upstream) -> None:
        self.reports.append(("failed", upstream))

    def reached(self, upstream: Upstream) -> None:
        self.reports.append(("reached", upstream))


class FakeTelemetry:
    """Remembers everything it is told."""

    def __init__(self) -> None:
        self.active = 0
        self.records: list[Record] = []
        self.streams: list[tuple[str, Record]] = []
        self.dials: list[bool] = []
        self.stages: list[str] = []

    def started(self) -> None:
        self.active += 1

    def finished(self, record: Record) -> None:
        self.active -= 1
        self.records.append(record)

    def opened(self, record: Record) -> None:
        self.streams.append(("opened", record))

    def closed(self, record: Record) -> None:
        self.streams.append(("closed", record))

    def dialled(self, seconds: float, *, is_ok: bool) -> None:
        self.dials.append(is_ok)

    def rejected(self, stage: str) -> None:
        self.stages.append(stage)


__all__ = ["TOKEN", "UPSTREAM", "FakeGate", "FakeTelemetry", "NoLogin", "a_principal", "secrets_of"]
