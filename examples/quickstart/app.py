#!/usr/bin/env python3
"""The app behind Vigil in the quick start: it answers with what it saw of the request.

``/clock`` tells the time every second, as server-sent events or, if asked, over a WebSocket.
"""

from __future__ import annotations

import base64
import hashlib
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_WEBSOCKET_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 §1.3


class Handler(BaseHTTPRequestHandler):
    """One connection from Vigil."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer a request without a body."""
        if self.path == "/clock":
            self._clock()
        else:
            self._echo()

    def do_POST(self) -> None:
        """Answer a request with a body, which is read and not used."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._echo()

    def _echo(self) -> None:
        seen = f"{self.requestline}\n{self.headers}".encode().rstrip() + b"\n"
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(seen)))
        self.end_headers()
        self.wfile.write(seen)

    def _clock(self) -> None:
        self.close_connection = True
        is_websocket = self.headers.get("Upgrade", "").lower() == "websocket"
        if is_websocket:
            self._accept_websocket()
        else:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Connection", "close")
            self.end_headers()
        try:
            while True:
                text = time.strftime("%H:%M:%S").encode()
                frame = bytes([0x81, len(text)]) + text
                self.wfile.write(frame if is_websocket else b"data: " + text + b"\n\n")
                time.sleep(1)
        except OSError:
            pass  # the client left, or Vigil cut the stream

    def _accept_websocket(self) -> None:
        key = self.headers["Sec-WebSocket-Key"].encode()
        accept = base64.b64encode(hashlib.sha1(key + _WEBSOCKET_GUID).digest())  # noqa: S324  # RFC 6455 says SHA-1
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", accept.decode())
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
        """Say nothing: Vigil keeps the access log."""


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 18000
    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
