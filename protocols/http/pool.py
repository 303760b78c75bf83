"""Idle upstream connections, the one used last taken first, so that the others may grow old."""

from __future__ import annotations

from typing import Final, Generic, Protocol, TypeVar

from protocols.permit import Permit, Upstream

IDLE_SECONDS: Final = 90.0
MOST_IDLE: Final = 1024
MOST_IDLE_PER_UPSTREAM: Final = 256


class Pooled(Protocol):
    """A connection as far as a pool goes. ``idle_since`` is in the loop's time."""

    idle_since: float

    @property
    def upstream(self) -> Upstream:
        """Where it leads."""
        ...

    @property
    def is_closed(self) -> bool:
        """Whether nothing can be sent on it any more."""
        ...

    def close(self) -> None:
        """Close it; nobody waits for anything on it."""
        ...


_Connection = TypeVar("_Connection", bound=Pooled)


class Pool(Generic[_Connection]):
    """Idle connections by Upstream, whose equality takes in the TLS identity: none is mixed up."""

    def __init__(self) -> None:
        self._idle: dict[Upstream, list[_Connection]] = {}
        self._last: tuple[Upstream | None, list[_Connection]] = (None, [])
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def take(self, permit: Permit) -> _Connection | None:
        """Return an idle connection to the Permit's first upstream, if there is one."""
        if not permit.upstreams:
            return None
        upstream = permit.upstreams[0]
        last, idle = self._last
        if upstream is not last:
            idle = self._of(upstream)
        while idle:
            connection = idle.pop()
            self._count -= 1
            if not connection.is_closed:
                return connection
        return None

    def put(self, connection: _Connection, now: float) -> None:
        """Keep a connection for the next request, or close it where there are enough."""
        last, idle = self._last
        if connection.upstream is not last:
            idle = self._of(connection.upstream)
        if self._count >= MOST_IDLE or len(idle) >= MOST_IDLE_PER_UPSTREAM:
            connection.close()
            return
        connection.idle_since = now
        idle.append(connection)
        self._count += 1

    def discard(self, connection: _Connection) -> None:
        """Forget a connection that was closed while idle."""
        idle = self._of(connection.upstream)
        if connection in idle:
            idle.remove(connection)
            self._count -= 1

    def sweep(self, now: float) -> None:
        """Close what has been idle for too long, and forget upstreams that are not used."""
        self._last = (None, [])
        for upstream, idle in list(self._idle.items()):
            old = [each for each in idle if now - each.idle_since >= IDLE_SECONDS]
            idle[:] = [each for each in idle if now - each.idle_since < IDLE_SECONDS]
            self._count -= len(old)
            if not idle:
                del self._idle[upstream]
            for connection in old:
                connection.close()

    def close(self) -> None:
        """Close everything idle."""
        every = [connection for idle in self._idle.values() for connection in idle]
        self._idle.clear()
        self._last = (None, [])
        self._count = 0
        for connection in every:
            connection.close()

    def _of(self, upstream: Upstream) -> list[_Connection]:
        # Hashing an Upstream costs more than the rest of a look-up: the last one is remembered.
        idle = self._idle.setdefault(upstream, [])
        self._last = (upstream, idle)
        return idle
