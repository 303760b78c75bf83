"""A request head, strictly read: anything two readers could understand differently is refused."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from protocols.http.wire.errors import PeerError
from protocols.http.wire.head import Fields
from protocols.http.wire.names import Names

_REQUEST_LINE: Final = re.compile(
    rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}) ([\x21-\x7e]+) HTTP/1\.([01])"
)
_VERSION: Final = re.compile(rb"[^ ]+ [^ ]+ HTTP/[0-9](?:\.[0-9])?")
_ABSOLUTE: Final = re.compile(rb"[Hh][Tt][Tt][Pp][Ss]?://([^/?#]*)(.*)")
_HOST: Final = re.compile(rb"([A-Za-z0-9_][A-Za-z0-9_.\-]*|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?")
_LONGEST_HOST: Final = 262


class RequestHead:
    """One request head. ``target`` is in origin form (``/path?query``) or ``*``."""

    is_http10 = False
    is_keep_alive = True
    expects_continue = False
    is_upgrade = False

    def __init__(self, method: bytes, target: bytes, fields: Fields) -> None:
        self.method = method
        self.target = target
        self.fields = fields
        self.host = fields.host


def scan_request(raw: bytes, names: Names, known: Fields | None = None) -> RequestHead:
    """Read a request head, given without the empty line that ends it.

    ``known`` are the fields of an earlier head, which clients tend to repeat byte by byte.
    """
    line, _, block = raw.partition(b"\r\n")
    found = _REQUEST_LINE.fullmatch(line)
    if found is None:
        raise _refused_line(line)
    method, target, minor = found.groups()
    if known is None or known.block != block or known.names is not names:
        known = Fields(block, names)
        _settle_host(known)
    head = RequestHead(method, target, known)
    if minor == b"0":
        _settle_http10(head)
    elif not known.host:
        raise PeerError(400, "no Host")
    elif known.connection:
        head.is_keep_alive = b"close" not in known.connection
        head.is_upgrade = is_websocket(known)
    if target[0] != 0x2F or b"#" in target:
        _settle_target(head)
    if method == b"TRACE":
        raise PeerError(405, "TRACE is not offered")
    if b"expect" in known.taken and not head.is_http10:
        head.expects_continue = True
    return head


def is_websocket(fields: Fields) -> bool:
    """Whether they ask for, or agree to, the WebSocket protocol."""
    return fields.upgrade == b"websocket" and b"upgrade" in fields.connection


@lru_cache(maxsize=1024)
def canonical_host(value: bytes) -> str:
    """Return a Host in lower case without the root's dot, or refuse it."""
    found = _HOST.fullmatch(value) if len(value) <= _LONGEST_HOST else None
    if found is None or b".." in value:
        raise PeerError(400, "an invalid Host")
    name, port = found.groups(b"")
    return (name.lower().removesuffix(b".") + port).decode("ascii")


def _settle_host(fields: Fields) -> None:
    values = fields.taken.get(b"host")
    if values is not None:
        fields.host = canonical_host(values[0])


def _settle_target(head: RequestHead) -> None:
    """Bring a target that is not a path into origin form."""
    if head.method == b"CONNECT":
        raise PeerError(405, "CONNECT is not offered")
    if b"#" in head.target:
        raise PeerError(400, "a fragment in the request target")
    if head.target == b"*" and head.method == b"OPTIONS":
        return
    found = _ABSOLUTE.fullmatch(head.target)
    if found is None:
        raise PeerError(400, "the request target is no path")
    authority, rest = found.groups()
    if canonical_host(authority) != (head.host or canonical_host(authority)):
        raise PeerError(400, "the request target and Host differ")
    head.host = canonical_host(authority)
    head.target = rest if rest.startswith(b"/") else b"/" + rest


def _settle_http10(head: RequestHead) -> None:
    head.is_http10 = True
    fields = head.fields
    if fields.is_chunked:
        raise PeerError(400, "Transfer-Encoding in HTTP/1.0")
    options = fields.connection
    head.is_keep_alive = b"keep-alive" in options and b"close" not in options


def _refused_line(line: bytes) -> PeerError:
    if line.startswith(b"CONNECT "):
        return PeerError(405, "CONNECT is not offered")
    if _VERSION.fullmatch(line) and not line.endswith((b"HTTP/1.1", b"HTTP/1.0")):
        return PeerError(505, "HTTP/1.1 only")
    return PeerError(400, "a malformed request line")
