"""A headless browser, and the login page it is sent to."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from tests.harness.processes import LOOPBACK

_FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--no-proxy-server",
    "--ignore-certificate-errors",
    "--dump-dom",
)


def open_page(url: str, *, hosts: str = "", within: float = 50.0) -> str:
    """Open the URL in a fresh Chromium and return the document it ended at.

    ``hosts`` are the browser's own host rules (``MAP name:443 127.0.0.1:8443``).
    """
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    assert program is not None, "a browser is needed: apt-get install chromium"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        rules = [f"--host-resolver-rules={hosts}"] if hosts else []
        argv = [program, *_FLAGS, f"--user-data-dir={profile}", *rules, url]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=within, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


class LoginPage:
    """The Cluster's own web page over TLS: every GET answers with the target it was asked for."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        asked: list[str] = []

        class Page(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                body = b"<html><body><p id=page>the Cluster's own page</p></body></html>"
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.asked = asked
        self._server = ThreadingHTTPServer((LOOPBACK, 0), Page)
        self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, name="login page", daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
