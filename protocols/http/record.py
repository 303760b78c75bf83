"""What is told about a request once it is over: metric labels, and the log's ``info``."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from typing import Any, Final

from policy.decision import Denied, Reason
from protocols.api import Gate, Peer, Record
from protocols.http.request import HttpRequest
from protocols.http.visibility import LONGEST
from protocols.http.wire.errors import PeerError
from protocols.http.wire.head import Fields

LABELS: Final = ("req.http.method", "req.http.status", "req.http.version", "req.http.stream")


class Stream(StrEnum):
    """Whether the answer is a stream, as far as it shows from outside."""

    NONE = "NONE"
    SSE = "SSE"
    WEBSOCKET = "WEBSOCKET"
    GENERIC = "GENERIC"


_METHODS: Final = {
    name.encode(): name
    for name in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")
}
_CLASSES: Final = ("UNKNOWN", "1xx", "2xx", "3xx", "4xx", "5xx")


def labels(method: bytes, status: int, stream: Stream, *, is_http10: bool) -> tuple[str, ...]:
    """Return the values of LABELS; each comes from a small set, whatever a client sends."""
    return (
        _METHODS.get(method, "UNKNOWN"),
        _CLASSES[status // 100],
        "HTTP10" if is_http10 else "HTTP11",
        stream,
    )


def stream_of(fields: Fields) -> Stream:
    """Tell from a response's fields whether a stream of events follows."""
    taken = fields.taken
    media = taken.get(b"content-type")
    if media is not None and media[0][:17].lower() == b"text/event-stream":
        return Stream.SSE
    if taken.get(b"x-accel-buffering") == [b"no"]:
        return Stream.GENERIC
    return Stream.NONE


def broken_record(
    gate: Gate, peer: Peer, now: float, error: PeerError, connection_id: str
) -> Record:
    """Return the Record of bytes that never became a request."""
    denied = Denied(Reason.TYPE_UNKNOWN_REASON, detail=error.reason, is_authenticated=False)
    return Record(
        gate=gate,
        who=None,
        verdict=denied,
        peer=peer,
        started=now,
        ended=now,
        labels=labels(b"", error.status, Stream.NONE, is_http10=False),
        info=partial(dict, http={"response": {"code": error.status}}),
        first_byte=now,
        connection_id=connection_id,
    )


def request_info(request: HttpRequest, body_bytes: int) -> dict[str, Any]:
    """Return ``info.http.request``: no query, no credential, no user name of a referer."""
    head = request.head
    return {
        "method": head.method.decode("ascii"),
        "path": request.path[:LONGEST],
        "uri": request.target.partition(b"?")[0].decode("ascii")[:LONGEST],
        "scheme": request.scheme,
        "forwardedHost": head.host,
        "bodyBytes": body_bytes,
        **request.headers.told(),
    }


def response_info(status: int, body_bytes: int, content_type: str) -> dict[str, Any]:
    """Return ``info.http.response``."""
    info: dict[str, Any] = {"code": status, "bodyBytes": body_bytes}
    if content_type:
        info["contentType"] = content_type[:LONGEST]
    return info
