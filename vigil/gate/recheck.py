"""What is in flight is asked about again: on every change, when a time has come, and now and then.

Nothing registers here. A protocol's Handler is asked for what it holds, so that a request that
is never rechecked costs nothing (spec/data-plane.md §4.4; one second from commit to cut).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Final, final

from policy.decision import Denied, Reason
from protocols.api import Live
from vigil.gate.gate import ServiceGate
from vigil.telemetry.clock import Clock

BATCH_SECONDS: Final = 0.01
TICK_SECONDS: Final = 1.0
SWEEP_SECONDS: Final = 60.0
_BROKEN: Final = Denied(Reason.EVALUATION_ERROR, detail="asking again failed")
_log: Final = logging.getLogger(__name__)


@final
class Recheck:
    """Asks the current gate about everything in flight at one Service.

    ``report`` hears, after each pass, how many were kept and how many were cut.
    """

    def __init__(
        self,
        current: Callable[[], ServiceGate],
        in_flight: Callable[[], Iterable[Live]],
        report: Callable[[int, int], None],
        clock: Clock,
    ) -> None:
        self._current = current
        self._in_flight = in_flight
        self._report = report
        self._steady = clock.monotonic
        self._changed = asyncio.Event()

    def changed(self) -> None:
        """Say that the current gate is a new one."""
        self._changed.set()

    async def run(self) -> None:
        """Ask everything after each change and each minute; each second, what time may change."""
        next_sweep = self._steady() + SWEEP_SECONDS
        while True:
            is_changed = await self._wait()
            is_sweep = self._steady() >= next_sweep
            if is_sweep:
                next_sweep = self._steady() + SWEEP_SECONDS
            for _ in self.walk(everything=is_changed or is_sweep):
                await asyncio.sleep(0)

    def walk(self, *, everything: bool) -> Iterator[None]:
        """Ask, and end what is refused; yields each time others should get a turn."""
        kept = cut = 0
        began = self._steady()
        for live in tuple(self._in_flight()):
            gate = self._current()
            if everything or gate.is_due(live.who):
                if _stays(gate, live):
                    kept += 1
                else:
                    cut += 1
            if self._steady() - began >= BATCH_SECONDS:
                yield
                began = self._steady()
        if kept or cut:
            self._report(kept, cut)

    async def _wait(self) -> bool:
        """Wait for a change, at most a tick; say whether there was one."""
        try:
            async with asyncio.timeout(TICK_SECONDS):
                await self._changed.wait()
        except TimeoutError:
            return False
        self._changed.clear()
        return True


def _stays(gate: ServiceGate, live: Live) -> bool:
    """Ask about one; where anything goes wrong with it, it is cut and the others go on."""
    try:
        decision = gate.decide(live.who, live.request)
    except Exception:  # noqa: BLE001  a fault in one must not keep the rest from being asked
        _log.exception("asking again about a live request failed")
        decision = _BROKEN
    if not isinstance(decision, Denied):
        return True
    try:
        live.end(decision)
    except Exception:  # noqa: BLE001  as above
        _log.exception("ending a live request failed")
    return False
