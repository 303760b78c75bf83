"""One HTTP handler between clients and upstreams that are no sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from protocols.api import Gate
from protocols.http.handler import HttpHandler
from protocols.http.outbox import Soon
from protocols.http.site import Site
from protocols.http.upstream import UpstreamConnection
from protocols.net.dial import DialError
from protocols.permit import Permit, Upstream
from tests.harness.clock import FakeClock
from tests.harness.gate import TOKEN, FakeGate, FakeTelemetry
from tests.harness.transport import LOOPBACK, FakeTransport

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def get(path: str = "/", *headers: str, method: str = "GET", token: bytes = TOKEN) -> bytes:
    """Build a request with a good token; ``headers`` are whole lines."""
    lines = [f"{method} {path} HTTP/1.1", "Host: svc.example", *headers]
    if token:
        lines.append(f"Authorization: Bearer {token.decode()}")
    return "\r\n".join([*lines, "", ""]).encode()


def post(path: str, body: bytes, *headers: str) -> bytes:
    """Build a request with a body of declared length."""
    return get(path, f"Content-Length: {len(body)}", *headers, method="POST") + body


class Proxying:
    """Clients are FakeTransports, and so is the upstream side of every connection dialled."""

    def __init__(
        self, gate: FakeGate | None = None, *, soon: Soon = lambda deliver: deliver()
    ) -> None:
        self.gate = gate or FakeGate()
        self.telemetry = FakeTelemetry()
        self.clock = FakeClock()
        self.dialled: list[FakeTransport] = []
        self.error: DialError | None = None
        self.answering = asyncio.Event()
        self.answering.set()
        self.handler = HttpHandler(
            Site(
                lambda: self.gate,
                self.telemetry,
                dial=self._dial,
                monotonic=self.clock.monotonic,
                wall=self.clock.now,
                soon=soon,
            )
        )

    def client(self, *, peer: object = LOOPBACK, is_tls: bool = False) -> FakeTransport:
        """Accept a connection."""
        return FakeTransport(self.handler.connection(is_tls=is_tls), peer=peer, is_tls=is_tls)

    async def ask(self, client: FakeTransport, request: bytes) -> bytes:
        """Send a request whose answer is Vigil's own."""
        client.feed(request)
        await self.settle()
        return client.take()

    async def forward(self, client: FakeTransport, request: bytes) -> FakeTransport:
        """Send a request and return the upstream connection it arrived on."""
        client.feed(request)
        await self.settle()
        return self.upstream

    @property
    def upstream(self) -> FakeTransport:
        """The upstream connection dialled last."""
        return self.dialled[-1]

    def wait(self, seconds: float) -> None:
        """Let time pass, ticking once a second."""
        for _ in range(int(seconds)):
            self.clock.advance(1.0)
            self.handler.tick(self.clock.monotonic())

    async def settle(self) -> None:
        """Let everything run that can."""
        for _ in range(5):
            await asyncio.sleep(0)

    async def _dial(
        self, gate: Gate, permit: Permit, make: Callable[[Upstream], UpstreamConnection]
    ) -> UpstreamConnection:
        await self.answering.wait()
        if self.error is not None:
            raise self.error
        connection = make(permit.upstreams[0])
        self.dialled.append(FakeTransport(connection))
        return connection
