"""One request from its head to the end of its answer: decided, forwarded or refused, recorded."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import Final, final

from policy.decision import Denied, Reason
from policy.principal import Caller
from protocols.http.answer import Answer, explained
from protocols.http.answering import Answering
from protocols.http.forward import request_head
from protocols.http.options import HttpOptions
from protocols.http.record import Stream
from protocols.http.refuse import CLEARTEXT, DISABLED, refusal
from protocols.http.tunnel import WITHDRAWN, WebSocketTunnel
from protocols.http.upstream import UpstreamConnection
from protocols.http.wire.body import LAST_CHUNK
from protocols.http.wire.errors import PeerError
from protocols.http.wire.request import is_websocket
from protocols.http.wire.response import ResponseHead
from protocols.net.dial import DialError
from protocols.permit import Permit

TOO_LARGE: Final = explained(413, "the body is larger than this Service takes", is_last=True)
CLIENT_LEFT: Final = 499
_IDEMPOTENT: Final = frozenset((b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE"))
_DISABLED: Final = Denied(
    Reason.TYPE_UNKNOWN_REASON, detail="the Service is disabled", is_authenticated=False
)
_EXPOSED: Final = Denied(
    Reason.UNAUTHENTICATED,
    detail="the token came over a connection that others can read",
    is_authenticated=False,
)


@final
class Exchange(Answering):
    """Implements ``protocols.api.Live`` and ``protocols.http.upstream.Asking``."""

    _upstream: UpstreamConnection | None = None
    _tunnel: WebSocketTunnel | None = None
    _unsent = b""
    _is_retried = False

    # The decision.

    def begin(self) -> None:
        """Decide, then forward or refuse."""
        self._site.telemetry.started()
        gate, request, peer = self.gate, self.request, self._client.peer
        spec = gate.service.spec
        if spec.is_disabled:
            self._refuse(_DISABLED, DISABLED)
            return
        evidence = request.headers.evidence
        if not peer.is_private and not spec.is_anonymous and evidence:
            self._refuse(_EXPOSED, CLEARTEXT)
            return
        who = gate.authenticate(peer, evidence)
        if isinstance(who, Denied):
            self._refuse(who, refusal(who, None, gate, request))
            return
        self._who = who
        verdict = gate.authorize(who, request)
        if isinstance(verdict, Denied):
            self._refuse(verdict, refusal(verdict, who, gate, request))
            return
        self._verdict = verdict
        self._forward(verdict)

    def _refuse(self, denied: Denied, answer: Answer) -> None:
        self._verdict = denied
        self._reply(answer)

    # The request on its way.

    def _forward(self, permit: Permit) -> None:
        options: HttpOptions = self.gate.options
        limit = options.max_request_size
        if limit is not None and (self.request.head.fields.length or 0) > limit:
            self._reply(TOO_LARGE)
        elif options.direct is not None:
            self._reply(options.direct)
        elif (upstream := self._site.pool.take(permit)) is not None:
            self._attach(permit, upstream)
        else:
            self._dial(permit)

    def _dial(self, permit: Permit) -> None:
        self._site.spawn(self._connect(permit), "dial")

    async def _connect(self, permit: Permit) -> None:
        site = self._site
        began = site.monotonic()
        try:
            upstream = await site.dial(self.gate, permit, partial(UpstreamConnection, site))
        except DialError as error:
            if permit.upstreams:
                site.telemetry.dialled(site.monotonic() - began, is_ok=False)
            if not self._is_over:
                self._fail(504 if error.is_timeout else 502, str(error))
            return
        site.telemetry.dialled(site.monotonic() - began, is_ok=True)
        if self._is_over:
            site.release(upstream)
            return
        if upstream.is_closed:
            self._fail(502, "the upstream closed the connection")
            return
        self._attach(permit, upstream)
        self.flush()
        self._client.wait(for_upstream=False)

    def _attach(self, permit: Permit, upstream: UpstreamConnection) -> None:
        assert self._who is not None, "a Permit is for somebody"
        try:
            head = request_head(self.gate, self._who, self.request, permit, upstream.upstream)
        except PeerError as error:
            self._site.release(upstream)
            self._reply(explained(error.status, error.reason))
            return
        self._upstream = upstream
        upstream.ask(self)
        if self._client.is_full:
            upstream.pause()  # nobody was there to be told when it became so
        if self.is_sent and not self._unsent:
            upstream.write(head)
        else:
            self._unsent = head + self._unsent

    def body(self, data: bytes, *, is_last: bool) -> None:
        """Relay part of the request's body; the head goes with the first."""
        self._body_bytes += len(data)
        self.is_sent = is_last
        limit = self.gate.options.max_request_size
        if limit is not None and self._body_bytes > limit and not self._is_over:
            self._drop_upstream()
            self._end_with(TOO_LARGE)
            return
        if self._upstream is None:
            self._unsent += data
            self._client.wait(for_upstream=True)
        else:
            if self._unsent:
                data, self._unsent = self._unsent + data, b""
            self._upstream.write(data)

    def flush(self) -> None:
        """Send what no body came along with."""
        if self._unsent and self._upstream is not None:
            data, self._unsent = self._unsent, b""
            self._upstream.write(data)

    def upstream_full(self, *, is_full: bool) -> None:
        """Stop or go on sending the request's body."""
        self._client.wait(for_upstream=is_full)

    def client_full(self, *, is_full: bool) -> None:
        """Stop or go on reading the answer."""
        if self._upstream is not None:
            if is_full:
                self._upstream.pause()
            else:
                self._upstream.resume()

    def end_answer(self) -> None:
        """Take the end of the answer."""
        self._upstream = None
        if self._is_chunking:
            self._client.write(LAST_CHUNK)
        self._conclude()

    def switched(self, head: ResponseHead, rest: bytes) -> None:
        """Relay a WebSocket, if that is what was asked for."""
        upstream = self._upstream
        assert upstream is not None, "it answered"
        if not self.request.head.is_upgrade or not is_websocket(head.fields):
            self._drop_upstream()
            self._fail(502, "the upstream switched to a protocol nobody asked for")
            return
        options: HttpOptions = self.gate.options
        self._status, self.is_begun = 101, True
        self._first_byte = self._site.monotonic()
        self._stream = Stream.WEBSOCKET
        upgrade = (b"Connection: Upgrade", b"Upgrade: websocket")
        lines = (head.line, *head.fields.kept, *options.response_lines, *upgrade, b"", b"")
        self._client.write(b"\r\n".join(lines))
        tunnel = self._tunnel = WebSocketTunnel(self._client, upstream, self)
        upstream.tunnel = tunnel
        self._open_stream()
        self._client.tunnel_through(tunnel)
        if rest:
            tunnel.upstream_sent(rest)

    # The ways it can end.

    @property
    def who(self) -> Caller:
        """Who asked."""
        assert self._who is not None, "only what was allowed is live"
        return self._who

    @property
    def is_live(self) -> bool:
        """Whether it was allowed and goes on."""
        return self._who is not None and not self._is_over

    def end(self, denied: Denied) -> None:
        """End what was allowed, because it no longer is."""
        if self._is_over:
            return
        self._end_reason = denied
        if self._tunnel is not None:
            self._tunnel.end(WITHDRAWN)
            return
        self._drop_upstream()
        gate = self._site.current()
        if gate.service.spec.is_disabled:
            self._end_with(DISABLED)
        else:
            self._end_with(refusal(denied, self._who, gate, self.request))

    def lose_upstream(self, reason: str, *, is_stale: bool) -> None:
        """Ask once more on a fresh connection where that is safe, or give the answer up."""
        self._upstream = None
        head = self.request.head
        may_repeat = head.method in _IDEMPOTENT and self.request.size == 0
        if is_stale and may_repeat and not self._is_retried and isinstance(self._verdict, Permit):
            self._is_retried = True
            self._dial(self._verdict)
        else:
            self._fail(502, reason)

    def fail_slowly(self) -> None:
        """End what waited too long for the upstream."""
        self._drop_upstream()
        self._fail(504, "the upstream took too long")

    def client_lost(self) -> None:
        """End because the client is gone."""
        if self._is_over:
            return
        if self._tunnel is not None:
            self._tunnel.client_lost()
            return
        self._drop_upstream()
        self._status = self._status or CLIENT_LEFT
        self._conclude(is_client_gone=True)

    def end_tunnel(self) -> None:
        """Take the end of the WebSocket."""
        assert self._tunnel is not None, "it ended"
        self._upstream = None
        self._answer_bytes, self._body_bytes = self._tunnel.sent, self._tunnel.received
        self._conclude(is_client_gone=True)

    def break_off(self, answer: Answer) -> None:
        """End because the client broke the protocol in the middle of its request."""
        self._drop_upstream()
        self._end_with(answer)

    def _fail(self, status: int, reason: str) -> None:
        self._is_error = True
        self._trouble = reason
        self._end_with(explained(status, HTTPStatus(status).phrase))

    def _end_with(self, answer: Answer) -> None:
        """Answer if nothing was answered yet; an answer half sent can only be cut."""
        if not self.is_begun:
            self._reply(answer)
            return
        self._client.abort()
        self._conclude(is_client_gone=True)

    def _drop_upstream(self) -> None:
        if self._upstream is not None:
            self._upstream.abort()
            self._upstream = None
