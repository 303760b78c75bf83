"""A protocol that only remembers what was done to it, and a listener without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Self

from config.resources.service import Mode, Service
from policy.decision import Denied
from policy.principal import ANONYMOUS, Caller
from policy.request import Request
from protocols.api import Gate, Prepared, ProtocolSpec, Secrets, Telemetry
from protocols.permit import NoLogin
from tests.harness.gates import Asked


@dataclass
class FakeLive:
    """A stream in flight."""

    who: Caller = ANONYMOUS
    request: Request = field(default_factory=Asked)
    ended: Denied | None = None

    def end(self, denied: Denied) -> None:
        self.ended = denied


class FakeHandler:
    """Holds streams; drains as fast as ``gate`` lets it."""

    def __init__(self, current: Callable[[], Gate]) -> None:
        self.current = current
        self.streams: list[FakeLive] = []
        self.drained: list[float] = []
        self.ticks: list[float] = []
        self.may_drain = asyncio.Event()
        self.may_drain.set()

    def connection(self, *, is_tls: bool) -> asyncio.BaseProtocol:
        raise NotImplementedError

    def live(self) -> Iterable[FakeLive]:
        return [stream for stream in self.streams if stream.ended is None]

    async def drain(self, seconds: float, *, is_final: bool) -> None:
        self.drained.append(seconds)
        await self.may_drain.wait()

    def tick(self, now: float) -> None:
        self.ticks.append(now)


class FakeProtocol:
    """A ProtocolSpec whose handlers are all at hand."""

    def __init__(self) -> None:
        self.handlers: list[FakeHandler] = []
        self.spec: Final = ProtocolSpec(
            modes=frozenset({Mode.HTTP}), labels=(), prepare=self._prepare, make=self._make
        )

    def _prepare(self, service: Service, secrets: Secrets) -> Prepared:
        return Prepared(options=service.metadata.name, login=NoLogin())

    def _make(self, current: Callable[[], Gate], telemetry: Telemetry) -> FakeHandler:
        handler = FakeHandler(current)
        self.handlers.append(handler)
        return handler


class FakeSocket:
    """A place that is taken until it is closed."""

    def __init__(self, place: Any) -> None:
        self.place = place

    def dup(self) -> FakeSocket:
        return FakeSocket(self.place)


class FakeListener:
    """Stands for an open listener; all that were opened are in ``opened``."""

    opened: list[FakeListener]

    def __init__(self, bound: FakeSocket, handler: Any, tls: Any) -> None:
        self.bound, self.handler, self.tls = bound, handler, tls
        self.is_open = True
        self.address = (bound.place.host, bound.place.port)

    @classmethod
    async def open(cls, bound: FakeSocket, handler: Any, tls: Any) -> Self:
        listener = cls(bound, handler, tls)
        cls.opened.append(listener)
        return listener

    def duplicate(self) -> FakeSocket:
        return self.bound.dup()

    def close(self) -> None:
        self.is_open = False
