"""One Service being served: its listener, its handlers, and what is done to them over time."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterable, Iterator
from typing import Final, Protocol, TypeAlias, final

from config.resources.service import Service
from policy.decision import Denied, Reason
from protocols.api import Handler, Live, ProtocolSpec, Telemetry
from vigil.gate.recheck import Recheck
from vigil.proxy.current import Current
from vigil.proxy.generation import Generation
from vigil.proxy.listener import Listener, Place, bind
from vigil.telemetry.clock import Clock

DRAIN_SECONDS: Final = 30.0
CUT_SECONDS: Final = 0.5
TICK_SECONDS: Final = 1.0
_GONE: Final = Denied(Reason.TYPE_UNKNOWN_REASON, detail="the Service is not declared any more")


class Reports(Telemetry, Protocol):
    """What is told about one Service by its protocol and by those who ask again."""

    def rechecked(self, *, kept: int, cut: int) -> None:
        """Count what stays in flight and what was ended."""
        ...


ReportsOf: TypeAlias = Callable[[Service, ProtocolSpec], Reports]


@final
class RunningService:
    """Serves one Generation after another.

    A listener lives as long as its place, its TLS and its protocol stay the same. Each listener
    has a handler of its own, so that what came through an old one can be drained.
    """

    def __init__(self, generation: Generation, reports_of: ReportsOf, clock: Clock) -> None:
        self._current = Current(generation)
        self._reports_of = reports_of
        self._place: Place | None = None
        self._listener: Listener | None = None
        self._handlers: list[Handler] = []
        self._retiring: list[Handler] = []
        self._retired: asyncio.Queue[tuple[Handler, float, bool]] = asyncio.Queue()
        self._recheck = Recheck(
            lambda: self._current.service_gate, self._in_flight, self._rechecked, clock
        )

    @property
    def generation(self) -> Generation:
        """The Generation in force."""
        return self._current.generation

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        assert self._listener is not None, "the Service was started"
        return self._listener.address

    async def start(self, place: Place) -> None:
        """Listen; raises ConfigError where that cannot be."""
        bound = bind(place)
        self._listener = await self._listen(bound)
        self._place = place

    async def adopt(self, generation: Generation, place: Place) -> bool:
        """Put the next Generation in force; say whether that took another listener.

        Raises ConfigError, with everything as it was, where the new place cannot be had.
        """
        before, old = self.generation, self._listener
        assert old is not None, "the Service was started"
        bound = bind(place) if place != self._place else None
        if generation.protocol is not before.protocol:
            # What speaks the old protocol cannot read the new options and keeps the old ones.
            self._retire(tuple(self._handlers), CUT_SECONDS, is_final=True)
            self._current = Current(generation)
        else:
            self._current.swap(generation)
        self._recheck.changed()
        if bound is None and _is_listened_alike(before, generation):
            return False
        handlers = tuple(self._handlers)
        self._listener = await self._listen(bound or old.duplicate())
        self._place = place
        old.close()
        self._retire(handlers, DRAIN_SECONDS, is_final=False)  # now that nothing new reaches them
        return True

    async def run(self) -> None:
        """Ask again, keep deadlines and drain what is retired, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._recheck.run(), name=f"recheck {self._name}")
            group.create_task(self._tick(), name=f"tick {self._name}")
            while True:
                draining = self._drain(*await self._retired.get())
                group.create_task(draining, name=f"drain {self._name}")

    def close(self) -> None:
        """Accept no more; what was accepted goes on."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    async def stop(self, seconds: float) -> None:
        """Accept no more, and let what is in flight end within ``seconds``."""
        self.close()
        await asyncio.gather(*(handler.drain(seconds, is_final=True) for handler in self._handlers))

    async def remove(self) -> None:
        """End everything, politely and at once: the Service is not declared any more."""
        self.close()
        for live in tuple(self._in_flight()):
            live.end(_GONE)
        await self.stop(CUT_SECONDS)

    @property
    def _name(self) -> str:
        return self.generation.service.metadata.name

    def _in_flight(self) -> Iterator[Live]:
        for handler in self._handlers:
            yield from handler.live()

    def _rechecked(self, kept: int, cut: int) -> None:
        self._reports().rechecked(kept=kept, cut=cut)

    def _reports(self) -> Reports:
        return self._reports_of(self.generation.service, self.generation.protocol)

    async def _listen(self, bound: socket.socket) -> Listener:
        current = self._current
        handler = self.generation.protocol.make(current.gate, self._reports())
        self._handlers.append(handler)
        tls = current.tls_context if self.generation.tls is not None else None
        return await Listener.open(bound, handler, tls)

    def _retire(self, handlers: Iterable[Handler], seconds: float, *, is_final: bool) -> None:
        for handler in handlers:
            if handler in self._handlers and handler not in self._retiring:
                self._retiring.append(handler)
                self._retired.put_nowait((handler, seconds, is_final))

    async def _drain(
        self,
        handler: Handler,
        seconds: float,
        is_final: bool,  # noqa: FBT001  comes out of the queue
    ) -> None:
        await handler.drain(seconds, is_final=is_final)
        self._handlers.remove(handler)
        self._retiring.remove(handler)

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(TICK_SECONDS)
            for handler in self._handlers:
                handler.tick(loop.time())


def _is_listened_alike(before: Generation, after: Generation) -> bool:
    return (
        before.service.spec.mode is after.service.spec.mode
        and before.protocol is after.protocol
        and (before.tls is None) == (after.tls is None)
    )
