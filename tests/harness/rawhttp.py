"""A client that sends exactly the bytes a test gives it and reads responses one by one."""

from __future__ import annotations

import socket
from typing import Final, Self

from tests.harness.curl import Answer, parse_head
from tests.harness.processes import LOOPBACK

_CHUNK: Final = 65536


class RawConnection:
    """One TCP connection to a Service."""

    def __init__(self, port: int, *, within: float = 10.0) -> None:
        self.socket = socket.create_connection((LOOPBACK, port), timeout=within)
        self._held = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def read_until(self, mark: bytes) -> bytes:
        """Read up to and including ``mark``; what follows stays for the next read."""
        while mark not in self._held:
            self._more()
        found, _, self._held = self._held.partition(mark)
        return found + mark

    def read_exactly(self, size: int) -> bytes:
        while len(self._held) < size:
            self._more()
        found, self._held = self._held[:size], self._held[size:]
        return found

    def read_to_end(self) -> bytes:
        """Read until the other side closes or resets."""
        try:
            while True:
                self._more()
        except EOFError:
            found, self._held = self._held, b""
            return found

    def is_closed_by_peer(self) -> bool:
        """Say whether the connection ends with no further byte."""
        return self.read_to_end() == b""

    def response(self, *, has_body: bool = True) -> Answer:
        """Read one whole response; ``has_body`` is False for the answer to a HEAD."""
        status, headers = parse_head(self.read_until(b"\r\n\r\n").decode("latin-1"))
        answer = Answer(status, headers, b"")
        if not has_body or status in (204, 304) or status < 200:
            return answer
        return Answer(status, headers, self._body(answer))

    def _body(self, head: Answer) -> bytes:
        if (head.header("transfer-encoding") or "").lower() == "chunked":
            return self._chunked()
        length = head.header("content-length")
        return self.read_to_end() if length is None else self.read_exactly(int(length))

    def _chunked(self) -> bytes:
        body = b""
        while size := int(self.read_until(b"\r\n").split(b";")[0], 16):
            body += self.read_exactly(size)
            self.read_until(b"\r\n")
        while self.read_until(b"\r\n") != b"\r\n":
            pass
        return body

    def _more(self) -> None:
        try:
            data = self.socket.recv(_CHUNK)
        except ConnectionResetError:
            data = b""
        if not data:
            raise EOFError(f"closed after {self._held[:200]!r}")
        self._held += data


def ask(port: int, data: bytes, *, within: float = 10.0) -> bytes:
    """Send the bytes on a fresh connection and return all that comes back until it is closed."""
    with RawConnection(port, within=within) as connection:
        connection.send(data)
        return connection.read_to_end()
