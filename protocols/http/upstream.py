"""The connection to an upstream: one request at a time, its answer framed and handed on."""

from __future__ import annotations

import asyncio
from typing import Final, Protocol, cast, final

from protocols.http.outbox import Outbox
from protocols.http.wire.body import Body, ChunkedBody, EndlessBody, LengthBody
from protocols.http.wire.errors import PeerError
from protocols.http.wire.head import head_end
from protocols.http.wire.names import Names
from protocols.http.wire.response import ResponseHead, has_no_body, scan_response
from protocols.permit import Upstream

CLOSE_SECONDS: Final = 30.0
"""For an upstream to take what it was sent before the end; without it, one could take forever."""


class Asking(Protocol):
    """The request being answered, as far as its upstream connection goes."""

    method: bytes
    """The request's method, which decides whether there is a body."""
    names: Names
    """How response fields are treated."""
    is_sent: bool
    """Whether the whole request went upstream."""

    @property
    def wants_payload(self) -> bool:
        """Whether chunks are to be taken apart, for a client that does not know them."""
        ...

    def interim(self, head: ResponseHead) -> None:
        """Take a 1xx answer."""
        ...

    def switched(self, head: ResponseHead, rest: bytes) -> None:
        """Take a 101 and what came after it."""
        ...

    def begin_answer(self, head: ResponseHead, body: Body | None) -> bytes:
        """Take the final head; return what the client gets for it."""
        ...

    def send(self, opening: bytes, data: bytes) -> None:
        """Send the client its head, if not sent yet, and body bytes."""
        ...

    def end_answer(self) -> None:
        """Take the end of the answer."""
        ...

    def upstream_full(self, *, is_full: bool) -> None:
        """Stop or go on sending the request's body."""
        ...

    def lose_upstream(self, reason: str, *, is_stale: bool) -> None:
        """Take the loss of the connection before the answer was whole.

        ``is_stale``: it had been idle and gave no byte, so the upstream may have closed it before
        the request came.
        """
        ...


class Tunnel(Protocol):
    """What takes over once the protocol was switched."""

    def upstream_sent(self, data: bytes) -> None:
        """Take bytes from the upstream."""
        ...

    def upstream_lost(self) -> None:
        """Take the end of the upstream's side."""
        ...


class Owner(Protocol):
    """Who keeps the connection while it is idle, and sends for it."""

    @property
    def outbox(self) -> Outbox:
        """Where what is written goes."""
        ...

    def release(self, connection: UpstreamConnection) -> None:
        """Keep a clean connection for the next request."""
        ...

    def forget(self, connection: UpstreamConnection) -> None:
        """Drop a connection that closed while idle."""
        ...


