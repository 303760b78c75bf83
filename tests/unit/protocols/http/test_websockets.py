"""WebSockets: relayed unread, counted, and closed with 1008 between two frames."""

from __future__ import annotations

import asyncio

import pytest

from policy.decision import Denied, Reason
from protocols.http.tunnel import GRACE_SECONDS
from tests.harness.gate import NO_POLICY_MATCH
from tests.harness.proxying import Proxying, get
from tests.harness.transport import FakeTransport

UPGRADE = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: x")
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: WebSocket\r\n"
SWITCHED = SWITCH + b"Sec-WebSocket-Accept: y\r\n\r\n"


@pytest.fixture
async def proxying() -> Proxying:
    return Proxying()


async def opened(proxying: Proxying) -> tuple[FakeTransport, FakeTransport]:
    client = proxying.client()
    upstream = await proxying.forward(client, get("/ws", *UPGRADE))
    upstream.take()
    upstream.feed(SWITCHED)
    client.take()
    return client, upstream


def frame(payload: bytes) -> bytes:
    return bytes((0x82, len(payload))) + payload


async def test_the_upgrade_is_relayed_both_ways(proxying: Proxying) -> None:
    client = proxying.client()
    upstream = await proxying.forward(client, get("/ws", *UPGRADE))
    assert upstream.take() == (
        b"GET /ws HTTP/1.1\r\nHost: app.internal:8080\r\nConnection: Upgrade\r\n"
        b"Upgrade: websocket\r\nSec-WebSocket-Key: x\r\nUser-Agent: octelium\r\n\r\n"
    )
    upstream.feed(SWITCHED)
    assert client.take() == (
        b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: y\r\nServer: octelium\r\n"
        b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    )


async def test_bytes_pass_both_ways_as_they_are(proxying: Proxying) -> None:
    client, upstream = await opened(proxying)
    client.feed(b"\x82\x83abcd")
    upstream.feed(frame(b"hello")[:3])
    assert upstream.take() == b"\x82\x83abcd"
    assert client.take() == frame(b"hello")[:3]


async def test_what_comes_with_the_switch_passes_too(proxying: Proxying) -> None:
    client = proxying.client()
    upstream = await proxying.forward(client, get("/ws", *UPGRADE) + b"\x82\x01a")
    assert b"\x82\x01a" not in upstream.take()
    upstream.feed(SWITCHED + frame(b"hi"))
    assert client.take().endswith(frame(b"hi"))
    assert upstream.take() == b"\x82\x01a"


async def test_an_upstream_that_will_not_switch_answers_as_usual(proxying: Proxying) -> None:
    client = proxying.client()
    upstream = await proxying.forward(client, get("/ws", *UPGRADE) + get("/next"))
    upstream.feed(b"HTTP/1.1 426 No\r\nContent-Length: 0\r\n\r\n")
    assert client.take().startswith(b"HTTP/1.1 426 No\r\n")
    assert upstream.take().partition(b"\r\n\r\n")[2].startswith(b"GET /next ")


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(get("/"), id="plain"),
        pytest.param(get("/", *UPGRADE, "Content-Length: 1", method="POST") + b"x", id="with-body"),
        pytest.param(get("/", "Upgrade: websocket"), id="not-named-by-connection"),
    ],
)
async def test_a_switch_that_was_not_asked_for_is_502(proxying: Proxying, request_: bytes) -> None:
    client = proxying.client()
    upstream = await proxying.forward(client, request_)
    assert b"pgrade" not in upstream.take()
    upstream.feed(SWITCHED)
    assert client.take().startswith(b"HTTP/1.1 502 ")
    assert upstream.is_aborted


async def test_a_switch_to_something_else_is_502(proxying: Proxying) -> None:
    client = proxying.client()
    upstream = await proxying.forward(client, get("/ws", *UPGRADE))
    upstream.feed(SWITCHED.replace(b"WebSocket", b"h2c"))
    assert client.take().startswith(b"HTTP/1.1 502 ")


