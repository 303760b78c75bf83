"""A WebSocket being relayed: bytes both ways, until one side ends or a refusal comes in between."""

from __future__ import annotations

import asyncio
from typing import Final, Protocol, final

from protocols.http.upstream import UpstreamConnection
from protocols.http.wire.frames import CLOSE_POLICY, FrameBoundary, close_frame

GRACE_SECONDS: Final = 0.3
_GOODBYE: Final = close_frame(CLOSE_POLICY, b"access is no longer allowed")


class Downstream(Protocol):
    """The client's connection, as far as a tunnel goes."""

    def write(self, data: bytes) -> None:
        """Send bytes to the client."""
        ...

    def leave(self) -> None:
        """Send what was written, then close, giving the client time to read it."""
        ...

    def abort(self) -> None:
        """Close at once."""
        ...


class Tally(Protocol):
    """Who is told when the tunnel is over."""

    def end_tunnel(self) -> None:
        """Take the end."""
        ...


@final
class WebSocketTunnel:
    """Relays frames unread. ``end`` puts a Close frame where a frame of the upstream's ends."""

    __slots__ = (
        "_boundary",
        "_downstream",
        "_is_ending",
        "_is_over",
        "_tally",
        "_upstream",
        "received",
        "sent",
    )

    def __init__(self, downstream: Downstream, upstream: UpstreamConnection, tally: Tally) -> None:
        self.sent = 0
        self.received = 0
        self._downstream = downstream
        self._upstream = upstream
        self._tally = tally
        self._boundary = FrameBoundary()
        self._is_ending = False
        self._is_over = False

    def client_sent(self, data: bytes) -> None:
        """Relay what the client sent; after a refusal nothing of it passes."""
        if not self._is_ending:
            self.received += len(data)
            self._upstream.write(data)

    def upstream_sent(self, data: bytes) -> None:
        """Relay what the upstream sent; after a refusal the rest of a begun frame at most."""
        first = self._boundary.feed(data)
        if self._is_ending:
            if first < 0:
                self._send(data)
                return
            self._send(data[:first])
            self._say_goodbye()
            return
        self._send(data)

    def client_lost(self) -> None:
        """End because the client is gone."""
        self._finish()
        self._upstream.close()

    def upstream_lost(self) -> None:
        """End because the upstream is gone."""
        if not self._is_over:
            self._finish()
            self._downstream.leave()

    def end(self) -> None:
        """End because access was withdrawn."""
        if self._is_ending or self._is_over:
            return
        self._is_ending = True
        if self._boundary.is_here:
            self._say_goodbye()
        else:
            asyncio.get_running_loop().call_later(GRACE_SECONDS, self._give_up)

    def _send(self, data: bytes) -> None:
        self.sent += len(data)
        self._downstream.write(data)

    def _say_goodbye(self) -> None:
        self._downstream.write(_GOODBYE)
        self._finish()
        self._upstream.close()
        self._downstream.leave()

    def _give_up(self) -> None:
        if not self._is_over:
            self._finish()
            self._upstream.abort()
            self._downstream.abort()

    def _finish(self) -> None:
        if not self._is_over:
            self._is_over = True
            self._tally.end_tunnel()
