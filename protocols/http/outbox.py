"""What is to be written in this turn of the loop, written at its end in one go."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final, Protocol, TypeAlias, final


class Wire(Protocol):
    """A transport as far as writing goes."""

    def write(self, data: bytes) -> None:
        """Send bytes."""
        ...

    def is_closing(self) -> bool:
        """Whether nothing can be sent any more."""
        ...

    def abort(self) -> None:
        """Close at once."""
        ...


Soon: TypeAlias = Callable[[Callable[[], None]], object]
_log: Final = logging.getLogger(__name__)


def next_turn(deliver: Callable[[], None]) -> None:
    """Call at the end of this turn of the loop."""
    asyncio.get_running_loop().call_soon(deliver)


@final
class Outbox:
    """Gathers writes of all connections.

    A write to a socket wakes whoever reads it on the other side. One after another, with a request
    handled in between, each finds its reader asleep again; back to back they find it awake. That
    is a twentieth of a busy proxy's time.
    """

    __slots__ = ("_soon", "_waiting")

    def __init__(self, soon: Soon = next_turn) -> None:
        self._soon: Final = soon
        self._waiting: list[tuple[Wire, bytes]] = []

    def post(self, wire: Wire, data: bytes) -> None:
        """Send bytes at the end of this turn, in the order of posting."""
        self._waiting.append((wire, data))
        if len(self._waiting) == 1:
            self._soon(self.deliver)

    def deliver(self) -> None:
        """Send everything now: the end of the turn, or somebody is about to close."""
        waiting, self._waiting = self._waiting, []
        for wire, data in waiting:
            if wire.is_closing():
                continue
            try:
                wire.write(data)
            except Exception:  # noqa: BLE001  one connection's fault must not cost others theirs
                _log.exception("a connection could not be written to, and is closed")
                wire.abort()
