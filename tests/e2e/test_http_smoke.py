"""The HTTP handler alone on real sockets, on both event loops, with TLS and without."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvloop

from protocols.http.handler import make
from protocols.permit import Upstream, UpstreamTLS
from tests.harness.certificates import Authority
from tests.harness.gate import FakeGate, FakeTelemetry
from tests.harness.proxying import get, post

LOOPS = [
    pytest.param(asyncio.new_event_loop, id="asyncio"),
    pytest.param(uvloop.new_event_loop, id="uvloop"),
]
BIG = 3_000_000


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer each request with its own body."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int([*head.lower().split(b"content-length: "), b"0"][1].split(b"\r\n")[0])
            body = await reader.readexactly(length)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % length + body)
            await writer.drain()
    except asyncio.IncompleteReadError:
        writer.close()


class Running:
    """A handler between a listener and an upstream, each with TLS or without."""

    def __init__(self, authority: Authority | None) -> None:
        self.authority = authority
        self.telemetry = FakeTelemetry()

    @asynccontextmanager
    async def connected(
        self,
    ) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        server_tls = self.authority.server("localhost") if self.authority else None
        upstream = await asyncio.start_server(_echo, "127.0.0.1", 0, ssl=server_tls)
        gate = FakeGate(upstreams=(self._upstream(upstream.sockets[0].getsockname()[1]),))
        handler = make(lambda: gate, self.telemetry)
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: handler.connection(is_tls=self.authority is not None),
            "127.0.0.1",
            0,
            ssl=server_tls,
        )
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection(
            "localhost", port, ssl=self._client_tls(), limit=2**22
        )
        try:
            yield reader, writer
        finally:
            writer.close()
            server.close()
            await handler.drain(2, is_final=True)
            upstream.close()
            await asyncio.sleep(0)

    def _upstream(self, port: int) -> Upstream:
        tls = None
        if self.authority is not None:
            tls = UpstreamTLS("localhost", trusted_cas=(self.authority.pem,))
        return Upstream("127.0.0.1", port, f"localhost:{port}", tls=tls)

    def _client_tls(self) -> ssl.SSLContext | None:
        if self.authority is None:
            return None
        return ssl.create_default_context(cadata=self.authority.pem)


async def _response(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    return await reader.readexactly(int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0]))


async def _converse(running: Running) -> list[bytes]:
    async with running.connected() as (reader, writer):
        writer.write(get("/1") + post("/2", b"two") + post("/3", b"x" * BIG) + get("/4"))
        return [await _response(reader) for _ in range(4)]


@pytest.mark.parametrize("new_loop", LOOPS)
@pytest.mark.parametrize("is_tls", [False, True], ids=["plain", "tls"])
def test_a_pipeline_of_requests_is_answered(
    new_loop: Callable[[], asyncio.AbstractEventLoop], is_tls: bool, tmp_path: Path
) -> None:
    running = Running(Authority(tmp_path) if is_tls else None)
    with asyncio.Runner(loop_factory=new_loop) as runner:
        bodies = runner.run(asyncio.wait_for(_converse(running), 20))
    assert bodies == [b"", b"two", b"x" * BIG, b""]
    assert running.telemetry.active == 0
    assert running.telemetry.dials == [True]
