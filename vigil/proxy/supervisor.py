"""All Services of one process: started, changed, removed and stopped as the resources say."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, final

from config.errors import ConfigError, Problem
from config.resources.service import Service
from config.snapshot import Snapshot
from protocols.api import ProtocolSpec
from vigil.proxy.generation import Builder, Generation, Generations
from vigil.proxy.listener import Place
from vigil.proxy.running import Reports, RunningService
from vigil.telemetry.clock import Clock

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """Which Services are one process's to serve, where, and who hears of it."""

    wanted: Callable[[Snapshot], Iterable[str]]
    place: Callable[[Generation], Place]
    reports: Callable[[Service, ProtocolSpec], Reports]
    announce: Callable[[RunningService], None]


@final
class Supervisor:
    """Runs a process's Services inside one TaskGroup."""

    def __init__(self, builder: Builder, charge: Charge, clock: Clock) -> None:
        self._builder = builder
        self._charge = charge
        self._clock = clock
        self._running: dict[str, RunningService] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    @property
    def running(self) -> tuple[RunningService, ...]:
        """The Services that are being served."""
        return tuple(self._running.values())

    async def apply(self, snapshot: Snapshot, group: asyncio.TaskGroup) -> None:
        """Serve what the Snapshot declares from now on.

        Raises ConfigError, with everything served as before, where a Generation cannot be built.
        A Service that cannot listen is said in the error, too, and keeps what it had.
        """
        previous = {name: service.generation for name, service in self._running.items()}
        names = tuple(self._charge.wanted(snapshot))
        built = await asyncio.to_thread(self._builder.build, snapshot, names, previous)
        self._remove_others(built, group)
        problems: list[Problem] = []
        # Those served already go first: one may leave the port that a new one is to have.
        for name in sorted(built, key=lambda name: name not in self._running):
            try:
                await self._serve(name, built[name], group)
            except ConfigError as error:
                problems.extend(error.problems)
        if problems:
            raise ConfigError(problems)

    async def stop(self, seconds: float) -> None:
        """Stop accepting everywhere, and let what is in flight end within ``seconds``."""
        try:
            await asyncio.gather(*(service.stop(seconds) for service in self._running.values()))
        finally:
            for task in self._tasks.values():
                task.cancel()

    async def _serve(self, name: str, generation: Generation, group: asyncio.TaskGroup) -> None:
        service = self._running.get(name)
        place = self._charge.place(generation)
        if service is not None:
            if await service.adopt(generation, place):
                self._charge.announce(service)
            return
        service = RunningService(generation, self._charge.reports, self._clock)
        await service.start(place)
        self._running[name] = service
        self._tasks[name] = group.create_task(service.run(), name=f"serve {name}")
        self._charge.announce(service)

    def _remove_others(self, built: Generations, group: asyncio.TaskGroup) -> None:
        for name in [name for name in self._running if name not in built]:
            service, task = self._running.pop(name), self._tasks.pop(name)
            service.close()  # now, so that its place is free for another
            group.create_task(_remove(service, task), name=f"remove {name}")
            _log.info("%s is not declared any more and is served no longer", name)


async def _remove(service: RunningService, task: asyncio.Task[None]) -> None:
    await service.remove()
    task.cancel()
