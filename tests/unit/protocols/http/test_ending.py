"""The ways a request can end early: the upstream fails, access is withdrawn, time runs out."""

from __future__ import annotations

import asyncio

import pytest

from protocols.http.client import (
    ANSWER_SECONDS,
    BODY_SECONDS,
    HEAD_SECONDS,
    IDLE_SECONDS,
    LINGER_SECONDS,
    STALL_SECONDS,
)
from protocols.http.pool import IDLE_SECONDS as POOL_SECONDS
from protocols.net.dial import DialError
from tests.harness.builders import a_service
from tests.harness.gate import NO_POLICY_MATCH
from tests.harness.proxying import OK, Proxying, get, post


@pytest.fixture
async def proxying() -> Proxying:
    return Proxying()


@pytest.mark.parametrize(("is_timeout", "status"), [(False, 502), (True, 504)])
async def test_an_upstream_that_cannot_be_reached(
    proxying: Proxying, is_timeout: bool, status: int
) -> None:
    proxying.error = DialError("why", is_timeout=is_timeout)
    client = proxying.client()
    answer = await proxying.ask(client, get())
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert b"why" not in answer
    assert not client.is_closed
    (record,) = proxying.telemetry.records
    assert record.is_error
    assert record.info()["http"]["response"]["error"] == "why"
    assert proxying.telemetry.dials == [False]


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Le", id="half-a-head"),
        pytest.param(b"SSH-2.0-OpenSSH\r\n\r\n", id="no-http"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n", id="nul"),
        pytest.param(b"HTTP/1.1 200 OK\r\n folded\r\n\r\n", id="folded"),
        pytest.param(b"HTTP/1.1 200 OK\nX: 1\n\n", id="bare-line-feeds"),
        pytest.param(b"HTTP/1.1 600 X\r\n\r\n", id="status"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", id="cl-cl"
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            id="cl-te",
        ),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", id="te"),
        pytest.param(b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", id="te-in-1.0"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000, id="huge-head"),
    ],
)
async def test_an_upstream_that_speaks_no_proper_http_is_502(
    proxying: Proxying, broken: bytes
) -> None:
    client = proxying.client()
    upstream = await proxying.forward(client, get())
    if broken:
        upstream.feed(broken)
    upstream.end() if not upstream.is_closed else None
    assert client.take().startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
    assert upstream.is_closed
    (await proxying.forward(client, get())).feed(OK)
    assert client.take().startswith(b"HTTP/1.1 200 ")


async def test_an_answer_cut_short_is_cut_for_the_client_too(proxying: Proxying) -> None:
    client = proxying.client()
    upstream = await proxying.forward(client, get())
    upstream.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this")
    upstream.end()
    assert client.take().endswith(b"only this")
    assert client.is_aborted
    assert proxying.telemetry.active == 0


async def test_a_broken_chunk_in_an_answer_cuts_it(proxying: Proxying) -> None:
    client = proxying.client()
    upstream = await proxying.forward(client, get())
    upstream.feed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
    upstream.feed(b"zz\r\n")
    assert client.is_aborted
    assert upstream.is_aborted


async def test_bytes_after_an_answer_make_the_connection_unfit(proxying: Proxying) -> None:
    client = proxying.client()
    first = await proxying.forward(client, get())
    first.feed(OK + b"HTTP/1.1 200 OK\r\n")
    assert first.is_closed
    assert client.take().count(b"HTTP/1.1") == 1
    assert await proxying.forward(client, get()) is not first


async def test_bytes_on_an_idle_connection_make_it_unfit(proxying: Proxying) -> None:
    client = proxying.client()
    first = await proxying.forward(client, get())
    first.feed(OK)
    first.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    assert first.is_aborted
    assert await proxying.forward(client, get()) is not first


