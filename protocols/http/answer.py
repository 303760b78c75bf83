"""Answers of our own, and what every answer to a client has in common."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

SERVER: Final = b"Server: octelium"
CLOSE: Final = b"Connection: close"
KEEP_ALIVE: Final = b"Connection: keep-alive"

_LINES: Final = {
    status.value: b"HTTP/1.1 %d %b" % (status.value, status.phrase.encode())
    for status in HTTPStatus
}


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of ours: no upstream had a part in it.

    ``is_last`` says that the connection ends with it, whatever the client asked for.
    """

    status: int
    lines: tuple[bytes, ...] = ()
    body: bytes = b""
    is_last: bool = False

    @property
    def content_type(self) -> bytes:
        """The declared media type, for the log."""
        for line in self.lines:
            if line.startswith(b"Content-Type: "):
                return line[14:]
        return b""

    def render(self, *, has_body: bool, closing: tuple[bytes, ...]) -> bytes:
        """Return its bytes; an answer to HEAD says the length and sends nothing."""
        is_bare = self.status in {204, 304}
        length = () if is_bare else (b"Content-Length: %d" % len(self.body),)
        fields = (status_line(self.status), SERVER, *self.lines, *length, *closing, b"", b"")
        head = b"\r\n".join(fields)
        return head + self.body if has_body and not is_bare else head


def status_line(status: int) -> bytes:
    """Return a status line of ours."""
    return _LINES.get(status) or b"HTTP/1.1 %d Status" % status


def explained(status: int, reason: str, *, is_last: bool = False) -> Answer:
    """Return an answer that says in plain text what is wrong."""
    body = reason.encode() + b"\n"
    return Answer(status, (b"Content-Type: text/plain; charset=utf-8",), body, is_last=is_last)
