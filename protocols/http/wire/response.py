"""A response head, read as strictly as a request's: an upstream can be taken over too."""

from __future__ import annotations

import re
from typing import Final

from protocols.http.wire.errors import PeerError
from protocols.http.wire.head import Fields
from protocols.http.wire.names import Names

_STATUS_LINE: Final = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9][0-9])(?: [\t\x20-\x7e\x80-\xff]*)?")


class ResponseHead:
    """One response head. ``line`` is the status line as we send it on."""

    is_http10 = False
    is_keep_alive = True

    def __init__(self, status: int, line: bytes, fields: Fields) -> None:
        self.status = status
        self.line = line
        self.fields = fields


def scan_response(raw: bytes, names: Names) -> ResponseHead:
    """Read a response head, given without the empty line that ends it."""
    line, _, block = raw.partition(b"\r\n")
    found = _STATUS_LINE.fullmatch(line)
    if found is None:
        raise PeerError(502, "a malformed status line")
    minor, status = found.groups()
    fields = Fields(block, names)
    if minor == b"1":
        head = ResponseHead(int(status), line, fields)
    else:
        head = ResponseHead(int(status), b"HTTP/1.1" + line[8:], fields)
        head.is_http10 = True
        head.is_keep_alive = b"keep-alive" in fields.connection
    if fields.connection and b"close" in fields.connection:
        head.is_keep_alive = False
    if fields.is_chunked and (head.is_http10 or head.status < 200 or head.status == 204):
        raise PeerError(502, "a Transfer-Encoding where none may be")
    return head


def has_no_body(method: bytes, status: int) -> bool:
    """Whether the answer ends with its head, whatever its fields say (RFC 9112 §6.3)."""
    return method == b"HEAD" or status < 200 or status in {204, 304}
