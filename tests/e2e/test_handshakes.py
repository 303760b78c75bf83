"""TLS handshakes that end at an unlucky moment: after their listener, or as the client leaves."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.certificates import Authority
from tests.harness.processes import LOOPBACK, free_port, listens
from tests.harness.resources import (
    ALLOW_ALL,
    Document,
    Resources,
    a_service,
    a_session,
    a_user,
)
from tests.harness.running import Vigil, up

_REQUEST = b"GET /late HTTP/1.1\r\nHost: web\r\n%b\r\n"


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def vigil(tmp_path: Path, app_url: str, port: int) -> Iterator[Vigil]:
    chain, key = Authority(tmp_path).issue("web.example")
    certificate: Document = {
        "kind": "Secret",
        "metadata": {"name": "crt-ns-default"},
        "spec": {"data": {"value": chain}},
        "data": {"value": key},
    }
    service = a_service("web", port, app_url, isTLS=True, authorization=ALLOW_ALL)
    resources = Resources(tmp_path / "resources")
    resources.write("world", a_user("alice"), a_session("alice", "alice"), certificate)
    resources.write("web", service)
    resources.write("other", a_service("other", free_port(), app_url, authorization=ALLOW_ALL))
    with up(resources, tmp_path, ports=[port]) as process:
        yield process


def _client() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _asked_late(plain: socket.socket, vigil: Vigil) -> bytes:
    """Finish the handshake only now, ask, and return what comes back."""
    token = f"Authorization: Bearer {vigil.token('alice')}\r\n".encode()
    try:
        with _client().wrap_socket(plain) as secure:
            secure.sendall(_REQUEST % token)
            return secure.recv(65536)
    except OSError:
        return b""


def test_a_handshake_that_ends_after_its_service_was_removed_gets_no_answer(
    vigil: Vigil, port: int
) -> None:
    with socket.create_connection((LOOPBACK, port), timeout=5) as plain:
        vigil.resources.remove("web")
        vigil.eventually("closed listener", lambda: not listens(port), within=3)
        vigil.eventually("removal", lambda: "not declared" in vigil.stderr)
        assert _asked_late(plain, vigil) == b""
    assert vigil.entries_for("/late") == []


def test_a_handshake_that_ends_after_tls_was_switched_off_harms_nobody(
    vigil: Vigil, port: int, app_url: str
) -> None:
    with socket.create_connection((LOOPBACK, port), timeout=5) as plain:
        vigil.resources.write("web", a_service("web", port, app_url, authorization=ALLOW_ALL))
        vigil.eventually("plain listener", lambda: vigil.status(port, "alice") == 200, within=3)
        assert _asked_late(plain, vigil) == b""
    assert "Error" not in vigil.stderr


def test_a_client_that_asks_and_says_goodbye_at_once_still_hears_the_answer(
    vigil: Vigil, port: int
) -> None:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = _client().wrap_bio(incoming, outgoing)
    with socket.create_connection((LOOPBACK, port), timeout=5) as plain:
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                plain.sendall(outgoing.read())
                incoming.write(plain.recv(65536))
        tls.write(_REQUEST % b"")
        with pytest.raises(ssl.SSLWantReadError):
            tls.unwrap()
        plain.sendall(outgoing.read())
        while data := plain.recv(65536):
            incoming.write(data)
    assert tls.read(65536).startswith(b"HTTP/1.1 401 ")
