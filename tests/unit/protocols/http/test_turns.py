"""Answers are sent at the end of a turn of the loop: what may come between, and must not hurt."""

from __future__ import annotations

import asyncio

import pytest

from protocols.http import upstream as upstream_module
from protocols.http.client import MOST_AT_ONCE
from protocols.http.outbox import next_turn
from tests.harness.proxying import OK, Proxying, get, post

UPGRADE = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: x")
SWITCHED = b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"


@pytest.fixture
async def proxying() -> Proxying:
    return Proxying(soon=next_turn)


async def test_an_answer_waits_for_a_client_that_was_full_before_its_upstream_was_dialled(
    proxying: Proxying,
) -> None:
    client = proxying.client()
    client.is_slow = True
    upstream = await proxying.forward(client, get("/1", token=b"") + get("/2"))
    assert upstream.is_reading_paused
    client.drain()
    assert not upstream.is_reading_paused
    upstream.feed(OK)
    await proxying.settle()
    assert client.take().endswith(b"ok")


async def test_a_client_that_says_goodbye_with_its_request_still_gets_the_answer(
    proxying: Proxying,
) -> None:
    client = proxying.client(is_tls=True)
    client.feed(get(token=b""))
    client.end()
    assert client.take().startswith(b"HTTP/1.1 401 ")


async def test_a_long_pipeline_leaves_other_connections_their_turn(proxying: Proxying) -> None:
    client = proxying.client()
    count = 10 * MOST_AT_ONCE
    client.feed(get(token=b"") * count)
    assert len(proxying.telemetry.records) == MOST_AT_ONCE
    for _ in range(12):
        await proxying.settle()
    assert len(proxying.telemetry.records) == count
    assert client.take().count(b"HTTP/1.1 401 ") == count
    assert not client.is_reading_paused


async def test_a_long_pipeline_stops_as_soon_as_its_client_is_full(proxying: Proxying) -> None:
    client = proxying.client()
    client.is_slow = True
    client.feed(get(token=b"") * 10 * MOST_AT_ONCE)
    for _ in range(12):
        await proxying.settle()
    assert len(proxying.telemetry.records) == MOST_AT_ONCE
    client.drain()
    for _ in range(12):
        await proxying.settle()
    assert len(proxying.telemetry.records) == 10 * MOST_AT_ONCE


async def test_a_pipeline_of_a_client_that_left_goes_no_further(proxying: Proxying) -> None:
    client = proxying.client()
    client.feed(get(token=b"") * 10 * MOST_AT_ONCE)
    client.lose()
    for _ in range(12):
        await proxying.settle()
    assert len(proxying.telemetry.records) == MOST_AT_ONCE


async def test_an_upstream_with_part_of_the_request_still_unsent_is_not_used_again(
    proxying: Proxying,
) -> None:
    client = proxying.client()
    upstream = await proxying.forward(client, get())
    upstream.feed(OK)
    upstream.is_slow = True
    await proxying.forward(client, post("/", b"x" * 100_000))
    upstream.feed(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
    assert upstream.is_aborted
    assert await proxying.forward(client, get()) is not upstream


async def test_an_upstream_that_never_takes_the_rest_is_cut_after_a_while(
    proxying: Proxying, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upstream_module, "CLOSE_SECONDS", 0.0)
    client = proxying.client()
    upstream = await proxying.forward(client, get("/", *UPGRADE))
    upstream.feed(SWITCHED)
    upstream.is_slow = True
    client.feed(b"x" * 1000)
    await proxying.settle()
    client.lose()
    assert upstream.is_leaving
    assert not upstream.is_closed
    await asyncio.sleep(0.001)
    assert upstream.is_aborted


async def test_nobody_is_given_an_upstream_that_has_just_said_goodbye(proxying: Proxying) -> None:
    client = proxying.client()
    gone = await proxying.forward(client, get())
    gone.feed(OK)
    gone.say_goodbye()
    assert await proxying.forward(client, post("/", b"abc")) is not gone


async def test_an_upstream_that_gave_a_hint_and_died_is_not_asked_again(
    proxying: Proxying,
) -> None:
    client = proxying.client()
    upstream = await proxying.forward(client, get())
    upstream.feed(OK)
    await proxying.forward(client, get())
    client.take()
    upstream.feed(b"HTTP/1.1 103 Early Hints\r\n\r\n")
    upstream.lose()
    await proxying.settle()
    assert b"HTTP/1.1 502 " in client.take()


async def test_a_connection_after_the_last_was_drained_is_turned_away(proxying: Proxying) -> None:
    await proxying.handler.drain(1.0, is_final=False)
    client = proxying.client()
    assert client.is_aborted
    assert list(proxying.handler.live()) == []
