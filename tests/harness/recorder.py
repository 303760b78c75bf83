"""An upstream that keeps the exact bytes of every request it receives and answers as it is told."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from dataclasses import dataclass
from typing import Final

from tests.harness.processes import LOOPBACK

_HEAD_END: Final = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it arrived: its head as bytes, its body decoded from its framing."""

    head: bytes
    body: bytes
    trailer: bytes = b""

    @property
    def method(self) -> str:
        return self.head.split(b" ", 1)[0].decode()

    @property
    def target(self) -> str:
        return self.head.split(b" ", 2)[1].decode("latin-1")

    @property
    def lines(self) -> list[tuple[str, str]]:
        """The header lines, names as they were spelt."""
        pairs = (line.split(b":", 1) for line in self.head.split(b"\r\n")[1:] if line)
        return [(key.decode("latin-1"), value.strip().decode("latin-1")) for key, value in pairs]

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.lines if key.lower() == name.lower()), None)


@dataclass(slots=True)
class _Wire:
    """One accepted connection and what was read but not used yet."""

    socket: socket.socket
    held: bytes = b""

    def until(self, mark: bytes) -> bytes:
        while mark not in self.held:
            self._more()
        found, _, self.held = self.held.partition(mark)
        return found

    def exactly(self, size: int) -> bytes:
        while len(self.held) < size:
            self._more()
        found, self.held = self.held[:size], self.held[size:]
        return found

    def _more(self) -> None:
        data = self.socket.recv(65536)
        if not data:
            raise EOFError
        self.held += data


class Recorder:
    """Listens on a port of its own in a thread of its own; every answer defaults to 200 ``ok``."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.seen: list[Seen] = []
        self.accepted = 0
        self._answers: dict[str, bytes] = {}
        self._closing: set[str] = set()
        self._at_once: dict[str, bytes] = {}
        self._tls = tls
        self._listener = socket.create_server((LOOPBACK, 0), backlog=256)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, name=f"recorder-{self.port}", daemon=True).start()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://localhost:{self.port}"

    def answers(self, path: str, response: bytes) -> None:
        """Send exactly these bytes to requests for ``path`` (its query excluded)."""
        self._answers[path] = response

    def answers_at_once(self, path: str, response: bytes) -> None:
        """Send these bytes as soon as the head of a request is there, then close."""
        self._at_once[path] = response

    def closes_after(self, path: str) -> None:
        """Close the connection after the answer for ``path``."""
        self._closing.add(path)

    def at(self, path: str) -> list[Seen]:
        """Return what was received for one path (its query excluded)."""
        return [seen for seen in self.seen if seen.target.partition("?")[0] == path]

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                accepted, _ = self._listener.accept()
            except OSError:
                return
            self.accepted += 1
            threading.Thread(target=self._serve, args=(accepted,), daemon=True).start()

    def _serve(self, accepted: socket.socket) -> None:
        try:
            if self._tls is not None:
                accepted = self._tls.wrap_socket(accepted, server_side=True)
            wire = _Wire(accepted)
            while True:
                self._one(wire)
        except (EOFError, OSError):
            accepted.close()

    def _one(self, wire: _Wire) -> None:
        head = wire.until(_HEAD_END)
        seen = Seen(head, b"")
        path = seen.target.partition("?")[0]
        if path in self._at_once:
            wire.socket.sendall(self._at_once[path])
            raise EOFError
        seen = self._with_body(wire, seen)
        self.seen.append(seen)
        answer = self._answers.get(path)
        wire.socket.sendall(_default_answer(seen) if answer is None else answer)
        if path in self._closing:
            raise EOFError

    def _with_body(self, wire: _Wire, seen: Seen) -> Seen:
        if (seen.header("expect") or "").lower() == "100-continue":
            wire.socket.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if (seen.header("transfer-encoding") or "").lower() != "chunked":
            return Seen(seen.head, wire.exactly(int(seen.header("content-length") or 0)))
        body = b""
        while size := int(wire.until(b"\r\n").split(b";")[0], 16):
            body += wire.exactly(size)
            wire.until(b"\r\n")
        trailer = b""
        while line := wire.until(b"\r\n"):
            trailer += line + b"\r\n"
        return Seen(seen.head, body, trailer)


def _default_answer(seen: Seen) -> bytes:
    body = b"" if seen.method == "HEAD" else json.dumps({"target": seen.target}).encode()
    length = b"17" if seen.method == "HEAD" else str(len(body)).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Length: " + length + _HEAD_END + body