@final
class UpstreamConnection(asyncio.Protocol):
    """One connection to one Upstream."""

    __slots__ = (
        "_asking",
        "_body",
        "_buffer",
        "_is_keep_alive",
        "_is_paused",
        "_is_reused",
        "_owner",
        "_transport",
        "idle_since",
        "is_closed",
        "tunnel",
        "upstream",
    )

    def __init__(self, owner: Owner, upstream: Upstream) -> None:
        self.upstream: Final = upstream
        self.idle_since = -1.0
        self.is_closed = True
        self.tunnel: Tunnel | None = None
        self._owner = owner
        self._transport: asyncio.Transport
        self._asking: Asking | None = None
        self._body: Body | None = None
        self._buffer = b""
        self._is_keep_alive = True
        self._is_paused = False
        self._is_reused = False

    def ask(self, asking: Asking) -> None:
        """Answer this request next."""
        self._is_reused = self.idle_since >= 0.0
        self._asking = asking

    def write(self, data: bytes) -> None:
        """Send bytes of the request."""
        self._owner.outbox.post(self._transport, data)

    def pause(self) -> None:
        """Read no more: the client is slower."""
        if not self._is_paused and not self.is_closed:
            self._is_paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read on."""
        if self._is_paused and not self.is_closed:
            self._is_paused = False
            self._transport.resume_reading()

    def close(self) -> None:
        """Close once everything written is sent; whoever asked is not told."""
        self._let_go()
        self._owner.outbox.deliver()
        self._transport.close()
        if self._transport.get_write_buffer_size():
            asyncio.get_running_loop().call_later(CLOSE_SECONDS, self._transport.abort)

    def abort(self) -> None:
        """Close at once; whoever asked is not told."""
        self._let_go()
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        # uvloop's transports do all that asyncio.Transport says without being one.
        self._transport = cast("asyncio.Transport", transport)
        self.is_closed = False

    def data_received(self, data: bytes) -> None:
        """Read the answer."""
        asking = self._asking
        if self.tunnel is not None:
            self.tunnel.upstream_sent(data)
        elif asking is None:
            # Bytes that nobody asked for: whatever comes next could answer the wrong request.
            self._owner.forget(self)
            self.abort()
        elif self._body is None:
            self._read_head(asking, self._buffer + data if self._buffer else data)
        else:
            self._read_body(asking, data, b"")

    def eof_received(self) -> None:
        """Let the transport close. It does so a turn later; until then nobody may take it."""
        if self._asking is None and not self.is_closed:
            self._owner.forget(self)
            self.is_closed = True

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever asked, unless the end of the connection is the end of the answer."""
        asking, is_idle = self._asking, self._asking is None and not self.is_closed
        self._asking, self.is_closed = None, True
        if self.tunnel is not None:
            self.tunnel.upstream_lost()
        elif is_idle:
            self._owner.forget(self)
        elif asking is not None and isinstance(self._body, EndlessBody) and exc is None:
            asking.end_answer()
        elif asking is not None:
            is_stale = self._is_reused and self._body is None and not self._buffer
            asking.lose_upstream("the upstream closed the connection", is_stale=is_stale)

    def pause_writing(self) -> None:
        """Tell whoever asked to wait."""
        if self._asking is not None:
            self._asking.upstream_full(is_full=True)

    def resume_writing(self) -> None:
        """Tell whoever asked to go on."""
        if self._asking is not None:
            self._asking.upstream_full(is_full=False)

    def _read_head(self, asking: Asking, data: bytes) -> None:
        while True:
            try:
                end = head_end(data)
                if end < 0:
                    self._buffer = data
                    return
                head = scan_response(data[:end], asking.names)
            except PeerError as error:
                self._break(asking, error)
                return
            data = data[end + 4 :]
            self._buffer = b""
            if head.status >= 200:
                self._begin_body(asking, head, data)
                return
            if head.status == 101:
                asking.switched(head, data)
                return
            self._is_reused = False  # it was there to read the request
            asking.interim(head)

    def _begin_body(self, asking: Asking, head: ResponseHead, data: bytes) -> None:
        self._is_keep_alive = head.is_keep_alive
        body = _body_of(asking, head)
        opening = asking.begin_answer(head, body)
        if body is None:
            asking.send(opening, b"")
            self._finish(asking, is_clean=not data)
            return
        self._body = body
        if len(data) == head.fields.length:
            asking.send(opening, data)
            self._finish(asking, is_clean=True)
        elif data:
            self._read_body(asking, data, opening)
        else:
            asking.send(opening, b"")

    def _read_body(self, asking: Asking, data: bytes, opening: bytes) -> None:
        body = self._body
        assert body is not None, "the head was read"
        try:
            relayed = body.feed(data)
        except PeerError as error:
            self._break(asking, error)
            return
        if relayed or opening:
            asking.send(opening, relayed)
        if body.is_done:
            self._finish(asking, is_clean=not body.rest)

    def _finish(self, asking: Asking, *, is_clean: bool) -> None:
        """End the answer. Only a connection on which nothing is left over is used again."""
        if self._asking is None:
            return
        self._asking = None
        self._body = None
        if not asking.is_sent or self._transport.get_write_buffer_size():
            self.abort()  # it answered early, and may never read the rest
        elif is_clean and self._is_keep_alive and not self._transport.is_closing():
            if self._is_paused:
                self.resume()
            self._owner.release(self)
        else:
            self.close()
        asking.end_answer()

    def _break(self, asking: Asking, error: PeerError) -> None:
        self.abort()
        asking.lose_upstream(f"the upstream's answer is broken: {error.reason}", is_stale=False)

    def _let_go(self) -> None:
        self._asking = None
        self.tunnel = None
        self.is_closed = True


def _body_of(asking: Asking, head: ResponseHead) -> Body | None:
    if has_no_body(asking.method, head.status):
        return None
    if head.fields.is_chunked:
        return ChunkedBody(asking.names, is_decoded=asking.wants_payload)
    if head.fields.length is not None:
        return LengthBody(head.fields.length)
    return EndlessBody()
