from __future__ import annotations

import asyncio
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vigil.telemetry import admin
from vigil.telemetry.admin import Admin
from vigil.telemetry.metrics import Metrics


class Wire:
    """The writing half of a connection, kept in memory."""

    def __init__(self) -> None:
        self.sent = b""
        self.is_closed = False
        self.is_aborted = False
        self.transport = self

    def write(self, data: bytes) -> None:
        self.sent += data

    async def drain(self) -> None: ...

    def close(self) -> None:
        self.is_closed = True

    async def wait_closed(self) -> None: ...

    def abort(self) -> None:
        self.is_aborted = True


async def exchange(request: bytes, *, not_ready: str = "", ends: bool = True) -> Wire:
    """Send ``request`` to an Admin and return what became of the connection."""
    reader = asyncio.StreamReader(limit=admin.MAX_HEAD)
    reader.feed_data(request)
    if ends:
        reader.feed_eof()
    wire = Wire()
    subject = Admin(Metrics(), lambda: not_ready)
    await subject.serve(reader, cast("asyncio.StreamWriter", wire))
    return wire


def get(path: str, *fields: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: x", *fields, "", ""]).encode()


def status(wire: Wire) -> int:
    return int(wire.sent.split(b" ")[1])


async def test_the_process_is_healthy_while_its_loop_turns() -> None:
    wire = await exchange(get("/healthz"), not_ready="draining")
    assert (status(wire), wire.sent.rpartition(b"\r\n\r\n")[2]) == (200, b"ok\n")
    assert wire.is_closed


async def test_it_is_ready_when_nothing_speaks_against_it() -> None:
    assert status(await exchange(get("/readyz"))) == 200


async def test_why_it_is_not_ready_is_told() -> None:
    wire = await exchange(get("/readyz"), not_ready="draining")
    assert (status(wire), wire.sent.rpartition(b"\r\n\r\n")[2]) == (503, b"draining\n")


async def test_metrics_are_served_as_prometheus_text() -> None:
    wire = await exchange(get("/metrics"))
    assert status(wire) == 200
    assert b"Content-Type: text/plain; version=0.0.4" in wire.sent
    assert b"vigil_config_revision 0.0" in wire.sent


async def test_metrics_are_served_as_openmetrics_to_those_who_ask() -> None:
    wire = await exchange(get("/metrics", "Accept: application/openmetrics-text; version=1.0.0"))
    assert b"Content-Type: application/openmetrics-text" in wire.sent
    assert wire.sent.endswith(b"# EOF\n")


async def test_a_query_is_ignored() -> None:
    assert status(await exchange(get("/healthz?verbose=1"))) == 200


async def test_the_length_of_the_answer_is_what_it_says() -> None:
    head, _, body = (await exchange(get("/metrics"))).sent.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head


@pytest.mark.parametrize(
    ("request_bytes", "expected"),
    [
        pytest.param(get("/"), 404, id="other-path"),
        pytest.param(get("/metrics/"), 404, id="nearly-a-path"),
        pytest.param(get("/healthz").replace(b"GET", b"POST"), 405, id="other-method"),
        pytest.param(get("/healthz").replace(b"GET", b"HEAD"), 405, id="head"),
        pytest.param(b"GET /healthz\r\n\r\n", 400, id="no-version"),
        pytest.param(b"GET /healthz HTTP/2.0\r\n\r\n", 400, id="other-version"),
        pytest.param(b"GET  /healthz HTTP/1.1\r\n\r\n", 400, id="two-spaces"),
        pytest.param(b"GET http://x/healthz HTTP/1.1\r\n\r\n", 400, id="absolute"),
        pytest.param(get("/healthz", "no colon"), 400, id="no-colon"),
        pytest.param(get("/healthz", "Space : x"), 400, id="space-before-colon"),
        pytest.param(get("/healthz", "Folded: a", " b"), 400, id="folded"),
        pytest.param(get("/healthz", "Nul: \0"), 400, id="nul"),
        pytest.param(get("/healthz", "Long: " + "x" * admin.MAX_HEAD), 431, id="too-long"),
    ],
)
async def test_what_is_not_a_plain_get_is_refused(request_bytes: bytes, expected: int) -> None:
    assert status(await exchange(request_bytes)) == expected


async def test_another_method_is_told_which_one_is_allowed() -> None:
    assert b"\r\nAllow: GET\r\n" in (await exchange(get("/metrics").replace(b"GET", b"PUT"))).sent


async def test_a_client_that_leaves_early_gets_nothing() -> None:
    wire = await exchange(b"GET /healthz HT")
    assert (wire.sent, wire.is_aborted) == (b"", True)


async def test_a_client_that_says_nothing_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(admin, "HEAD_SECONDS", 0.0)
    assert status(await exchange(b"GET /healthz HT", ends=False)) == 408


async def test_there_is_a_limit_to_open_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin, "MAX_CONNECTIONS", 0)
    wire = await exchange(get("/healthz"))
    assert (wire.sent, wire.is_aborted) == (b"", True)


@settings(max_examples=200)
@given(st.binary(max_size=200))
def test_no_bytes_bring_it_down(data: bytes) -> None:
    wire = asyncio.run(exchange(data + b"\r\n\r\n"))
    assert wire.is_aborted or status(wire) in {200, 400, 404, 405}
