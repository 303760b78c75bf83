"""What is known of one request from its beginning, and told when it is over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

from policy.decision import Denied, Reason
from policy.principal import Caller
from protocols.api import Gate, Peer, Record
from protocols.http.record import Stream, labels, request_info, response_info
from protocols.http.request import HttpRequest
from protocols.http.site import Site
from protocols.http.tunnel import WebSocketTunnel
from protocols.http.wire.names import Names
from protocols.http.wire.response import ResponseHead
from protocols.permit import Permit

_UNDECIDED: Final = Denied(
    Reason.TYPE_UNKNOWN_REASON, detail="the request ended undecided", is_authenticated=False
)


class Downstream(Protocol):
    """The client's connection, as far as one exchange goes."""

    peer: Peer
    connection_id: str
    is_full: bool
    is_last: bool

    def write(self, data: bytes) -> None:
        """Send bytes to the client."""
        ...

    def leave(self) -> None:
        """Send what was written, then close, giving the client time to read it."""
        ...

    def abort(self) -> None:
        """Close at once."""
        ...

    def wait(self, *, for_upstream: bool) -> None:
        """Stop reading the request's body until the upstream can take it, or go on."""
        ...

    def tunnel_through(self, tunnel: WebSocketTunnel) -> None:
        """Hand everything the client sends from now on to the tunnel."""
        ...

    def exchange_over(self) -> None:
        """Go on to the next request, or end."""
        ...


class Account:
    """The state of one exchange that its Record is made of."""

    # Most requests change few of these: as the class's own they cost a new exchange nothing.
    _who: Caller | None = None
    _verdict: Permit | Denied = _UNDECIDED
    _status = 0
    _body_bytes = 0
    _answer_bytes = 0
    _first_byte = 0.0
    _content_type = b""
    _response_head: ResponseHead | None = None
    _stream = Stream.NONE
    _stream_record: Record | None = None
    _end_reason: Denied | None = None
    _trouble = ""
    _is_error = False
    _is_over = False

    def __init__(self, site: Site, client: Downstream, gate: Gate, request: HttpRequest) -> None:
        self.gate: Final = gate
        self.request: Final = request
        self._site = site
        self._client = client
        self.method = request.head.method
        self.names: Names = gate.options.response_names
        self._started = site.monotonic()

    @property
    def is_stream(self) -> bool:
        """Whether this is a WebSocket or a stream of events, open until somebody ends it."""
        return self._stream is not Stream.NONE

    def _open_stream(self) -> None:
        self._stream_record = self._record()
        self._site.telemetry.opened(self._stream_record)

    def _conclude(self, *, is_client_gone: bool = False) -> None:
        if self._is_over:
            return
        self._is_over = True
        record = self._stream_record
        if record is None:
            record = self._record()
        else:
            self._complete(record)
            self._site.telemetry.closed(record)
        self._site.telemetry.finished(record)
        if not is_client_gone:
            self._client.exchange_over()

    def _record(self) -> Record:
        epoch = self._site.epoch
        client, head = self._client, self.request.head
        return Record(
            gate=self.gate,
            who=self._who,
            verdict=self._verdict,
            peer=client.peer,
            started=epoch + self._started,
            ended=epoch + self._site.monotonic(),
            labels=labels(head.method, self._status, self._stream, is_http10=head.is_http10),
            info=self.info,
            bytes_sent=self._answer_bytes,
            bytes_received=self._body_bytes,
            first_byte=epoch + self._first_byte if self._first_byte else 0.0,
            connection_id=client.connection_id,
            is_error=self._is_error,
            end_reason=self._end_reason,
        )

    def _complete(self, record: Record) -> None:
        record.ended = self._site.epoch + self._site.monotonic()
        record.bytes_sent = self._answer_bytes
        record.bytes_received = self._body_bytes
        record.is_error = self._is_error
        record.end_reason = self._end_reason

    def info(self) -> Mapping[str, Any]:
        """Return the access log's ``info``; made when the log is written, off the hot path."""
        visibility = self.gate.options.visibility
        request = request_info(self.request, self._body_bytes)
        headers = {}
        if self._response_head is not None:
            headers = visibility.response.pick(self._response_head.fields.maps()[1])
        response = response_info(
            self._status, self._answer_bytes, self._content_type.decode("latin-1")
        )
        if headers:
            response["headers"] = headers
        if self._trouble:
            response["error"] = self._trouble
        version = "HTTP10" if self.request.head.is_http10 else "HTTP11"
        return {"http": {"request": request, "response": response, "httpVersion": version}}