async def test_a_request_on_a_connection_the_upstream_just_closed_is_sent_again(
    proxying: Proxying,
) -> None:
    client = proxying.client()
    first = await proxying.forward(client, get("/1"))
    first.feed(OK)
    client.take()
    assert await proxying.forward(client, get("/2")) is first
    first.end()
    await proxying.settle()
    assert proxying.upstream is not first
    assert proxying.upstream.take().startswith(b"GET /2 ")
    proxying.upstream.feed(OK)
    assert client.take().startswith(b"HTTP/1.1 200 ")
    assert len(proxying.gate.asked) == 2


async def test_it_is_sent_again_only_once(proxying: Proxying) -> None:
    client = proxying.client()
    (await proxying.forward(client, get())).feed(OK)
    client.take()
    await proxying.forward(client, get())
    proxying.upstream.end()
    await proxying.settle()
    proxying.upstream.end()
    await proxying.settle()
    assert client.take().startswith(b"HTTP/1.1 502 ")
    assert len(proxying.dialled) == 2


@pytest.mark.parametrize(
    "request_",
    [pytest.param(get(method="POST"), id="post"), pytest.param(post("/", b"x"), id="body")],
)
async def test_what_might_do_something_twice_is_not_sent_again(
    proxying: Proxying, request_: bytes
) -> None:
    client = proxying.client()
    (await proxying.forward(client, get())).feed(OK)
    client.take()
    (await proxying.forward(client, request_)).end()
    await proxying.settle()
    assert client.take().startswith(b"HTTP/1.1 502 ")
    assert len(proxying.dialled) == 1


async def test_a_request_not_yet_answered_is_refused_when_access_is_withdrawn(
    proxying: Proxying,
) -> None:
    client = proxying.client()
    upstream = await proxying.forward(client, get())
    (live,) = proxying.handler.live()
    assert live.who is proxying.gate.who
    assert live.request.facts() == proxying.gate.asked[0]
    live.end(NO_POLICY_MATCH)
    assert client.take().startswith(b"HTTP/1.1 403 ")
    assert upstream.is_aborted
    assert proxying.telemetry.records[0].end_reason == NO_POLICY_MATCH
    assert not client.is_closed


async def test_a_request_being_dialled_is_refused_when_access_is_withdrawn(
    proxying: Proxying,
) -> None:
    proxying.answering.clear()
    client = proxying.client()
    client.feed(get())
    (live,) = proxying.handler.live()
    live.end(NO_POLICY_MATCH)
    proxying.answering.set()
    await proxying.settle()
    assert client.take().startswith(b"HTTP/1.1 403 ")
    assert proxying.upstream.take() == b""


