"""Where a body ends, found without looking at its bytes: they are relayed as they came."""

from __future__ import annotations

import re
from typing import Final, Protocol

from protocols.http.wire.errors import PeerError
from protocols.http.wire.head import Fields
from protocols.http.wire.names import Names

MAX_CHUNK_LINE: Final = 1024
MAX_TRAILERS: Final = 8 * 1024
LAST_CHUNK: Final = b"0\r\n\r\n"

_TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_QUOTED: Final = rb'"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*"'
_EXTENSION: Final = rb"[ \t]*;[ \t]*" + _TOKEN + rb"(?:=(?:" + _TOKEN + rb"|" + _QUOTED + rb"))?"
_SIZE_LINE: Final = re.compile(rb"([0-9A-Fa-f]{1,15})(?:" + _EXTENSION + rb")*\r\n")


class Body(Protocol):
    """A body being read: give it what arrived, relay what it returns."""

    is_done: bool
    rest: bytes

    def feed(self, data: bytes) -> bytes:
        """Return what may be relayed now; once ``is_done``, ``rest`` is what follows the body."""
        ...


class LengthBody:
    """A body of a declared length."""

    __slots__ = ("is_done", "left", "rest")

    def __init__(self, length: int) -> None:
        self.left = length
        self.is_done = length == 0
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        """Count; split where the body ends."""
        size = len(data)
        if size < self.left:
            self.left -= size
            return data
        self.is_done = True
        if size > self.left:
            self.rest = data[self.left :]
            data = data[: self.left]
        self.left = 0
        return data


class EndlessBody:
    """A body that ends when the connection does."""

    __slots__ = ("is_done", "rest")

    def __init__(self) -> None:
        self.is_done = False
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        """Pass everything."""
        return data


class ChunkedBody:
    """A chunked body. A line is relayed only once it is whole and known to be well formed.

    Relaying part of a line would let an upstream with a laxer idea of line ends see a message that
    was never authorised. ``trailers`` decides about trailer fields: whatever it does not KEEP is
    refused, because an upstream may merge trailers into the header. With ``is_decoded`` the
    payload alone comes out, for a client that does not know chunks.
    """

    __slots__ = (
        "_held",
        "_is_after_data",
        "_is_decoded",
        "_is_last",
        "_left",
        "_trailers",
        "is_done",
        "rest",
    )

    def __init__(self, trailers: Names, *, is_decoded: bool = False) -> None:
        self._trailers = trailers
        self._is_decoded = is_decoded
        self._held = b""
        self._left = 0
        self._is_after_data = False
        self._is_last = False
        self.is_done = False
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        """Follow the chunks through ``data``."""
        if self._held:
            data = self._held + data
            self._held = b""
        payload: list[bytes] = []
        position = self._follow(data, payload)
        if self.is_done:
            self.rest = data[position:]
        else:
            self._held = data[position:]
        if self._is_decoded:
            return b"".join(payload)
        return data if position == len(data) else data[:position]

    def _follow(self, data: bytes, payload: list[bytes]) -> int:
        """Return up to where ``data`` was understood."""
        position, size = 0, len(data)
        while position < size and not self.is_done:
            if self._left:
                taken = min(self._left, size - position)
                if self._is_decoded:
                    payload.append(data[position : position + taken])
                self._left -= taken
                self._is_after_data = not self._left
                after = position + taken
            elif self._is_after_data:
                after = self._data_end(data, position)
            elif self._is_last:
                after = self._trailer_section(data, position)
            else:
                after = self._size_line(data, position)
            if after == position:
                break
            position = after
        return position

    def _size_line(self, data: bytes, position: int) -> int:
        found = _SIZE_LINE.match(data, position, position + MAX_CHUNK_LINE)
        if found is None:
            if data.find(b"\n", position) >= 0 or len(data) - position >= MAX_CHUNK_LINE:
                raise PeerError(400, "a malformed chunk size line")
            return position
        self._left = int(found[1], 16)
        self._is_last = not self._left
        return found.end()

    def _data_end(self, data: bytes, position: int) -> int:
        end = data[position : position + 2]
        if not b"\r\n".startswith(end):
            raise PeerError(400, "a chunk does not end where it should")
        if len(end) < 2:
            return position
        self._is_after_data = False
        return position + 2

    def _trailer_section(self, data: bytes, position: int) -> int:
        if data.startswith(b"\r\n", position):
            self.is_done = True
            return position + 2
        end = data.find(b"\r\n\r\n", position)
        if end - position > MAX_TRAILERS or (end < 0 and len(data) - position > MAX_TRAILERS):
            raise PeerError(431, "the trailer section is too large")
        if end < 0:
            return position
        fields = Fields(data[position:end], self._trailers)
        if len(fields.kept) != fields.block.count(b"\r\n") + 1:
            raise PeerError(400, "a trailer field that may not be one")
        self.is_done = True
        return end + 4


def request_body(fields: Fields, names: Names) -> Body | None:
    """Return what a request's fields announce after its head."""
    if fields.is_chunked:
        return ChunkedBody(names)
    return LengthBody(fields.length) if fields.length else None


def chunk(data: bytes) -> bytes:
    """Wrap payload into one chunk."""
    return b"%x\r\n%b\r\n" % (len(data), data)
