"""Where WebSocket frames end, so that one of ours can be put between two (RFC 6455 §5.2)."""

from __future__ import annotations

from typing import Final

CLOSE_AWAY: Final = 1001
CLOSE_POLICY: Final = 1008
_CLOSE: Final = 0x88
_LONGEST_REASON: Final = 123


class FrameBoundary:
    """Follows one direction's frames by their headers; payload is skipped, never read."""

    __slots__ = ("_header", "_left")

    def __init__(self) -> None:
        self._header = b""
        self._left = 0

    @property
    def is_here(self) -> bool:
        """Whether everything fed so far ends with a whole frame."""
        return not self._left and not self._header

    def feed(self, data: bytes) -> int:
        """Follow ``data``; return where in it the first frame ended, or -1."""
        before = len(self._header)
        if before:
            data = self._header + data
            self._header = b""
        first, position, size = -1, 0, len(data)
        while position < size:
            if not self._left:
                length = _frame_length(data, position)
                if length < 0:
                    self._header = data[position:]
                    break
                self._left = length
            taken = min(self._left, size - position)
            self._left -= taken
            position += taken
            if not self._left and first < 0:
                first = position - before
        return first


def close_frame(code: int, reason: bytes) -> bytes:
    """Return an unmasked Close frame, as a server sends it."""
    payload = code.to_bytes(2, "big") + reason[:_LONGEST_REASON]
    return bytes((_CLOSE, len(payload))) + payload


def _frame_length(data: bytes, position: int) -> int:
    """Return the length of the frame that starts here, header included, or -1 if unknown yet."""
    if len(data) < position + 2:
        return -1
    second = data[position + 1]
    mask = 4 if second & 0x80 else 0
    length = second & 0x7F
    if length < 126:
        return 2 + mask + length
    width = 2 if length == 126 else 8
    if len(data) < position + 2 + width:
        return -1
    return 2 + width + mask + int.from_bytes(data[position + 2 : position + 2 + width], "big")
