"""The admin listener: /metrics, /healthz and /readyz over a small, strict HTTP/1.1, GET only."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Final, Self, final

from vigil.telemetry.metrics import Metrics

MAX_HEAD: Final = 8 * 1024
MAX_CONNECTIONS: Final = 32
HEAD_SECONDS: Final = 5.0
WRITE_SECONDS: Final = 10.0

_REQUEST: Final = re.compile(rb"([A-Z]{1,16}) (/[!-~]{0,2000}) HTTP/1\.[01]")
_FIELD: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\x20-\x7e\x80-\xff\t]*)")
_PLAIN: Final = "text/plain; charset=utf-8"
_PHRASES: Final = {
    200: "OK",
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    431: "Request Header Fields Too Large",
    503: "Service Unavailable",
}


@final
class Admin:
    """Answers operators and their probes.

    ``not_ready`` returns why no traffic should come, or an empty text where it may.
    """

    def __init__(self, metrics: Metrics, not_ready: Callable[[], str]) -> None:
        self._metrics = metrics
        self._not_ready = not_ready
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def listen(self, host: str, port: int) -> Self:
        """Start listening; raises ``OSError`` where that is not possible."""
        self._server = await asyncio.start_server(self.serve, host, port, limit=MAX_HEAD)
        return self

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens, with the port the kernel chose for port 0."""
        assert self._server is not None, "listen() comes first"
        host, port = self._server.sockets[0].getsockname()[:2]
        return host, port

    async def close(self) -> None:
        """Stop listening and cut the connections that are left."""
        if self._server is not None:
            self._server.close()
            for writer in list(self._open):
                writer.transport.abort()
            await self._server.wait_closed()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request and close; every wait has an end."""
        if len(self._open) >= MAX_CONNECTIONS:
            writer.transport.abort()
            return
        self._open.add(writer)
        try:
            response = await self._respond(reader)
            async with asyncio.timeout(WRITE_SECONDS):
                writer.write(response)
                await writer.drain()
                writer.close()
                await writer.wait_closed()
        except (OSError, asyncio.IncompleteReadError):
            writer.transport.abort()
        finally:
            self._open.discard(writer)

    async def _respond(self, reader: asyncio.StreamReader) -> bytes:
        try:
            async with asyncio.timeout(HEAD_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
        except TimeoutError:
            return _response(408)
        except asyncio.LimitOverrunError:
            return _response(431)
        return await self._answer(head)

    async def _answer(self, head: bytes) -> bytes:
        line, *fields = head[:-4].split(b"\r\n")
        request = _REQUEST.fullmatch(line)
        if request is None or not all(_FIELD.fullmatch(field) for field in fields):
            return _response(400)
        path = request[2].partition(b"?")[0]
        if path not in {b"/metrics", b"/healthz", b"/readyz"}:
            return _response(404)
        if request[1] != b"GET":
            return _response(405)
        if path == b"/metrics":
            # In a thread: it takes milliseconds, and requests are being served meanwhile.
            return _response(200, *await asyncio.to_thread(self._metrics.render, _accept(fields)))
        return self._readiness() if path == b"/readyz" else _response(200, _PLAIN, b"ok\n")

    def _readiness(self) -> bytes:
        reason = self._not_ready()
        if reason:
            return _response(503, _PLAIN, f"{reason}\n".encode(errors="replace"))
        return _response(200, _PLAIN, b"ready\n")


def _accept(fields: list[bytes]) -> str:
    found = (_FIELD.fullmatch(field) for field in fields)
    values = (field[2] for field in found if field and field[1].lower() == b"accept")
    return b",".join(values).decode("latin-1").lower()


def _response(status: int, kind: str = _PLAIN, body: bytes | None = None) -> bytes:
    phrase = _PHRASES[status]
    content = f"{phrase}\n".encode() if body is None else body
    head = [
        f"HTTP/1.1 {status} {phrase}",
        f"Content-Type: {kind}",
        f"Content-Length: {len(content)}",
        "Cache-Control: no-store",
        "X-Content-Type-Options: nosniff",
        "Connection: close",
    ]
    if status == 405:
        head.append("Allow: GET")
    return "\r\n".join([*head, "", ""]).encode() + content
