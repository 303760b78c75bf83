"""The proxy one writes first: aiohttp's server and client, and headers copied between them."""

from __future__ import annotations

import sys
from typing import Final

import aiohttp
import uvloop
from aiohttp import web

_HOP_BY_HOP: Final = frozenset(
    {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)
_NOT_FORWARDED: Final = _HOP_BY_HOP | {"host", "authorization", "cookie"}


def proxy(upstream: str) -> web.Application:
    """Return an application that forwards everything to ``upstream``."""

    async def connect(app: web.Application) -> None:
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=3600)
        app["client"] = aiohttp.ClientSession(connector=connector, auto_decompress=False)

    async def forward(request: web.Request) -> web.StreamResponse:
        headers = {k: v for k, v in request.headers.items() if k.lower() not in _NOT_FORWARDED}
        headers["X-User"] = "alice"
        body = request.content if request.can_read_body else None
        client = request.app["client"]
        async with client.request(
            request.method, upstream + request.path_qs, headers=headers, data=body
        ) as answer:
            kept = {k: v for k, v in answer.headers.items() if k.lower() not in _HOP_BY_HOP}
            response = web.StreamResponse(status=answer.status, headers=kept)
            await response.prepare(request)
            async for chunk in answer.content.iter_any():
                await response.write(chunk)
            await response.write_eof()
            return response

    app = web.Application()
    app.on_startup.append(connect)
    app.router.add_route("*", "/{path:.*}", forward)
    return app


if __name__ == "__main__":
    uvloop.install()
    application = proxy(f"http://127.0.0.1:{sys.argv[2]}")
    web.run_app(application, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)
