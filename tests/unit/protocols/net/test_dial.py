"""Opening upstream connections: in the Permit's order, and the gate hears how it went."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import pytest

from policy.decision import Allowed
from protocols.net import dial as dialling
from protocols.net.dial import DialError, dial
from protocols.permit import NoLogin, Permit, Upstream, UpstreamTLS
from tests.harness.gate import FakeGate
from tests.harness.transport import FakeTransport

A, B = Upstream("a", 80, "a"), Upstream("b", 81, "b")


class Protocol(asyncio.Protocol):
    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream


class Network:
    """Stands where the loop opens connections; ``failures`` says what happens by host."""

    def __init__(self, **failures: Exception) -> None:
        self.failures = failures
        self.calls: list[tuple[str, int, Any, str | None]] = []
        self.hangs = False

    async def __call__(
        self, factory: Any, host: str, port: int, *, ssl: Any, server_hostname: str | None
    ) -> tuple[FakeTransport, asyncio.Protocol]:
        self.calls.append((host, port, ssl, server_hostname))
        if self.hangs:
            await asyncio.Event().wait()
        if host in self.failures:
            raise self.failures[host]
        protocol = factory()
        return FakeTransport(protocol), protocol


@pytest.fixture
async def gate() -> FakeGate:
    return FakeGate()


def plug_in(monkeypatch: pytest.MonkeyPatch, network: Network) -> None:
    monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", network)


def permit(*upstreams: Upstream) -> Permit:
    return Permit(Allowed(None), upstreams, NoLogin(), 1)


async def test_the_first_upstream_that_answers_is_taken(
    monkeypatch: pytest.MonkeyPatch, gate: FakeGate
) -> None:
    network = Network(a=ConnectionRefusedError())
    plug_in(monkeypatch, network)
    protocol = await dial(gate, permit(A, B), Protocol)
    assert protocol.upstream == B
    assert [call[:2] for call in network.calls] == [("a", 80), ("b", 81)]
    assert gate.reports == [("failed", A), ("reached", B)]


@pytest.mark.parametrize(
    ("failure", "is_timeout"),
    [
        (ConnectionRefusedError(), False),
        (TimeoutError(), True),
        (OSError("no route to 10.1.2.3"), False),
        (ssl.SSLCertVerificationError("who is this"), False),
        (UnicodeError("label too long"), False),
    ],
)
async def test_an_upstream_that_cannot_be_reached_is_a_dial_error(
    monkeypatch: pytest.MonkeyPatch, gate: FakeGate, failure: Exception, is_timeout: bool
) -> None:
    plug_in(monkeypatch, Network(a=failure))
    with pytest.raises(DialError) as caught:
        await dial(gate, permit(A), Protocol)
    assert caught.value.is_timeout is is_timeout
    assert "10.1.2.3" not in str(caught.value)
    assert gate.reports == [("failed", A)]


async def test_an_upstream_that_gives_no_sign_is_given_up(
    monkeypatch: pytest.MonkeyPatch, gate: FakeGate
) -> None:
    network = Network()
    network.hangs = True
    plug_in(monkeypatch, network)
    monkeypatch.setattr(dialling, "DIAL_SECONDS", 0.001)
    with pytest.raises(DialError) as caught:
        await dial(gate, permit(A), Protocol)
    assert caught.value.is_timeout


async def test_a_service_without_upstream_cannot_be_dialled(gate: FakeGate) -> None:
    with pytest.raises(DialError, match="no upstream"):
        await dial(gate, permit(), Protocol)


@pytest.mark.parametrize(("name", "expected"), [("svc.example", "svc.example"), ("", "a")])
async def test_tls_names_who_must_answer(
    monkeypatch: pytest.MonkeyPatch, gate: FakeGate, name: str, expected: str
) -> None:
    network = Network()
    plug_in(monkeypatch, network)
    tls = UpstreamTLS(name, insecure_skip_verify=True)
    await dial(gate, permit(Upstream("a", 443, "a", tls=tls)), Protocol)
    ((_, _, context, server_name),) = network.calls
    assert server_name == expected
    assert isinstance(context, ssl.SSLContext)
