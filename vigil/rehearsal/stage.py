"""Gates that only answer questions: the code that serves, without a listener or an upstream."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, final

from config.resources.service import Service
from config.snapshot import Snapshot
from policy.compiler import PolicySet, compile_policies
from policy.decision import Denied
from protocols.api import Prepared
from protocols.permit import NoLogin, Upstream
from vigil.gate.gate import Ground, ServiceGate, Shared
from vigil.identity.authenticate import Authentication
from vigil.identity.principals import Principals
from vigil.identity.tokens import TokenVerifier

_NOWHERE: Final = Prepared(options=None, login=NoLogin())


@final
class Asked:
    """A request that was only asked about."""

    def __init__(self, facts: Mapping[str, Any]) -> None:
        self._facts = facts

    def facts(self) -> Mapping[str, Any]:
        """Return what was given."""
        return self._facts


@final
class StillClock:
    """A clock that stands where it is put, in nanoseconds since the epoch."""

    def __init__(self, ns: int) -> None:
        self.ns = ns

    def now(self) -> float:
        """Return seconds since the epoch."""
        return self.ns / 1e9

    def now_ns(self) -> int:
        """Return nanoseconds since the epoch."""
        return self.ns

    def monotonic(self) -> float:
        """Return always the same: nothing takes time here."""
        return 0.0


@final
class Stage:
    """The gates of one Snapshot, whatever the mode of their Services, at any instant."""

    def __init__(self, snapshot: Snapshot, ns: int, previous: PolicySet | None = None) -> None:
        """Compile the policies; raises ConfigError where they do not compile."""
        self.snapshot: Final = snapshot
        self.policies: Final = compile_policies(snapshot, previous)
        self.principals: Final = Principals(snapshot)
        self._clock = StillClock(ns)
        self._gates: dict[str, ServiceGate] = {}

    def gate(self, service: Service, ns: int) -> ServiceGate:
        """Return the gate of a Service of the Snapshot; it answers as of ``ns``.

        A gate remembers who stands where until a time comes, and knows no way back in time.
        """
        if ns < self._clock.ns:
            self._gates.clear()
        self._clock.ns = ns
        name = service.metadata.name
        gate = self._gates.get(name)
        if gate is None:
            gate = self._gates[name] = self._built(service)
        return gate

    def _built(self, service: Service) -> ServiceGate:
        authentication = Authentication(
            self.principals,
            TokenVerifier({}),
            self._clock,
            domain=self.snapshot.cluster_config.status.domain,
            is_anonymous=service.spec.is_anonymous,
        )
        return ServiceGate(
            Ground(
                shared=Shared(self.snapshot, self.policies, self.principals),
                service=service,
                prepared=_NOWHERE,
                endpoints=_NoEndpoints(),
                authentication=authentication,
                clock=self._clock,
                decided=_uncounted,
            )
        )


@final
class _NoEndpoints:
    def choose(self) -> tuple[Upstream, ...]:
        return ()

    def failed(self, endpoint: Upstream) -> None:
        raise NotImplementedError(endpoint)

    def reached(self, endpoint: Upstream) -> None:
        raise NotImplementedError(endpoint)


def _uncounted(_seconds: float, _denied: Denied | None) -> None:
    pass
