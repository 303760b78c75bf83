"""A clock that moves when a test says so."""

from __future__ import annotations


class FakeClock:
    """Both clocks of ``vigil.telemetry.clock.Clock``, moved by hand and together."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self._now_ns = round(now * 1e9)
        self._elapsed = 0.0

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now_ns += round(seconds * 1e9)
        self._elapsed += seconds

    def now(self) -> float:
        """Return the made-up seconds since the epoch."""
        return self._now_ns / 1e9

    def now_ns(self) -> int:
        """Return the made-up nanoseconds since the epoch."""
        return self._now_ns

    def monotonic(self) -> float:
        """Return the seconds that have been let pass."""
        return self._elapsed
