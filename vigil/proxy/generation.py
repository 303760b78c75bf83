"""One Service as one Snapshot declares it: built whole or not at all, and never changed."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import ParamSpec, TypeAlias, TypeVar, final

from config.errors import ConfigError, Problem
from config.resources.service import Service
from config.snapshot import Snapshot
from policy.compiler import PolicySet, compile_policies
from policy.decision import Denied
from protocols.api import Prepared, ProtocolSpec
from protocols.permit import Upstream
from protocols.registry import protocol_for
from vigil.gate.gate import Ground, ServiceGate, Shared
from vigil.identity.authenticate import Authentication
from vigil.identity.principals import Principals
from vigil.identity.tokens import TokenVerifier
from vigil.proxy.certificates import (
    Certificate,
    KnownSecrets,
    namespace_certificate,
    server_context,
)
from vigil.proxy.endpoints import endpoints_of
from vigil.proxy.upstreams import Upstreams
from vigil.telemetry.clock import Clock

_P = ParamSpec("_P")
_T = TypeVar("_T")
Decided: TypeAlias = Callable[[float, Denied | None], None]


@dataclass(frozen=True, slots=True, eq=False)
class ListenerTLS:
    """How a listener speaks TLS, and the certificate that was built from."""

    certificate: Certificate
    context: ssl.SSLContext


@dataclass(frozen=True, slots=True, eq=False)
class Generation:
    """Everything one Service is served by. ``tls`` is None for a plain listener."""

    service: Service
    protocol: ProtocolSpec
    gate: ServiceGate
    upstreams: Upstreams
    policies: PolicySet
    port: int
    tls: ListenerTLS | None


Generations: TypeAlias = Mapping[str, Generation]


@dataclass(frozen=True, slots=True)
class _Parts:
    """One Service made ready: all of a Generation that needs no policies."""

    service: Service
    protocol: ProtocolSpec
    prepared: Prepared
    endpoints: tuple[Upstream, ...]
    port: int
    tls: ListenerTLS | None


@final
class Builder:
    """Builds the Generations of one Snapshot after another, reusing what did not change.

    ``decided`` gives, for a Service, the function that counts its decisions.
    """

    def __init__(
        self,
        verifier: TokenVerifier,
        clock: Clock,
        decided: Callable[[Service, ProtocolSpec], Decided] = lambda _service, _protocol: uncounted,
    ) -> None:
        self._verifier = verifier
        self._clock = clock
        self._decided = decided

    def build(self, snapshot: Snapshot, names: Iterable[str], previous: Generations) -> Generations:
        """Return the named Services' Generations; raises ConfigError with every problem found.

        A Problem's ``file`` is the resource it is about (``Service web.default``). May take long
        for a large Cluster: not for the event loop.
        """
        problems: list[Problem] = []
        before = next(iter(previous.values()), None)
        earlier = before.policies if before is not None else None
        policies = _noted(problems, compile_policies, snapshot, earlier)
        parts = [_noted(problems, _parts, snapshot, name, previous.get(name)) for name in names]
        if problems or policies is None:
            raise ConfigError(problems)
        principals = Principals(snapshot)
        built = [
            self._generation(each, Shared(snapshot, policies, principals), previous)
            for each in parts
            if each is not None
        ]
        return {generation.service.metadata.name: generation for generation in built}

    def _generation(self, parts: _Parts, shared: Shared, previous: Generations) -> Generation:
        service = parts.service
        before = previous.get(service.metadata.name)
        upstreams = before.upstreams if before is not None else None
        if upstreams is None or upstreams.endpoints != parts.endpoints:
            upstreams = Upstreams(parts.endpoints, self._clock)
        authentication = Authentication(
            shared.principals,
            self._verifier,
            self._clock,
            domain=shared.snapshot.cluster_config.status.domain,
            is_anonymous=service.spec.is_anonymous,
        )
        ground = Ground(
            service=service,
            prepared=parts.prepared,
            shared=shared,
            endpoints=upstreams,
            authentication=authentication,
            clock=self._clock,
            decided=self._decided(service, parts.protocol),
        )
        return Generation(
            service=service,
            protocol=parts.protocol,
            gate=ServiceGate(ground),
            upstreams=upstreams,
            policies=shared.policies,
            port=parts.port,
            tls=parts.tls,
        )


def uncounted(_seconds: float, _denied: Denied | None) -> None:
    """Count nothing, for gates that nobody asks for real."""


def _noted(
    problems: list[Problem], make: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs
) -> _T | None:
    """Return what is made; where it is refused, note why and go on."""
    try:
        return make(*args, **kwargs)
    except ConfigError as error:
        problems.extend(error.problems)
        return None


def _parts(snapshot: Snapshot, name: str, before: Generation | None) -> _Parts:
    try:
        service = _service(snapshot, name)
        protocol = _protocol(service)
        secrets = KnownSecrets(snapshot)
        return _Parts(
            service=service,
            protocol=protocol,
            prepared=protocol.prepare(service, secrets.data),
            endpoints=endpoints_of(service, secrets),
            port=service.effective_port(),
            tls=_listener_tls(service, secrets, before),
        )
    except ConfigError as error:
        raise ConfigError(_of_service(name, problem) for problem in error.problems) from None


def _service(snapshot: Snapshot, name: str) -> Service:
    service = snapshot.get(Service, name)
    if service is None:
        declared = ", ".join(known.metadata.name for known in snapshot.all(Service)) or "none"
        raise ConfigError.at("", "there is no such Service", f"declared: {declared}")
    return service


def _protocol(service: Service) -> ProtocolSpec:
    protocol = protocol_for(service.spec.mode)
    if protocol is None:
        raise ConfigError.at("spec.mode", f"mode {service.spec.mode} is not built yet")
    return protocol


def _listener_tls(
    service: Service, secrets: KnownSecrets, before: Generation | None
) -> ListenerTLS | None:
    if not service.spec.is_tls:
        return None
    try:
        certificate = secrets.certificate(namespace_certificate(service.namespace_name))
        if before is not None and before.tls is not None and before.tls.certificate == certificate:
            return before.tls
        return ListenerTLS(certificate, server_context(certificate))
    except ConfigError as error:
        raise ConfigError(
            replace(problem, path="spec.isTLS") for problem in error.problems
        ) from None


def _of_service(name: str, problem: Problem) -> Problem:
    return problem if problem.file else replace(problem, file=f"{Service.kind} {name}")
