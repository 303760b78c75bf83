"""Whatever becomes of the bytes on the way: the upstream sees nothing that was not allowed."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.harness.cases import with_rules
from tests.harness.processes import LOOPBACK, free_port
from tests.harness.recorder import Recorder
from tests.harness.resources import Resources, a_service, a_session, a_user, allow
from tests.harness.running import Vigil, up

_SILENCE: Final = 0.05
_EXAMPLES: Final = 120
_TOKEN: Final = b"{token}"
_COMMON: Final = b" HTTP/1.1\r\nHost: svc.example\r\nAuthorization: Bearer " + _TOKEN + b"\r\n"
_REQUESTS: Final = (
    b"GET {path}" + _COMMON + b"\r\n",
    b"HEAD {path}" + _COMMON + b"\r\n",
    b"POST {path}" + _COMMON + b"Content-Length: 5\r\n\r\nhello",
    b"POST {path}" + _COMMON + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nT: 1\r\n\r\n",
)
_INSERTED: Final = (
    b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b"\x0b", b"\xff", b":", b";", b",", b"0", b"#",
    b"%", b"\\", b"/../", b"%2e%2e/", b"../no", b"0\r\n\r\n", b"GET /no HTTP/1.1\r\n",
    b"Content-Length: 3\r\n", b"Content-Length: 0\r\n", b"Transfer-Encoding: chunked\r\n",
    b"transfer-encoding:\tchunked\r\n", b"Transfer-Encoding: identity\r\n", b"Host: other\r\n",
    b"Connection: Content-Length\r\n", b"Connection: Transfer-Encoding\r\n",
    b"Connection: Authorization\r\n", b"Expect: 100-continue\r\n", b"Upgrade: websocket\r\n",
)  # fmt: skip

_paths = st.sampled_from([b"/ok/a", b"/ok/b?q=/no", b"/no/a", b"/no/b"])
_requests = st.builds(
    lambda form, path: form.replace(b"{path}", path), st.sampled_from(_REQUESTS), _paths
)
_edits = st.tuples(
    st.floats(0, 1),  # where, as a part of the whole
    st.integers(0, 3),  # how many bytes go
    st.one_of(st.just(b""), st.sampled_from(_INSERTED), st.binary(max_size=2)),
)
_streams = st.tuples(
    st.lists(_requests, min_size=1, max_size=3).map(b"".join), st.lists(_edits, max_size=3)
)


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def vigil(
    tmp_path_factory: pytest.TempPathFactory, recorder: Recorder, port: int
) -> Iterator[Vigil]:
    place = tmp_path_factory.mktemp("mutated")
    resources = Resources(place / "resources")
    rules = with_rules(allow('ctx.request.http.path.startsWith("/ok/")'))
    service = a_service("web", port, recorder.url, **rules)
    resources.write("world", a_user("alice"), a_session("alice", "alice"), service)
    with up(resources, place, ports=[port]) as process:
        yield process


def _mutated(stream: bytes, edits: list[tuple[float, int, bytes]]) -> bytes:
    for part, gone, put in edits:
        at = int(part * len(stream))
        stream = stream[:at] + put + stream[at + gone :]
    return stream


def _send(port: int, data: bytes) -> None:
    """Send, and read until the answers stop coming."""
    with socket.create_connection((LOOPBACK, port), timeout=5) as connection:
        try:
            connection.sendall(data)
            connection.settimeout(_SILENCE)
            while connection.recv(65536):
                pass
        except OSError:
            pass


@settings(
    max_examples=_EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(_streams)
def test_every_request_the_upstream_sees_was_allowed_and_is_logged(
    vigil: Vigil, recorder: Recorder, port: int, given: tuple[bytes, list[tuple[float, int, bytes]]]
) -> None:
    token = vigil.token("alice").encode()
    seen, logged = len(recorder.seen), _allowed(vigil)
    _send(port, _mutated(*given).replace(_TOKEN, token))
    received = recorder.seen[seen:]
    assert [each.target for each in received if not each.target.startswith("/ok/")] == []
    assert [each.head for each in received if token in each.head] == []
    vigil.eventually(
        "an entry for each", lambda: _allowed(vigil) >= logged + len(recorder.seen) - seen
    )


def _allowed(vigil: Vigil) -> int:
    return sum(line["entry"]["common"]["status"] == "ALLOWED" for line in vigil.entries())
