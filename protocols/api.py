"""What a protocol may ask of Vigil, and what Vigil asks of a protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from config.resources.service import Mode, Service
from config.secret import SecretBytes
from policy.cel.compile import Program
from policy.decision import Denied
from policy.principal import Caller
from policy.request import Request
from protocols.permit import Login, Permit, Upstream


@dataclass(frozen=True, slots=True)
class Peer:
    """The other end of an accepted connection.

    ``is_private`` says that nobody on the way can read it: TLS, a tunnel, a unix socket or loopback
    (spec/README.md decision 5). ``is_tunnel`` is set only by a tunnel's own listener.
    """

    address: str
    port: int
    is_private: bool
    is_tunnel: bool = False


@dataclass(frozen=True, slots=True)
class BearerToken:
    """An access token from ``Authorization: Bearer`` or ``X-Octelium-Auth``."""

    token: bytes


@dataclass(frozen=True, slots=True)
class CookieToken:
    """An access token from the ``octelium_auth`` cookie."""

    token: bytes


@dataclass(frozen=True, slots=True)
class TunnelAddress:
    """No credential beyond the address, which counts only on a tunnel's own listener."""


Evidence: TypeAlias = BearerToken | CookieToken | TunnelAddress


class Gate(Protocol):
    """One Generation's answers. A protocol pins one per request and passes it down."""

    @property
    def service(self) -> Service:
        """The Service as this Generation declares it."""
        ...

    @property
    def options(self) -> Any:
        """What the protocol's own ``prepare`` made of the Service."""
        ...

    @property
    def domain(self) -> str:
        """The Cluster's domain, for redirects and public names."""
        ...

    @property
    def trusted_hops(self) -> int | None:
        """How many proxies before this machine's own are believed about a client's address.

        None where nobody is (``ClusterConfig.spec.ingress``).
        """
        ...

    def authenticate(self, peer: Peer, evidence: Iterable[Evidence]) -> Caller | Denied:
        """Say who is calling. ``evidence`` comes in the order of spec/data-plane.md §1.2.

        In memory and sync: a task per request would cost more than the whole decision.
        """
        ...

    def authorize(self, who: Caller, request: Request) -> Permit | Denied:
        """Decide one request: pre-policy checks, then policies. Pure CPU."""
        ...

    def evaluate(self, program: Program, who: Caller, request: Request) -> Any:
        """Evaluate a compiled CEL expression of this Service's configuration over ``ctx``.

        Raises ``policy.cel.values.EvaluationError``.
        """
        ...

    def failed(self, upstream: Upstream) -> None:
        """Report a dial that failed, so that the endpoint is passed over for a while."""
        ...

    def reached(self, upstream: Upstream) -> None:
        """Report a dial that worked."""
        ...


class Live(Protocol):
    """One request, channel or connection in flight, which may be asked about again."""

    @property
    def who(self) -> Caller:
        """Who asked."""
        ...

    @property
    def request(self) -> Request:
        """What was asked."""
        ...

    def end(self, denied: Denied) -> None:
        """End it now, politely, in the protocol's own words."""
        ...


@dataclass(slots=True, kw_only=True)
class Record:
    """One finished request or connection, for the access log and the metrics.

    Times are epoch seconds. ``labels`` are the protocol's own bounded metric labels in the order
    of ``ProtocolSpec.labels``; ``info`` is called off the hot path and gives the log's ``info``.
    ``who`` is None when nobody could be authenticated.
    """

    gate: Gate
    who: Caller | None
    verdict: Permit | Denied
    peer: Peer
    started: float
    ended: float
    labels: tuple[str, ...]
    info: Callable[[], Mapping[str, Any]]
    bytes_sent: int = 0
    bytes_received: int = 0
    first_byte: float = 0.0
    connection_id: str = ""
    is_error: bool = False
    end_reason: Denied | None = field(default=None)


class Telemetry(Protocol):
    """Where a protocol says what happened. Nothing here may block or raise."""

    def started(self) -> None:
        """Take note that a request began (``req_active`` up)."""
        ...

    def finished(self, record: Record) -> None:
        """Count and log a request that ended, however it ended (``req_active`` down)."""
        ...

    def opened(self, record: Record) -> None:
        """Log that a long stream (WebSocket, SSE) began, and count it as a session."""
        ...

    def closed(self, record: Record) -> None:
        """Log that this stream ended; ``finished`` still follows for the request."""
        ...

    def dialled(self, seconds: float, *, is_ok: bool) -> None:
        """Count an upstream connection that was made, or could not be."""
        ...

    def rejected(self, stage: str) -> None:
        """Count a connection refused before it carried a request (HANDSHAKE, UPSTREAM_DIAL)."""
        ...


class Handler(Protocol):
    """A protocol at work for one Service: makes a protocol object per accepted connection."""

    def connection(self, *, is_tls: bool) -> asyncio.BaseProtocol:
        """Return the protocol object for one newly accepted connection."""
        ...

    def live(self) -> Iterable[Live]:
        """Return what is in flight now; asked again by ``vigil.gate.recheck``."""
        ...

    async def drain(self, seconds: float, *, is_final: bool) -> None:
        """Take no further request, and let those in flight end within ``seconds``, then cut.

        Long streams have no end to wait for. With ``is_final``, the process is stopping: they are
        told so at once. Otherwise they go on, and this returns when the last is over.
        """
        ...

    def tick(self, now: float) -> None:
        """Enforce deadlines; called about once a second with the loop's clock."""
        ...


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a protocol made of one Service: its options and the upstream login."""

    options: object
    login: Login


Secrets: TypeAlias = Callable[[str], SecretBytes]
"""Looks a Secret's data up by name; raises ``config.errors.ConfigError`` where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolSpec:
    """One protocol, as the registry knows it.

    ``prepare`` raises ``ConfigError`` for a Service it cannot serve whole, including everything
    that is declared but not built. ``labels`` names the metric labels of its Records.
    """

    modes: frozenset[Mode]
    labels: tuple[str, ...]
    prepare: Callable[[Service, Secrets], Prepared]
    make: Callable[[Callable[[], Gate], Telemetry], Handler]