async def test_an_answer_under_way_is_cut_when_access_is_withdrawn(proxying: Proxying) -> None:
    client = proxying.client()
    upstream = await proxying.forward(client, get())
    upstream.feed(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n: 1\n\n")
    (live,) = proxying.handler.live()
    live.end(NO_POLICY_MATCH)
    assert client.is_aborted
    assert upstream.is_aborted
    assert [name for name, _ in proxying.telemetry.streams] == ["opened", "closed"]


async def test_a_service_that_was_disabled_answers_503_to_what_is_in_flight(
    proxying: Proxying,
) -> None:
    client = proxying.client()
    await proxying.forward(client, get())
    proxying.gate.service = a_service(isPublic=True, isDisabled=True)
    (live,) = proxying.handler.live()
    live.end(NO_POLICY_MATCH)
    assert client.take().startswith(b"HTTP/1.1 503 ")


async def test_nothing_answered_or_refused_is_live(proxying: Proxying) -> None:
    client = proxying.client()
    (await proxying.forward(client, get())).feed(OK)
    await proxying.ask(client, get(token=b""))
    assert list(proxying.handler.live()) == []


async def test_a_silent_connection_is_closed(proxying: Proxying) -> None:
    client = proxying.client()
    proxying.wait(HEAD_SECONDS + 2)
    assert client.has_sent_eof


async def test_a_head_that_trickles_is_408(proxying: Proxying) -> None:
    client = proxying.client()
    for byte in get()[: int(HEAD_SECONDS) + 2]:
        if not client.has_sent_eof:
            client.feed(bytes([byte]))
        proxying.wait(1)
    assert client.take().startswith(b"HTTP/1.1 408 ")


async def test_a_body_that_stops_is_408_and_the_upstream_is_let_go(proxying: Proxying) -> None:
    client = proxying.client()
    upstream = await proxying.forward(client, get("/", "Content-Length: 9", method="POST"))
    proxying.wait(BODY_SECONDS + 2)
    assert client.take().startswith(b"HTTP/1.1 408 ")
    assert upstream.is_aborted


async def test_a_body_that_goes_on_is_waited_for(proxying: Proxying) -> None:
    client = proxying.client()
    upstream = await proxying.forward(client, get("/", "Content-Length: 9", method="POST"))
    for _ in range(9):
        proxying.wait(BODY_SECONDS - 5)
        client.feed(b"x")
    upstream.feed(OK)
    assert client.take().startswith(b"HTTP/1.1 200 ")


async def test_an_idle_connection_is_closed_after_a_while(proxying: Proxying) -> None:
    client = proxying.client()
    (await proxying.forward(client, get())).feed(OK)
    proxying.wait(IDLE_SECONDS - 2)
    assert not client.has_sent_eof
    proxying.wait(4)
    assert client.has_sent_eof
    proxying.wait(LINGER_SECONDS + 2)
    assert client.is_closed


async def test_a_request_after_a_long_silence_is_not_late(proxying: Proxying) -> None:
    client = proxying.client()
    (await proxying.forward(client, get())).feed(OK)
    client.take()
    proxying.wait(IDLE_SECONDS - 5)
    await proxying.forward(client, get("/", "Content-Length: 9", method="POST"))
    proxying.wait(3)
    assert client.take() == b""


async def test_a_client_that_stops_reading_is_cut(proxying: Proxying) -> None:
    client = proxying.client()
    client.is_slow = True
    upstream = await proxying.forward(client, get())
    upstream.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
    proxying.wait(STALL_SECONDS + 3)
    assert client.is_aborted
    assert upstream.is_aborted
    assert proxying.telemetry.active == 0


async def test_an_upstream_that_never_answers_is_504_in_the_end(proxying: Proxying) -> None:
    client = proxying.client()
    await proxying.forward(client, get())
    proxying.wait(ANSWER_SECONDS - 2)
    assert client.take() == b""
    proxying.wait(4)
    assert client.take().startswith(b"HTTP/1.1 504 ")


async def test_a_stream_is_not_ended_by_time(proxying: Proxying) -> None:
    client = proxying.client()
    upstream = await proxying.forward(client, get())
    upstream.feed(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n: 1\n\n")
    proxying.wait(ANSWER_SECONDS * 2)
    upstream.feed(b": 2\n\n")
    assert client.take().endswith(b": 2\n\n\r\n")


async def test_an_idle_upstream_connection_is_closed_after_a_while(proxying: Proxying) -> None:
    client = proxying.client()
    upstream = await proxying.forward(client, get())
    upstream.feed(OK)
    proxying.wait(POOL_SECONDS + 2)
    assert upstream.is_closed


async def test_draining_closes_idle_connections_and_waits_for_the_others(
    proxying: Proxying,
) -> None:
    idle, busy = proxying.client(), proxying.client()
    upstream = await proxying.forward(busy, get())
    draining = asyncio.ensure_future(proxying.handler.drain(5, is_final=True))
    await proxying.settle()
    assert idle.is_closed
    assert not draining.done()
    upstream.feed(OK)
    assert b"Connection: close" in busy.take()
    await draining
    assert upstream.is_closed


async def test_draining_cuts_what_does_not_end_in_time(proxying: Proxying) -> None:
    client = proxying.client()
    upstream = await proxying.forward(client, get())
    await proxying.handler.drain(0.001, is_final=True)
    assert client.is_aborted
    assert upstream.is_aborted
    assert proxying.telemetry.active == 0
