"""What time it is, asked of an object, so that a test may say."""

from __future__ import annotations

import time
from typing import Protocol, final


class Clock(Protocol):
    """The wall clock and the steady one."""

    def now(self) -> float:
        """Return seconds since the epoch."""
        ...

    def now_ns(self) -> int:
        """Return nanoseconds since the epoch, as CEL timestamps count."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never run backwards, for deadlines and durations."""
        ...


@final
class SystemClock:
    """The machine's own clocks."""

    __slots__ = ()

    def now(self) -> float:
        """Return seconds since the epoch."""
        return time.time()  # noqa: TID251  the one place that asks the machine

    def now_ns(self) -> int:
        """Return nanoseconds since the epoch."""
        return time.time_ns()

    def monotonic(self) -> float:
        """Return the machine's monotonic clock."""
        return time.monotonic()
