"""HTTP at work for one Service: makes connections, knows what is in flight, keeps deadlines."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import final

from protocols.api import Gate, Live, Telemetry
from protocols.http.client import ClientConnection
from protocols.http.site import Site


def make(current: Callable[[], Gate], telemetry: Telemetry) -> HttpHandler:
    """Build the handler of one Service, whose Generation in force is ``current()``."""
    return HttpHandler(Site(current, telemetry))


@final
class HttpHandler:
    """Implements ``protocols.api.Handler``, and keeps count of its connections."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._clients: set[ClientConnection] = set()
        self._is_empty = asyncio.Event()

    def connection(self, *, is_tls: bool) -> ClientConnection:
        """Return the protocol object for one newly accepted connection."""
        return ClientConnection(self._site, self, is_tls=is_tls)

    def join(self, client: ClientConnection) -> None:
        """Count an open connection."""
        self._clients.add(client)
        self._is_empty.clear()

    def leave(self, client: ClientConnection) -> None:
        """Count a connection that is gone."""
        self._clients.discard(client)
        if not self._clients:
            self._is_empty.set()

    def live(self) -> Iterator[Live]:
        """Yield what was allowed and goes on."""
        for client in tuple(self._clients):
            exchange = client.exchange
            if exchange is not None and exchange.is_live:
                yield exchange

    async def drain(self, seconds: float, *, is_final: bool) -> None:
        """Take no further request, and let those in flight end within ``seconds``, then cut."""
        self._site.is_draining = True
        for client in tuple(self._clients):
            client.finish(is_final=is_final)
        try:
            async with asyncio.timeout(seconds):
                await self._emptied()
        except TimeoutError:
            for client in tuple(self._clients):
                if is_final or not client.is_streaming:
                    client.cut()
        await self._emptied()
        self._site.close()

    async def _emptied(self) -> None:
        if self._clients:
            await self._is_empty.wait()

    def tick(self, now: float) -> None:
        """Enforce deadlines."""
        self._site.tick(now)
        for client in tuple(self._clients):
            client.expire(now)
