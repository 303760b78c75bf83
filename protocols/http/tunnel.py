"""A WebSocket being relayed: bytes both ways, until one side or we end it."""

from __future__ import annotations

import asyncio
from typing import Final, Protocol, final

from protocols.http.upstream import UpstreamConnection
from protocols.http.wire.frames import CLOSE_AWAY, CLOSE_POLICY, FrameBoundary, close_frame

GRACE_SECONDS: Final = 0.3
WITHDRAWN: Final = close_frame(CLOSE_POLICY, b"access is no longer allowed")
GOING_AWAY: Final = close_frame(CLOSE_AWAY, b"the proxy is going away")


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
        "_goodbye",
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
        self._goodbye = b""
        self._is_ending = False
        self._is_over = False

    def client_sent(self, data: bytes) -> None:
        """Relay what the client sent; once we are ending nothing of it passes."""
        if not self._is_ending:
            self.received += len(data)
            self._upstream.write(data)

    def upstream_sent(self, data: bytes) -> None:
        """Relay what the upstream sent; once we are ending the rest of a begun frame at most."""
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

    def end(self, goodbye: bytes) -> None:
        """End because we want it, saying so with this Close frame."""
        if self._is_ending or self._is_over:
            return
        self._is_ending = True
        self._goodbye = goodbye
        if self._boundary.is_here:
            self._say_goodbye()
        else:
            asyncio.get_running_loop().call_later(GRACE_SECONDS, self._give_up)

    def _send(self, data: bytes) -> None:
        self.sent += len(data)
        self._downstream.write(data)

    def _say_goodbye(self) -> None:
        self._downstream.write(self._goodbye)
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
