"""A transport without a socket: what is written is kept, what would arrive is fed by hand."""

from __future__ import annotations

import asyncio
from typing import Any

LOOPBACK = ("127.0.0.1", 50_000)


class FakeTransport(asyncio.Transport):
    """Takes writes. ``is_slow`` makes it keep them unsent, so that the writer is told to pause."""

    def __init__(
        self, protocol: asyncio.Protocol, *, peer: object = LOOPBACK, is_tls: bool = False
    ) -> None:
        super().__init__()
        self.written = b""
        self.writes: list[bytes] = []
        self.is_reading_paused = False
        self.is_closed = False
        self.is_aborted = False
        self.has_sent_eof = False
        self.is_leaving = False
        self.is_slow = False
        self._unsent = 0
        self._peer = peer
        self._is_tls = is_tls
        self._protocol = protocol
        protocol.connection_made(self)

    def feed(self, data: bytes) -> None:
        """Let bytes arrive, unless nobody reads."""
        assert not self.is_reading_paused, "the protocol does not read"
        if not self.is_closed:
            self._protocol.data_received(data)

    def end(self) -> None:
        """Let the other side close its half."""
        if not self.is_closed and not self._protocol.eof_received():
            self.close()

    def say_goodbye(self) -> None:
        """Let the other side close; the protocol hears that the connection is lost a turn later."""
        self._protocol.eof_received()
        self.is_leaving = True

    def lose(self, error: Exception | None = None) -> None:
        """End the connection."""
        self.is_closed = True
        self._protocol.connection_lost(error)

    def drain(self) -> None:
        """Let everything unsent be sent."""
        self.is_slow, self._unsent = False, 0
        self._protocol.resume_writing()
        if self.is_leaving:
            self.lose()

    def take(self) -> bytes:
        """Return what was written since the last time."""
        written, self.written = self.written, b""
        return written

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        if self.has_sent_eof:
            raise RuntimeError("Cannot call write() after write_eof()")
        if self.is_closing():
            return
        self.writes.append(bytes(data))
        self.written += bytes(data)
        if self.is_slow:
            was_empty, self._unsent = not self._unsent, self._unsent + len(data)
            if was_empty:
                self._protocol.pause_writing()

    def write_eof(self) -> None:
        self.has_sent_eof = True

    def can_write_eof(self) -> bool:
        return not self._is_tls

    def pause_reading(self) -> None:
        assert not self.is_reading_paused
        self.is_reading_paused = True

    def resume_reading(self) -> None:
        assert self.is_reading_paused
        self.is_reading_paused = False

    def get_write_buffer_size(self) -> int:
        return self._unsent

    def is_closing(self) -> bool:
        return self.is_closed or self.is_leaving

    def close(self) -> None:
        """Close, once what is unsent is sent."""
        self.is_leaving = True
        if not self.is_closed and not self._unsent:
            self.lose()

    def abort(self) -> None:
        self.is_aborted = True
        self._unsent = 0
        self.close()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._peer if name == "peername" else default
