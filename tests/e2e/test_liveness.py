"""WebSockets: relayed while allowed, closed within a second of the refusal (A53, A77, A78)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.harness.cases import with_rules
from tests.harness.processes import LOOPBACK, free_port
from tests.harness.rawhttp import RawConnection
from tests.harness.resources import (
    ALLOW_ALL,
    Document,
    Resources,
    a_device,
    a_service,
    a_session,
    a_user,
    allow,
    deny,
)
from tests.harness.running import Entry, Vigil, up

_BUDGET: Final = 1.0
_IDLE: Final = 200
_POLICY_VIOLATION: Final = 1008
_NAMES: Final = ("victim", "crowd", "other", "laptop", "editor", "timed", "reader", "fading")


@pytest.fixture(scope="module")
def ports() -> dict[str, int]:
    return {name: free_port() for name in ("web", "edited", "timed")}


@pytest.fixture(scope="module")
def vigil(
    tmp_path_factory: pytest.TempPathFactory, app_url: str, ports: dict[str, int]
) -> Iterator[Vigil]:
    place = tmp_path_factory.mktemp("liveness")
    resources = Resources(place / "resources")
    resources.write("users", *(a_user(name) for name in _NAMES))
    for name in _NAMES:
        if name != "laptop":
            resources.write(name, a_session(name, name))
    resources.write("laptop", *_laptop("ACTIVE"))
    resources.write("web", a_service("web", ports["web"], app_url, authorization=ALLOW_ALL))
    resources.write("edited", _edited(ports["edited"], app_url, is_open=True))
    resources.write("timed", a_session("timed", "timed"))
    resources.write("timed-service", _until(ports["timed"], app_url, "2020-01-01T00:00:00Z"))
    with up(resources, place, ports=ports.values()) as process:
        for name in _NAMES:
            process.token(name)
        yield process


def _laptop(state: str) -> list[Document]:
    return [
        a_device("laptop", "laptop", state=state),
        a_session("laptop", "laptop", device="laptop"),
    ]


def _edited(port: int, upstream: str, *, is_open: bool) -> Document:
    rules = [allow()] if is_open else [allow(), deny('ctx.request.http.path == "/ws"', name="shut")]
    return a_service("edited", port, upstream, **with_rules(*rules))


def _until(port: int, upstream: str, instant: str) -> Document:
    rules = with_rules(allow(f'now() < timestamp("{instant}")', name="for-now"))
    return a_service("timed", port, upstream, **rules)


@asynccontextmanager
async def _socket(vigil: Vigil, port: int, session: str) -> AsyncIterator[ClientConnection]:
    headers = {"Authorization": f"Bearer {vigil.token(session)}"}
    url = f"ws://{LOOPBACK}:{port}/ws"
    options: dict[str, Any] = {"additional_headers": headers, "proxy": None, "ping_interval": None}
    async with connect(url, **options) as opened:
        yield opened


async def _closed_within(opened: ClientConnection, budget: float) -> int:
    """Return the close code that arrives within the budget."""
    async with asyncio.timeout(budget):
        with pytest.raises(ConnectionClosed) as caught:
            await opened.recv()
    assert caught.value.rcvd is not None, "the connection ended without a close frame"
    return caught.value.rcvd.code


async def _answers(opened: ClientConnection) -> bool:
    await opened.send(b"still there?")
    return await opened.recv() == b"still there?"


@pytest.mark.parametrize("case", [pytest.param("victim", id="A53-echo")])
async def test_five_binary_frames_come_back(vigil: Vigil, ports: dict[str, int], case: str) -> None:
    async with _socket(vigil, ports["web"], case) as opened:
        for number in range(5):
            frame = bytes([number]) * (1 << (4 * number))
            await opened.send(frame)
            assert await opened.recv() == frame


async def test_a_text_frame_and_the_subprotocol_pass(vigil: Vigil, ports: dict[str, int]) -> None:
    headers = {"Authorization": f"Bearer {vigil.token('other')}"}
    url = f"ws://{LOOPBACK}:{ports['web']}/ws"
    options: dict[str, Any] = {"additional_headers": headers, "proxy": None}
    async with connect(url, subprotocols=["chat"], **options) as opened:  # type: ignore[list-item]  # a NewType of str
        assert opened.subprotocol == "chat"
        await opened.send("hällo")
        assert await opened.recv() == "hällo"


async def test_the_client_that_leaves_is_logged_with_its_bytes(
    vigil: Vigil, ports: dict[str, int]
) -> None:
    async with _socket(vigil, ports["web"], "reader") as opened:
        assert await _answers(opened)
    vigil.eventually("open and close entries", lambda: len(_of_user(vigil, "reader")) == 2)
    begun, ended = _of_user(vigil, "reader")
    assert begun["common"]["connectionID"] == ended["common"]["connectionID"]
    assert "endedAt" not in begun["common"]
    answer = ended["info"]["http"]["response"]
    assert answer["code"] == 101
    assert answer["bodyBytes"] > len(b"still there?")
    assert ended["info"]["http"]["request"]["bodyBytes"] > len(b"still there?")


def _of_user(vigil: Vigil, name: str) -> list[Entry]:
    entries = [line["entry"] for line in vigil.entries_for("/ws")]
    return [each for each in entries if each["common"].get("userRef", {}).get("name") == name]


async def test_a_large_message_and_a_ping_pass(vigil: Vigil, ports: dict[str, int]) -> None:
    async with _socket(vigil, ports["web"], "other") as opened:
        frame = bytes(range(256)) * 3000
        await opened.send(frame)
        assert await opened.recv() == frame
        await (await opened.ping())


async def test_the_close_code_of_the_app_reaches_the_client(
    vigil: Vigil, ports: dict[str, int]
) -> None:
    async with _socket(vigil, ports["web"], "other") as opened:
        await opened.send("close 4321")
        assert await _closed_within(opened, 2) == 4321


@pytest.mark.parametrize("session", [pytest.param("", id="A53-nobody")])
def test_an_upgrade_by_nobody_is_401(vigil: Vigil, ports: dict[str, int], session: str) -> None:
    upgrade = ("-H", "Connection: Upgrade", "-H", "Upgrade: websocket")
    keys = ("-H", "Sec-WebSocket-Version: 13", "-H", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
    assert vigil.get(ports["web"], "/ws", *upgrade, *keys, session=session).status == 401


@pytest.mark.parametrize("case", [pytest.param("victim", id="A53-revoked")])
async def test_a_revoked_session_closes_its_websocket(
    vigil: Vigil, ports: dict[str, int], case: str
) -> None:
    async with _socket(vigil, ports["web"], case) as opened:
        assert await _answers(opened)
        vigil.resources.write(case, a_session(case, case, spec={"state": "REJECTED"}))
        assert await _closed_within(opened, _BUDGET) == _POLICY_VIOLATION
    vigil.eventually("the reason in the log", lambda: "SESSION_NOT_ACTIVE" in vigil.stdout)


@pytest.mark.parametrize("case", [pytest.param("laptop", id="A53-device")])
async def test_a_rejected_device_closes_the_websockets_of_its_sessions(
    vigil: Vigil, ports: dict[str, int], case: str
) -> None:
    async with _socket(vigil, ports["web"], case) as opened:
        assert await _answers(opened)
        vigil.resources.write(case, *_laptop("REJECTED"))
        assert await _closed_within(opened, _BUDGET) == _POLICY_VIOLATION


@pytest.mark.parametrize("case", [pytest.param("editor", id="A53-policy")])
async def test_a_policy_edit_is_asked_of_an_open_websocket(
    vigil: Vigil, ports: dict[str, int], app_url: str, case: str
) -> None:
    async with _socket(vigil, ports["edited"], case) as opened:
        assert await _answers(opened)
        vigil.resources.write("edited", _edited(ports["edited"], app_url, is_open=False))
        assert await _closed_within(opened, _BUDGET) == _POLICY_VIOLATION


@pytest.mark.parametrize("case", [pytest.param("crowd", id="A77-two-hundred")])
async def test_two_hundred_idle_websockets_of_a_deleted_session_are_closed_and_no_other(
    vigil: Vigil, ports: dict[str, int], case: str
) -> None:
    async with AsyncExitStack() as stack:
        crowd = [
            await stack.enter_async_context(_socket(vigil, ports["web"], case))
            for _ in range(_IDLE)
        ]
        other = await stack.enter_async_context(_socket(vigil, ports["web"], "other"))
        assert await _answers(other)
        started = time.monotonic()
        vigil.resources.remove(case)
        async with asyncio.TaskGroup() as group:
            closing = [group.create_task(_closed_within(each, _BUDGET)) for each in crowd]
        assert time.monotonic() - started < _BUDGET
        assert {task.result() for task in closing} == {_POLICY_VIOLATION}
        assert await _answers(other)
    vigil.eventually("no open stream", lambda: vigil.metric("vigil_session_active") == 0)


@pytest.mark.parametrize("case", [pytest.param("timed", id="A78-sweep")])
async def test_a_policy_that_ends_with_time_ends_its_websocket(
    vigil: Vigil, ports: dict[str, int], app_url: str, case: str
) -> None:
    end = time.time() + 3
    instant = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(end))
    end = int(end)
    vigil.resources.write("timed-service", _until(ports["timed"], app_url, instant))
    vigil.eventually("the grant", lambda: vigil.status(ports["timed"], case) == 200)
    async with _socket(vigil, ports["timed"], case) as opened:
        assert await _answers(opened)
        assert await _closed_within(opened, 6) == _POLICY_VIOLATION
    assert end <= time.time() <= end + _BUDGET + 0.5


@pytest.mark.parametrize("case", [pytest.param("fading", id="A77-expiry")])
async def test_an_expired_session_is_cut_and_refused_without_any_sweeper(
    vigil: Vigil, ports: dict[str, int], case: str
) -> None:
    end = int(time.time()) + 3
    expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(end))
    vigil.resources.write(case, a_session(case, case, spec={"expiresAt": expires}))
    async with _socket(vigil, ports["web"], case) as opened:
        assert await _answers(opened)
        assert await _closed_within(opened, 6) == _POLICY_VIOLATION
    assert end <= time.time() <= end + _BUDGET + 0.5
    assert vigil.status(ports["web"], case) == 401


@pytest.mark.parametrize("case", [pytest.param("reader", id="A77-event-stream")])
def test_an_event_stream_of_a_revoked_session_ends(
    vigil: Vigil, ports: dict[str, int], case: str
) -> None:
    head = f"GET /events/revoked HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {vigil.token(case)}"
    with RawConnection(ports["web"]) as connection:
        connection.send(head.encode() + b"\r\n\r\n")
        connection.read_until(b"data: 1\n\n")
        started = time.monotonic()
        vigil.resources.write(case, a_session(case, case, spec={"state": "REJECTED"}))
        assert b"data: 2" not in connection.read_to_end()
        assert time.monotonic() - started < _BUDGET
