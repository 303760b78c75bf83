"""Where a Service's requests go: its endpoints in turn, passing over one that cannot be dialled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

from protocols.permit import Upstream
from vigil.telemetry.clock import Clock

FAILURES_TO_EJECT: Final = 3
EJECTED_SECONDS: Final = 10.0
CANDIDATES: Final = 2  # the one whose turn it is, and one to fall back on


@dataclass(slots=True)
class _Health:
    failures: int = 0
    ejected_until: float = 0.0


@final
class Upstreams:
    """Round robin over endpoints, with passive ejection after failed dials.

    When every endpoint is ejected they are all tried again: a wrong guess about health must not
    turn an outage into a refusal to look.
    """

    def __init__(self, endpoints: tuple[Upstream, ...], clock: Clock) -> None:
        self.endpoints: Final = endpoints
        self._health = [_Health() for _ in self.endpoints]
        self._monotonic = clock.monotonic
        self._turn = 0
        self._choices: dict[tuple[int, ...], tuple[Upstream, ...]] = {}
        self._only = self.endpoints if len(self.endpoints) < 2 else None

    def choose(self) -> tuple[Upstream, ...]:
        """Return the endpoint whose turn it is, then the one to fall back on.

        Equal choices are the same object, so that what is built on one can be kept.
        """
        if self._only is not None:
            return self._only
        first = self._turn
        count = len(self.endpoints)
        self._turn = (first + 1) % count
        chosen = self._healthy_from(first) or (first, (first + 1) % count)
        choice = self._choices.get(chosen)
        if choice is None:
            choice = self._choices[chosen] = tuple(self.endpoints[index] for index in chosen)
        return choice

    def failed(self, endpoint: Upstream) -> None:
        """Count a failed dial; the third in a row puts the endpoint aside for a while."""
        health = self._health_of(endpoint)
        if health is None:
            return
        health.failures += 1
        if health.failures >= FAILURES_TO_EJECT:
            health.ejected_until = self._monotonic() + EJECTED_SECONDS

    def reached(self, endpoint: Upstream) -> None:
        """Forget the failures of an endpoint that answers again."""
        health = self._health_of(endpoint)
        if health is not None:
            health.failures = 0
            health.ejected_until = 0.0

    def _healthy_from(self, first: int) -> tuple[int, ...]:
        found: list[int] = []
        count = len(self.endpoints)
        for step in range(count):
            index = (first + step) % count
            until = self._health[index].ejected_until
            if not until or self._monotonic() >= until:
                found.append(index)
                if len(found) == CANDIDATES:
                    break
        return tuple(found)

    def _health_of(self, endpoint: Upstream) -> _Health | None:
        """Find an endpoint's health; one of an earlier Generation may be unknown here."""
        if endpoint not in self.endpoints:
            return None
        return self._health[self.endpoints.index(endpoint)]
