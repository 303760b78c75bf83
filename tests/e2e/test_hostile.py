"""Bytes no honest client sends: refused, bounded, and never seen by the upstream."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Final

import pytest

from tests.harness.processes import LOOPBACK, free_port
from tests.harness.rawhttp import RawConnection, ask
from tests.harness.recorder import Recorder
from tests.harness.resources import ALLOW_ALL, Resources, a_service, a_session, a_user
from tests.harness.running import Vigil, up

_MIB: Final = 1 << 20


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def vigil(
    tmp_path_factory: pytest.TempPathFactory, recorder: Recorder, port: int
) -> Iterator[Vigil]:
    place = tmp_path_factory.mktemp("hostile")
    resources = Resources(place / "resources")
    resources.write(
        "world",
        a_user("alice"),
        a_session("alice", "alice"),
        a_service("web", port, recorder.url, authorization=ALLOW_ALL),
    )
    with up(resources, place, ports=[port]) as process:
        yield process


_SMUGGLED: Final = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
_BODIES: Final = {
    "length-and-chunked": b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two-lengths": b"Content-Length: 0\r\nContent-Length: 5\r\n\r\n",
    "list-of-lengths": b"Content-Length: 0, 5\r\n\r\n",
    "signed-length": b"Content-Length: +0\r\n\r\n",
    "negative-length": b"Content-Length: -1\r\n\r\n",
    "hex-length": b"Content-Length: 0x0\r\n\r\n",
    "huge-length": b"Content-Length: 99999999999999999999999\r\n\r\n",
    "underscored-length": b"Content-Length: 1_0\r\n\r\n0123456789",
    "blank-before-colon": b"Content-Length : 0\r\n\r\n",
    "chunked-twice": b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "chunked-not-last": b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "unknown-coding": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "quoted-coding": b'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n',
    "vertical-tab-coding": b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "folded-header": b"X-A: 1\r\n Transfer-Encoding: chunked\r\n\r\n",
    "bare-cr": b"X-A: 1\rTransfer-Encoding: chunked\r\n\r\n",
    "nul-in-value": b"X-A: 1\x002\r\n\r\n",
    "nul-in-name": b"X\x00A: 1\r\n\r\n",
    "no-colon": b"nonsense\r\n\r\n",
    "empty-name": b": x\r\n\r\n",
    "bad-chunk-size": b"Transfer-Encoding: chunked\r\n\r\nzz\r\n0\r\n\r\n",
    "negative-chunk-size": b"Transfer-Encoding: chunked\r\n\r\n-1\r\n0\r\n\r\n",
    "huge-chunk-size": b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
    "chunk-without-crlf": b"Transfer-Encoding: chunked\r\n\r\n1\r\nab0\r\n\r\n",
    "bare-lf-chunk": b"Transfer-Encoding: chunked\r\n\r\n1\na\n0\n\n",
}


@pytest.mark.parametrize("rest", [pytest.param(b, id=name) for name, b in _BODIES.items()])
def test_ambiguous_framing_is_refused_and_what_follows_is_never_a_request(
    vigil: Vigil, recorder: Recorder, port: int, rest: bytes
) -> None:
    token = vigil.token("alice").encode()
    head = b"POST /outer HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token + b"\r\n"
    smuggled = _SMUGGLED.replace(b"\r\n\r\n", b"\r\nAuthorization: Bearer " + token + b"\r\n\r\n")
    with RawConnection(port) as connection:
        connection.send(head + rest + smuggled)
        answers = connection.read_to_end()
    assert answers == b"" or answers.split(b" ", 2)[1] in (b"400", b"501"), answers[:80]
    assert answers.count(b"HTTP/1.1 ") <= 1
    assert recorder.at("/smuggled") == []


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"GET / HTTP/1.1\nHost: x\n\n", id="bare-line-feeds"),
        pytest.param(b"GET  / HTTP/1.1\r\nHost: x\r\n\r\n", id="two-blanks"),
        pytest.param(b"GET / HTTP/9.9\r\nHost: x\r\n\r\n", id="version"),
        pytest.param(b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", id="version-two"),
        pytest.param(b"GET /\r\n\r\n", id="http-0.9"),
        pytest.param(b"G\x00T / HTTP/1.1\r\nHost: x\r\n\r\n", id="method"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="no-host"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", id="h2-preface"),
        pytest.param(
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 40 + b"\r\n\r\n",
            id="tls-hello",
        ),
        pytest.param(b"CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n", id="connect"),
    ],
)
def test_a_line_that_is_no_request_is_refused_and_closed(
    vigil: Vigil, recorder: Recorder, port: int, line: bytes
) -> None:
    before = len(recorder.seen)
    answer = ask(port, line, within=15)
    assert answer == b"" or answer.split(b" ", 2)[1] in (b"400", b"401", b"405", b"501", b"505")
    assert recorder.seen[before:] == []


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"GET /" + b"a" * _MIB, id="target"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * _MIB, id="header"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: a\r\n" * 100_000, id="headers"),
    ],
)
def test_a_head_without_end_is_cut_off(vigil: Vigil, port: int, head: bytes) -> None:
    before = vigil.resident_bytes()
    with RawConnection(port) as connection:
        try:
            connection.send(head)
            answer = connection.read_to_end()
        except (BrokenPipeError, ConnectionResetError):
            answer = b""
    assert answer == b"" or answer.split(b" ", 2)[1] in (b"400", b"414", b"431")
    assert vigil.resident_bytes() - before < 16 * _MIB


def test_a_chunk_extension_without_end_is_cut_off(vigil: Vigil, port: int) -> None:
    token = vigil.token("alice").encode()
    head = b"POST /x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token
    data = head + b"\r\nTransfer-Encoding: chunked\r\n\r\n1;" + b"a" * _MIB
    with RawConnection(port) as connection:
        try:
            connection.send(data)
            connection.read_to_end()
        except (BrokenPipeError, ConnectionResetError):
            pass


def test_slow_heads_are_ended_and_do_not_hinder_a_good_client(vigil: Vigil, port: int) -> None:
    with ExitStack() as stack:
        slow = [
            stack.enter_context(socket.create_connection((LOOPBACK, port), timeout=20))
            for _ in range(100)
        ]
        for connection in slow:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        started = time.monotonic()
        assert vigil.status(port, "alice") == 200
        assert time.monotonic() - started < 1
        for connection in slow:
            assert connection.recv(1000).split(b" ")[1:2] in ([], [b"408"])
        assert time.monotonic() - started < 15


def test_hundreds_of_connections_that_say_nothing_cost_little(vigil: Vigil, port: int) -> None:
    before = vigil.resident_bytes()
    with ExitStack() as stack:
        for _ in range(400):
            stack.enter_context(socket.create_connection((LOOPBACK, port), timeout=5))
        assert vigil.status(port, "alice") == 200
        assert vigil.resident_bytes() - before < 32 * _MIB
    files = vigil.open_files
    vigil.eventually("closed descriptors", lambda: files() < 100, within=5)


def test_a_large_body_of_nobody_is_not_read(vigil: Vigil, recorder: Recorder, port: int) -> None:
    before, accepted = vigil.resident_bytes(), len(recorder.seen)
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n"
    with RawConnection(port) as connection:
        connection.send(head)
        assert connection.response().status == 401
        try:
            for _ in range(100):
                connection.send(b"a" * _MIB)
        except OSError:
            pass
    assert vigil.resident_bytes() - before < 16 * _MIB
    assert len(recorder.seen) == accepted


def test_a_client_that_resets_leaves_nothing_behind(vigil: Vigil, port: int) -> None:
    token = vigil.token("alice")
    for _ in range(50):
        with socket.create_connection((LOOPBACK, port), timeout=5) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            head = f"GET /reset HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"
            connection.sendall(head.encode())
    vigil.eventually("none active", lambda: vigil.metric("vigil_req_active") == 0, within=5)
    assert "Traceback" not in vigil.stderr
