"""An upstream that misbehaves hurts the one request it answers, and never another caller."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Final

import pytest

from tests.harness.cases import with_rules
from tests.harness.processes import free_port
from tests.harness.rawhttp import RawConnection
from tests.harness.recorder import Recorder
from tests.harness.resources import Resources, a_service, a_session, a_user, allow, deny
from tests.harness.running import Vigil, up

_OK: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
_POISON: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
_HUGE: Final = b"HTTP/1.1 200 OK\r\nX: " + b"a" * 300_000 + b"\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def vigil(
    tmp_path_factory: pytest.TempPathFactory, recorder: Recorder, port: int
) -> Iterator[Vigil]:
    place = tmp_path_factory.mktemp("faults")
    resources = Resources(place / "resources")
    rules = with_rules(allow(), deny('ctx.request.http.path.startsWith("/secret")'))
    service = a_service("raw", port, recorder.url, **rules)
    resources.write("world", a_user("alice"), a_session("alice", "alice"), service)
    with up(resources, place, ports=[port]) as process:
        yield process


def _head(vigil: Vigil, first: str, *headers: str) -> bytes:
    lines = [first, "Host: svc.example", f"Authorization: Bearer {vigil.token('alice')}", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Le", id="half-a-head"),
        pytest.param(b"SSH-2.0-OpenSSH\r\n\r\n", id="no-http"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", id="two"
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            id="length-and-chunked",
        ),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: a\x00b\r\nContent-Length: 0\r\n\r\n", id="nul"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n", id="folded"),
        pytest.param(
            b"HTTP/1.1 101 Up\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", id="unasked-101"
        ),
        pytest.param(b"HTTP/1.1 99 Low\r\nContent-Length: 0\r\n\r\n", id="status-99"),
        pytest.param(_HUGE, id="huge-head"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" * 5000, id="endless-interim"),
    ],
)
def test_an_upstream_that_speaks_no_proper_http_is_502(
    vigil: Vigil, recorder: Recorder, port: int, broken: bytes
) -> None:
    recorder.answers("/broken", broken)
    recorder.closes_after("/broken")
    assert vigil.get(port, "/broken", session="alice").status == 502
    assert vigil.get(port, "/whole", session="alice").status == 200


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
def test_an_answer_cut_short_is_cut_for_the_client_too(
    vigil: Vigil, recorder: Recorder, port: int, method: str
) -> None:
    recorder.answers("/cut", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this")
    recorder.closes_after("/cut")
    with RawConnection(port) as connection:
        connection.send(_head(vigil, f"{method} /cut HTTP/1.1"))
        connection.read_until(b"\r\n\r\n")
        if method != "HEAD":
            assert connection.read_to_end() == b"only this"


def test_a_chunked_answer_cut_short_never_looks_whole(
    vigil: Vigil, recorder: Recorder, port: int
) -> None:
    recorder.answers(
        "/cut-chunk", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
    )
    recorder.closes_after("/cut-chunk")
    with RawConnection(port) as connection:
        connection.send(_head(vigil, "GET /cut-chunk HTTP/1.1"))
        connection.read_until(b"\r\n\r\n")
        assert b"0\r\n\r\n" not in connection.read_to_end()


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(_OK + _POISON, id="two-answers"),
        pytest.param(b"HTTP/1.1 204 No Content\r\n\r\n" + _POISON, id="body-after-204"),
        pytest.param(b"HTTP/1.1 304 Not Modified\r\n\r\n" + _POISON, id="body-after-304"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + _POISON,
            id="after-the-last-chunk",
        ),
    ],
)
def test_a_stray_answer_is_given_to_nobody(
    vigil: Vigil, recorder: Recorder, port: int, answer: bytes
) -> None:
    recorder.answers("/stray", answer)
    with RawConnection(port) as connection:
        for _ in range(3):
            connection.send(_head(vigil, "GET /stray HTTP/1.1"))
            assert b"poison" not in connection.response().body
            connection.send(_head(vigil, "GET /after HTTP/1.1"))
            assert connection.response().json() == {"target": "/after"}


def test_a_body_in_answer_to_head_is_given_to_nobody(
    vigil: Vigil, recorder: Recorder, port: int
) -> None:
    recorder.answers("/headed", _POISON)
    with RawConnection(port) as connection:
        connection.send(_head(vigil, "HEAD /headed HTTP/1.1"))
        assert connection.response(has_body=False).status == 200
        connection.send(_head(vigil, "GET /after HTTP/1.1"))
        assert connection.response().json() == {"target": "/after"}


def test_a_connection_the_upstream_closed_while_idle_costs_no_request(
    vigil: Vigil, recorder: Recorder, port: int
) -> None:
    recorder.answers("/idle", _OK)
    recorder.closes_after("/idle")
    for _ in range(30):
        assert vigil.get(port, "/idle", session="alice").status == 200


def test_an_answer_before_the_end_of_the_body_is_relayed(
    vigil: Vigil, recorder: Recorder, port: int
) -> None:
    refusal = b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig"
    recorder.answers_at_once("/early", refusal)
    with RawConnection(port) as connection:
        connection.send(_head(vigil, "POST /early HTTP/1.1", "Content-Length: 1000000") + b"x" * 9)
        answer = connection.response()
    assert (answer.status, answer.body) == (413, b"big")


_UPGRADE: Final = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    f"Sec-WebSocket-Key: {base64.b64encode(b'0123456789abcdef').decode()}",
)


def test_a_refused_upgrade_opens_no_tunnel_for_the_next_request(
    vigil: Vigil, recorder: Recorder, port: int
) -> None:
    recorder.answers("/no-socket", _OK)
    hidden = _head(vigil, "GET /secret HTTP/1.1")
    with RawConnection(port) as connection:
        connection.send(_head(vigil, "GET /no-socket HTTP/1.1", *_UPGRADE) + hidden)
        assert connection.response().status == 200
        assert connection.response().status == 403
    assert recorder.at("/secret") == []


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c"), id="h2c"),
        pytest.param(("Connection: Upgrade", "Upgrade: TLS/1.0"), id="tls"),
        pytest.param(("Upgrade: websocket",), id="websocket-without-connection"),
    ],
)
def test_no_other_upgrade_reaches_the_upstream(
    vigil: Vigil, recorder: Recorder, port: int, headers: tuple[str, ...]
) -> None:
    before = len(recorder.seen)
    with RawConnection(port) as connection:
        connection.send(_head(vigil, "GET /upgrade HTTP/1.1", *headers, "HTTP2-Settings: AAMA"))
        assert connection.response().status in (200, 400)
    for seen in recorder.seen[before:]:
        assert seen.header("upgrade") is None
        assert seen.header("http2-settings") is None


def test_a_head_of_thirty_kilobytes_passes(vigil: Vigil, recorder: Recorder, port: int) -> None:
    with RawConnection(port) as connection:
        connection.send(_head(vigil, "GET /large HTTP/1.1", "X-Large: " + "a" * 30_000))
        assert connection.response().status == 200
    assert len(recorder.at("/large")[0].header("x-large") or "") == 30_000


def test_two_cookies_of_ours_that_differ_are_nobody(
    vigil: Vigil, recorder: Recorder, port: int
) -> None:
    cookies = f"octelium_auth={vigil.token('alice')}; octelium_auth=garbage"
    answer = vigil.get(port, "/cookies", "-H", f"Cookie: {cookies}")
    assert answer.status in (200, 401)
    for seen in recorder.at("/cookies"):
        assert "octelium_auth" not in (seen.header("cookie") or "")