async def test_a_refused_websocket_gets_1008_and_the_upstream_is_closed(
    proxying: Proxying,
) -> None:
    client, upstream = await opened(proxying)
    (live,) = proxying.handler.live()
    live.end(NO_POLICY_MATCH)
    sent = client.take()
    assert sent[:1] == b"\x88"
    assert sent[2:4] == (1008).to_bytes(2, "big")
    assert len(sent) == 2 + sent[1]
    assert upstream.is_closed
    assert client.has_sent_eof
    assert list(proxying.handler.live()) == []


async def test_the_close_frame_waits_for_the_end_of_the_frame_begun(proxying: Proxying) -> None:
    client, upstream = await opened(proxying)
    upstream.feed(frame(b"hello")[:4])
    (live,) = proxying.handler.live()
    live.end(NO_POLICY_MATCH)
    upstream.feed(frame(b"hello")[4:] + frame(b"more"))
    sent = client.take()
    assert sent.startswith(frame(b"hello") + b"\x88")
    assert b"more" not in sent
    client.feed(b"\x82\x80abcd")
    assert upstream.take() == b""


async def test_a_frame_that_never_ends_is_cut(proxying: Proxying) -> None:
    client, upstream = await opened(proxying)
    upstream.feed(frame(b"hello")[:4])
    (live,) = proxying.handler.live()
    live.end(NO_POLICY_MATCH)
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    loop.call_later(GRACE_SECONDS, done.set_result, None)
    await done
    assert client.is_aborted
    assert upstream.is_aborted


@pytest.mark.parametrize("side", ["client", "upstream"])
async def test_one_side_that_leaves_takes_the_other_along(proxying: Proxying, side: str) -> None:
    client, upstream = await opened(proxying)
    upstream.feed(frame(b"bye"))
    if side == "client":
        client.end()
        assert upstream.is_closed
    else:
        upstream.end()
        assert client.has_sent_eof
    assert proxying.telemetry.active == 0


async def test_a_websocket_is_logged_as_it_opens_and_as_it_closes(proxying: Proxying) -> None:
    client, upstream = await opened(proxying)
    client.feed(b"\x82\x83abcd")
    upstream.feed(frame(b"hello"))
    (live,) = proxying.handler.live()
    live.end(Denied(Reason.SESSION_NOT_ACTIVE))
    (first, record), (last, same) = proxying.telemetry.streams
    assert (first, last) == ("opened", "closed")
    assert proxying.telemetry.records == [record]
    assert same is record
    assert (record.bytes_received, record.bytes_sent) == (6, 7)
    assert record.end_reason == Denied(Reason.SESSION_NOT_ACTIVE)
    assert record.labels == ("GET", "1xx", "HTTP11", "WEBSOCKET")
    assert record.info()["http"]["response"]["code"] == 101


async def test_a_slow_side_makes_the_other_wait(proxying: Proxying) -> None:
    client, upstream = await opened(proxying)
    client.is_slow = True
    upstream.feed(frame(b"hello"))
    assert upstream.is_reading_paused
    client.drain()
    assert not upstream.is_reading_paused
    upstream.is_slow = True
    client.feed(b"\x82\x83abcd")
    assert client.is_reading_paused
    upstream.drain()
    assert not client.is_reading_paused


async def test_a_websocket_is_told_when_the_process_stops(proxying: Proxying) -> None:
    client, upstream = await opened(proxying)
    draining = asyncio.ensure_future(proxying.handler.drain(5, is_final=True))
    await proxying.settle()
    assert client.take() == b"\x88\x19\x03\xe9the proxy is going away"
    assert upstream.is_closed
    client.end()
    await draining


async def test_a_websocket_outlives_the_listener_it_came_through(proxying: Proxying) -> None:
    client, upstream = await opened(proxying)
    draining = asyncio.ensure_future(proxying.handler.drain(0.001, is_final=False))
    await asyncio.wait([draining], timeout=0.05)
    assert not draining.done()
    upstream.feed(frame(b"still here"))
    assert client.take() == frame(b"still here")
    client.end()
    await draining
