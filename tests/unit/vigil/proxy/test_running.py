from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from config.errors import ConfigError
from config.resources.meta import Resource
from config.resources.service import Service
from protocols.api import ProtocolSpec
from tests.harness.builders import a_secret, a_service, a_session, a_user
from tests.harness.certificates import Authority
from tests.harness.clock import FakeClock
from tests.harness.fakehandler import FakeHandler, FakeListener, FakeLive, FakeProtocol, FakeSocket
from tests.harness.gates import ALLOW_ALL
from tests.harness.snapshot import a_snapshot
from vigil.identity.principals import Principals
from vigil.identity.tokens import TokenVerifier
from vigil.proxy import generation as generation_module
from vigil.proxy import running as running_module
from vigil.proxy.generation import Builder
from vigil.proxy.listener import Place
from vigil.proxy.running import CUT_SECONDS, DRAIN_SECONDS, RunningService

HERE = Place("127.0.0.1", 8080)
THERE = Place("127.0.0.1", 9090)


class World:
    """A RunningService whose protocol and listeners are fakes."""

    def __init__(self) -> None:
        self.protocols = [FakeProtocol()]
        self.before: dict[str, Any] = {}
        self.taken: set[Place] = set()
        self.rechecked: list[tuple[int, int]] = []
        self.reports: list[Service] = []

    def protocol_for(self, _: object) -> ProtocolSpec:
        return self.protocols[-1].spec

    def bind(self, place: Place) -> FakeSocket:
        if place in self.taken:
            raise ConfigError.at("", "taken")
        return FakeSocket(place)

    def generation(self, *resources: Resource) -> Any:
        builder = Builder(TokenVerifier({}), FakeClock())
        self.before = dict(builder.build(a_snapshot(*resources), ["web.default"], self.before))
        return self.before["web.default"]

    def reports_of(self, service: Service, protocol: ProtocolSpec) -> Any:
        self.reports.append(service)
        world = self

        class Reports:
            def rechecked(self, *, kept: int, cut: int) -> None:
                world.rechecked.append((kept, cut))

        return Reports()

    async def started(self, *resources: Resource) -> RunningService:
        generation = self.generation(*(resources or (a_service(),)))
        running = RunningService(generation, self.reports_of, FakeClock())
        await running.start(HERE)
        return running

    @property
    def handlers(self) -> list[FakeHandler]:
        return [handler for protocol in self.protocols for handler in protocol.handlers]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    world = World()
    FakeListener.opened = []
    monkeypatch.setattr(running_module, "bind", world.bind)
    monkeypatch.setattr(running_module, "Listener", FakeListener)
    monkeypatch.setattr(generation_module, "protocol_for", world.protocol_for)
    return world


def open_places() -> list[Place]:
    return [listener.bound.place for listener in FakeListener.opened if listener.is_open]


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_a_new_generation_is_what_the_next_request_sees(world: World) -> None:
    running = await world.started()
    await running.adopt(world.generation(a_service(isPublic=True)), HERE)
    assert world.handlers[0].current().service.spec.is_public


async def test_a_change_that_needs_no_listener_keeps_the_one_there_is(world: World) -> None:
    running = await world.started()
    is_anew = await running.adopt(world.generation(a_service(isPublic=True)), HERE)
    assert not is_anew
    assert len(FakeListener.opened) == len(world.handlers) == 1


async def test_another_place_is_listened_for_before_the_old_one_is_left(world: World) -> None:
    running = await world.started()
    assert await running.adopt(world.generation(a_service(port=9090)), THERE)
    assert open_places() == [THERE]
    assert running.address == ("127.0.0.1", 9090)
    assert FakeListener.opened[1].handler is world.handlers[1]


async def test_a_place_that_cannot_be_had_leaves_everything_as_it_was(world: World) -> None:
    running = await world.started()
    before = running.generation
    world.taken.add(THERE)
    with pytest.raises(ConfigError):
        await running.adopt(world.generation(a_service(port=9090)), THERE)
    assert running.generation is before
    assert open_places() == [HERE]


async def test_tls_is_switched_on_over_the_same_socket(world: World, tmp_path: Any) -> None:
    chain, key = Authority(tmp_path).issue("web.localhost")
    secret = a_secret("crt-ns-default", key, data={"value": chain})
    running = await world.started()
    assert await running.adopt(world.generation(a_service(isTLS=True), secret), HERE)
    plain, secure = FakeListener.opened
    assert plain.tls is None
    assert secure.tls() is running.generation.tls.context
    assert open_places() == [HERE]


async def test_a_change_of_mode_gets_a_listener_and_counters_of_its_own(world: World) -> None:
    running = await world.started()
    assert await running.adopt(world.generation(a_service("WEB")), HERE)
    assert [service.spec.mode for service in world.reports] == ["HTTP", "WEB"]
    assert open_places() == [HERE]


async def test_what_came_through_an_old_listener_is_drained_and_then_forgotten(
    world: World,
) -> None:
    running = await world.started()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(running.run())
        world.handlers[0].may_drain.clear()
        await running.adopt(world.generation(a_service(port=9090)), THERE)
        await turns()
        assert world.handlers[0].drained == [DRAIN_SECONDS]
        assert world.handlers[1].drained == []
        world.handlers[0].may_drain.set()
        await turns()
        assert running._handlers == [world.handlers[1]]
        task.cancel()


async def test_a_handler_is_drained_only_when_no_new_connection_can_reach_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = await world.started()
    opening = FakeListener.open

    async def open_slowly(*arguments: Any) -> FakeListener:
        await turns()
        assert world.handlers[0].drained == []
        return await opening(*arguments)

    monkeypatch.setattr(FakeListener, "open", open_slowly)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(running.run())
        await running.adopt(world.generation(a_service(port=9090)), THERE)
        await turns()
        assert world.handlers[0].drained == [DRAIN_SECONDS]
        task.cancel()


async def test_another_protocol_never_reads_the_options_of_the_old_one(world: World) -> None:
    running = await world.started()
    world.protocols.append(FakeProtocol())
    await running.adopt(world.generation(a_service(isPublic=True)), HERE)
    old, new = world.handlers
    assert not old.current().service.spec.is_public
    assert new.current().service.spec.is_public
    assert running._retired.get_nowait() == (old, CUT_SECONDS, True)


async def test_streams_are_asked_about_again_after_a_change_also_behind_an_old_listener(
    world: World,
) -> None:
    service = a_service(authorization=ALLOW_ALL)
    running = await world.started(service, a_user(), a_session())
    snapshot = running.generation.gate._ground.shared.snapshot
    (session,) = snapshot.all(type(a_session()))
    who: Any = Principals(snapshot).of_session(session.metadata.uid)
    stream = FakeLive(who)
    world.handlers[0].streams.append(stream)
    world.handlers[0].may_drain.clear()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(running.run())
        await running.adopt(world.generation(service, a_user()), THERE)
        await turns(10)
        assert stream.ended is not None
        assert world.rechecked == [(0, 1)]
        task.cancel()


async def test_a_service_that_is_gone_listens_no_more_and_ends_what_it_holds(world: World) -> None:
    running = await world.started()
    stream = FakeLive()
    world.handlers[0].streams.append(stream)
    await running.remove()
    assert open_places() == []
    assert stream.ended is not None
    assert world.handlers[0].drained == [CUT_SECONDS]


async def test_stopping_lets_what_is_in_flight_end(world: World) -> None:
    running = await world.started()
    stream = FakeLive()
    world.handlers[0].streams.append(stream)
    await running.stop(20)
    assert open_places() == []
    assert stream.ended is None
    assert world.handlers[0].drained == [20]
