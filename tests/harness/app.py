"""The protected web app: a real aiohttp server, run as its own process on the port it is given.

Every path it does not know answers with what it saw of the request, as JSON.
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from aiohttp import WSMsgType, web

from tests.harness.processes import LOOPBACK, Process, free_port

PATTERN: Final = bytes(range(256)) * 256  # 64 KiB
GATES: Final = web.AppKey("gates", defaultdict[str, asyncio.Event])


async def echo(request: web.Request) -> web.Response:
    """Answer with method, target, headers and body digest."""
    digest, size = hashlib.sha256(), 0
    async for chunk in request.content.iter_any():
        digest.update(chunk)
        size += len(chunk)
    seen = {
        "method": request.method,
        "target": request.raw_path,
        "headers": [[key.decode(), value.decode("latin-1")] for key, value in request.raw_headers],
        "size": size,
        "sha256": digest.hexdigest(),
    }
    return web.json_response(seen, headers={"X-Powered-By": "the-app"})


async def websocket(request: web.Request) -> web.WebSocketResponse:
    """Send every message back as it came; close with CODE when told ``close CODE``."""
    socket = web.WebSocketResponse(protocols=("chat",))
    await socket.prepare(request)
    async for message in socket:
        if message.type is WSMsgType.BINARY:
            await socket.send_bytes(message.data)
        elif message.data.startswith("close "):
            await socket.close(code=int(message.data.removeprefix("close ")))
        elif message.type is WSMsgType.TEXT:
            await socket.send_str(message.data)
    return socket


async def events(request: web.Request) -> web.StreamResponse:
    """Send event 1 at once and event 2 only when ``/release/KEY`` was asked for."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    await response.write(b"data: 1\n\n")
    await request.app[GATES][request.match_info["key"]].wait()
    await response.write(b"data: 2\n\n")
    await response.write_eof()
    return response


async def held(request: web.Request) -> web.Response:
    """Answer only when ``/release/KEY`` was asked for."""
    await request.app[GATES][request.match_info["key"]].wait()
    return web.Response(text="released")


async def release(request: web.Request) -> web.Response:
    request.app[GATES][request.match_info["key"]].set()
    return web.Response(text="ok")


async def download(request: web.Request) -> web.StreamResponse:
    """Send SIZE bytes of the pattern, with a length or, under ``/chunked/``, without."""
    size = int(request.match_info["size"])
    response = web.StreamResponse()
    if not request.path.startswith("/chunked/"):
        response.content_length = size
    await response.prepare(request)
    async for block in _blocks(size):
        await response.write(block)
    await response.write_eof()
    return response


async def _blocks(size: int) -> AsyncIterator[bytes]:
    while size > 0:
        yield PATTERN[:size]
        size -= len(PATTERN)


async def status(request: web.Request) -> web.Response:
    """Answer with the asked status and a few headers of an upstream's own."""
    headers = {"Server": "the-app", "Set-Cookie": "app=1; Path=/"}
    return web.Response(status=int(request.match_info["code"]), text="as asked", headers=headers)


def build() -> web.Application:
    """Return the application with all its routes."""
    app = web.Application(client_max_size=0)
    app[GATES] = defaultdict(asyncio.Event)
    app.router.add_get("/ws", websocket)
    app.router.add_get("/events/{key}", events)
    app.router.add_get("/held/{key}", held)
    app.router.add_post("/release/{key}", release)
    app.router.add_get("/download/{size}", download)
    app.router.add_get("/chunked/{size}", download)
    app.router.add_route("*", "/status/{code}", status)
    app.router.add_route("*", "/{path:.*}", echo)
    return app


def start(directory: Path) -> tuple[Process, int]:
    """Start the app as its own process and return it with its port."""
    port = free_port()
    argv = [sys.executable, str(Path(__file__)), str(port)]
    return Process(argv, directory, name="app").ready(port), port


if __name__ == "__main__":
    port = int(sys.argv[1])
    web.run_app(
        build(), host=LOOPBACK, port=port, print=None, access_log=None, shutdown_timeout=0.1
    )
