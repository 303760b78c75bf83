"""The connection to a client: requests are read one after another and answered in their order."""

from __future__ import annotations

import asyncio
import secrets
from typing import Final, Protocol, cast, final

from protocols.api import Peer
from protocols.http.answer import explained
from protocols.http.answering import MOST_DISCARDED
from protocols.http.exchange import Exchange
from protocols.http.headers import Headers
from protocols.http.peer import peer_of
from protocols.http.record import broken_record
from protocols.http.request import HttpRequest
from protocols.http.site import Site
from protocols.http.tunnel import GOING_AWAY, WebSocketTunnel
from protocols.http.wire.body import Body, request_body
from protocols.http.wire.errors import PeerError
from protocols.http.wire.head import MAX_HEAD, head_end, head_start
from protocols.http.wire.names import Names
from protocols.http.wire.request import scan_request
from protocols.net.keepalive import watch_for_death

HEAD_SECONDS: Final = 10.0
BODY_SECONDS: Final = 30.0
IDLE_SECONDS: Final = 75.0
STALL_SECONDS: Final = 60.0
ANSWER_SECONDS: Final = 600.0
LINGER_SECONDS: Final = 2.0

MOST_AT_ONCE: Final = 32
"""Pipelined requests read in one turn: the answers wait unsent, and so do other connections."""

# Why the client is not read from; a connection may have several reasons at once.
_HELD: Final = 1
_UPSTREAM: Final = 2


class Roster(Protocol):
    """Who keeps count of the connections."""

    def join(self, client: ClientConnection) -> None:
        """Count an open connection."""
        ...

    def leave(self, client: ClientConnection) -> None:
        """Count a connection that is gone."""
        ...


