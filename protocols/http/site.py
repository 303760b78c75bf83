"""What all connections of one handler share."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias, final

from protocols.api import Gate, Telemetry
from protocols.http.outbox import Outbox, Soon, next_turn
from protocols.http.pool import Pool
from protocols.http.upstream import UpstreamConnection
from protocols.net.dial import dial
from protocols.permit import Permit, Upstream

Dial: TypeAlias = Callable[
    [Gate, Permit, Callable[[Upstream], UpstreamConnection]], Awaitable[UpstreamConnection]
]


def wall_clock() -> float:
    """Return seconds since the epoch; asked once a second, never per request."""
    return datetime.now(UTC).timestamp()


@final
class Site:
    """One handler's surroundings. ``now`` is the loop's time at the last tick, for deadlines.

    ``monotonic()`` plus ``epoch`` is the time of day, so that a request costs no wall clock.
    """

    __slots__ = (
        "_tasks",
        "_wall",
        "current",
        "dial",
        "epoch",
        "is_closed",
        "is_draining",
        "monotonic",
        "now",
        "outbox",
        "pool",
        "telemetry",
    )

    def __init__(  # noqa: PLR0913  the keyword-only ones are seams, never all given
        self,
        current: Callable[[], Gate],
        telemetry: Telemetry,
        *,
        dial: Dial = dial,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = wall_clock,
        soon: Soon = next_turn,
    ) -> None:
        self.current: Final = current
        self.telemetry: Final = telemetry
        self.dial: Final = dial
        self.monotonic: Final = monotonic
        self.pool: Final[Pool[UpstreamConnection]] = Pool()
        self.outbox: Final = Outbox(soon)
        self.is_draining = False
        self.is_closed = False
        self._wall = wall
        self._tasks: set[asyncio.Task[None]] = set()
        self.now = 0.0
        self.epoch = 0.0
        self.tick(monotonic())

    def tick(self, now: float) -> None:
        """Take the time, and let idle upstream connections grow old."""
        self.now = now
        self.epoch = self._wall() - self.monotonic()
        self.pool.sweep(now)

    def release(self, connection: UpstreamConnection) -> None:
        """Keep a clean upstream connection for the next request."""
        if self.is_draining:
            connection.close()
        else:
            self.pool.put(connection, self.now)

    def forget(self, connection: UpstreamConnection) -> None:
        """Drop an upstream connection that closed while idle."""
        self.pool.discard(connection)

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Run what has to wait; ``close`` ends it."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def close(self) -> None:
        """End what waits and what is idle; connections that still come are turned away."""
        self.is_closed = True
        for task in self._tasks:
            task.cancel()
        self.pool.close()