@final
class ClientConnection(asyncio.Protocol):
    """One accepted connection."""

    __slots__ = (
        "_body",
        "_buffer",
        "_discarded",
        "_exchange",
        "_headers",
        "_is_advancing",
        "_is_half_closed",
        "_is_leaving",
        "_is_tls",
        "_pauses",
        "_roster",
        "_since",
        "_site",
        "_transport",
        "_tunnel",
        "_unwritten",
        "_was_asked",
        "connection_id",
        "is_full",
        "is_last",
        "peer",
    )

    def __init__(self, site: Site, roster: Roster, *, is_tls: bool) -> None:
        self.peer: Peer
        self.connection_id = secrets.token_hex(8)
        self.is_last = False
        self.is_full = False
        self._site = site
        self._roster = roster
        self._is_tls = is_tls
        self._transport: asyncio.Transport
        self._exchange: Exchange | None = None
        self._tunnel: WebSocketTunnel | None = None
        self._body: Body | None = None
        self._headers: Headers | None = None
        self._buffer = b""
        self._pauses = 0
        self._discarded = 0
        self._unwritten = 0
        self._since = site.now
        self._was_asked = False
        self._is_advancing = False
        self._is_half_closed = False
        self._is_leaving = False

    @property
    def exchange(self) -> Exchange | None:
        """The request being answered."""
        return self._exchange

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport and see who is on the other end."""
        # uvloop's transports do all that asyncio.Transport says without being one.
        self._transport = cast("asyncio.Transport", transport)
        self.peer = peer_of(transport.get_extra_info("peername"), is_tls=self._is_tls)
        if self._site.is_closed:
            # A handshake that ended after its listener did: nobody would ask about it again.
            self.abort()
            return
        watch_for_death(transport)
        self._roster.join(self)

    def data_received(self, data: bytes) -> None:
        """Read on."""
        if self._tunnel is not None:
            self._tunnel.client_sent(data)
        elif not self._is_leaving:
            self._advance(self._buffer + data if self._buffer else data)

    def eof_received(self) -> bool:
        """Answer what was asked even if the client sends no more."""
        if self._exchange is None or self._body is not None or self._tunnel is not None:
            self._site.outbox.deliver()  # the transport closes now, and takes nothing after that
            return False
        self._is_half_closed = True
        self._since = self._site.now
        return not self._is_tls

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - why does not matter
        """Give up what is being answered."""
        self._roster.leave(self)
        self._is_leaving = True
        self._buffer = b""
        if self._exchange is not None:
            exchange, self._exchange = self._exchange, None
            exchange.client_lost()

    def pause_writing(self) -> None:
        """Have the answer wait for a client that reads slowly."""
        self.is_full = True
        self._since = self._site.now
        if self._exchange is not None:
            self._exchange.client_full(is_full=True)

    def resume_writing(self) -> None:
        """Let the answer go on, and the requests that were held meanwhile."""
        self.is_full = False
        self._since = self._site.now
        if self._exchange is not None:
            self._exchange.client_full(is_full=False)
        else:
            self._read_on()

    # What an exchange and a tunnel may ask for.

    def write(self, data: bytes) -> None:
        """Send bytes to the client."""
        self._site.outbox.post(self._transport, data)

    def abort(self) -> None:
        """Close at once."""
        self._is_leaving = True
        self._exchange = None
        self._transport.abort()

    def leave(self) -> None:
        """Send what was written, then close, giving the client time to read it.

        Closing with bytes unread makes the kernel reset the connection, and what was just written
        would be lost with it. So reading goes on for a while, into nothing.
        """
        self._is_leaving = True
        self._exchange, self._tunnel, self._body, self._buffer = None, None, None, b""
        self._since = self._site.now
        self._site.outbox.deliver()
        if self._transport.is_closing() or not self._transport.can_write_eof():
            self._transport.close()
            return
        self._transport.write_eof()
        self._resume(_HELD | _UPSTREAM)

    def wait(self, *, for_upstream: bool) -> None:
        """Stop reading the request's body until the upstream can take it, or go on."""
        if for_upstream:
            self._pause(_UPSTREAM)
        else:
            self._since = self._site.now
            self._resume(_UPSTREAM)

    def tunnel_through(self, tunnel: WebSocketTunnel) -> None:
        """Hand everything the client sends from now on to the tunnel."""
        data, self._buffer = self._buffer, b""
        self._tunnel = tunnel
        if data:
            tunnel.client_sent(data)
        self._resume(_HELD)

    def exchange_over(self) -> None:
        """Go on to the next request, or end."""
        self._exchange = None
        self._since = self._site.now
        self._discarded = 0
        if self.is_last or (self._is_half_closed and not self._buffer):
            self._end()
            return
        if self._pauses or self._buffer:
            self._resume(_UPSTREAM)
            if not self._is_advancing:
                self._read_on()

    # Reading.

    def _read_on(self) -> None:
        if self._exchange is not None or self._is_leaving:
            return
        data, self._buffer = self._buffer, b""
        self._resume(_HELD)
        if data:
            self._advance(data)

    def _advance(self, data: bytes) -> None:
        self._is_advancing = True
        left = MOST_AT_ONCE
        try:
            while data and not self._is_leaving:
                if self._body is not None:
                    data = self._read_body(self._body, data)
                elif self._exchange is not None or self.is_full or not left:
                    self._buffer = data
                    self._pause(_HELD)
                    break
                else:
                    data = self._read_head(data)
                    left -= 1
        except PeerError as error:
            self._refuse(error)
        finally:
            self._is_advancing = False
        if self._exchange is not None:
            self._exchange.flush()
        elif not left:
            asyncio.get_running_loop().call_soon(self._read_on)

    def _read_head(self, data: bytes) -> bytes:
        """Begin the next request; return what follows its head."""
        start, end = 0, data.find(b"\r\n\r\n")
        if not 0 < end < MAX_HEAD or data[0] == 0x0D:
            start = head_start(data)
            end = head_end(data, start)
        if end < 0:
            if not self._buffer:
                self._since = self._site.now
            self._buffer = data
            return b""
        self._buffer = b""
        gate = self._site.current()
        names: Names = gate.options.request_names
        headers = self._headers
        head = scan_request(data[start:end], names, headers.fields if headers else None)
        if headers is None or headers.fields is not head.fields:
            headers = self._headers = Headers(head.fields, self.peer, gate)
        request = HttpRequest(head, headers, is_tls=self._is_tls)
        self._was_asked = True
        self._since = self._site.now
        self.is_last = not head.is_keep_alive or self._site.is_draining
        fields = head.fields
        has_more = fields.is_chunked or fields.length or head.is_upgrade
        self._body = body = request_body(fields, names) if has_more else None
        if head.is_upgrade and (body is not None or head.method != b"GET"):
            head.is_upgrade = False
        self._exchange = exchange = Exchange(self._site, self, gate, request)
        exchange.is_sent = body is None
        exchange.begin()
        return data[end + 4 :]

    def _read_body(self, body: Body, data: bytes) -> bytes:
        """Relay or drop part of a body; return what follows it."""
        relayed = body.feed(data)
        self._since = self._site.now
        if body.is_done:
            self._body = None
        if self._exchange is not None:
            self._exchange.body(relayed, is_last=body.is_done)
        else:
            self._discarded += len(relayed)
            if self._discarded > MOST_DISCARDED:
                self.leave()
        return body.rest

    def _refuse(self, error: PeerError) -> None:
        """Answer what is not HTTP as we accept it, and read no further."""
        self.is_last = True
        answer = explained(error.status, error.reason, is_last=True)
        if self._exchange is not None:
            self._exchange.break_off(answer)
            return
        site, gate = self._site, self._site.current()
        site.telemetry.started()
        self.write(answer.render(has_body=True, closing=(b"Connection: close",)))
        now = site.epoch + site.monotonic()
        site.telemetry.finished(broken_record(gate, self.peer, now, error, self.connection_id))
        self.leave()

    def _end(self) -> None:
        if self._body is None and not self._buffer:
            self._is_leaving = True
            self._site.outbox.deliver()
            self._transport.close()
        else:
            self.leave()

    def _pause(self, reason: int) -> None:
        if not self._pauses and not self._transport.is_closing():
            self._transport.pause_reading()
        self._pauses |= reason

    def _resume(self, reason: int) -> None:
        if not self._pauses & reason:
            return
        self._pauses &= ~reason
        if not self._pauses and not self._transport.is_closing():
            self._transport.resume_reading()

    # Deadlines.

    @property
    def is_streaming(self) -> bool:
        """Whether what is in flight has no end that could be waited for."""
        return self._exchange is not None and self._exchange.is_stream

    def finish(self, *, is_final: bool) -> None:
        """Answer what is asked and close: the listener is draining."""
        self.is_last = True
        if self._tunnel is not None:
            if is_final:
                self._tunnel.end(GOING_AWAY)
        elif self._exchange is None and not self._is_leaving:
            self._end()

    def cut(self) -> None:
        """Close at once, whatever is in flight."""
        exchange = self._exchange
        self.abort()
        if exchange is not None:
            exchange.client_lost()

    def expire(self, now: float) -> None:
        """End what has waited too long."""
        if self.is_full or self._is_leaving:
            unwritten = self._transport.get_write_buffer_size()
            if unwritten != self._unwritten:
                self._unwritten, self._since = unwritten, now
        waited = now - self._since
        if self._is_leaving:
            if waited > (STALL_SECONDS if self._unwritten else LINGER_SECONDS):
                self._transport.abort()
        elif self._exchange is not None:
            self._expire_exchange(self._exchange, waited)
        elif self.is_full or waited > self._patience():
            self._expire_idle(waited)
        elif waited > HEAD_SECONDS:
            self._headers = None  # a credential is not kept for a client that may not come back

    def _patience(self) -> float:
        if self._body is not None:
            return BODY_SECONDS
        return IDLE_SECONDS if self._was_asked and not self._buffer else HEAD_SECONDS

    def _expire_idle(self, waited: float) -> None:
        if self.is_full:
            if waited > STALL_SECONDS:
                self.abort()
        elif self._buffer:
            self._refuse(PeerError(408, "the head took too long"))
        else:
            self.leave()

    def _expire_exchange(self, exchange: Exchange, waited: float) -> None:
        if self.is_full:
            if waited > STALL_SECONDS:
                self.cut()
        elif self._tunnel is not None:
            return
        elif self._is_half_closed:
            if waited > BODY_SECONDS:
                self.cut()
        elif self._body is not None and not self._pauses:
            if waited > BODY_SECONDS:
                exchange.break_off(explained(408, "the body took too long", is_last=True))
        elif waited > ANSWER_SECONDS and not exchange.is_begun:
            exchange.fail_slowly()
