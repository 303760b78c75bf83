from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from config.errors import ConfigError
from config.resources.meta import Resource
from config.resources.service import Service
from config.snapshot import Snapshot
from tests.harness.builders import a_service
from tests.harness.clock import FakeClock
from tests.harness.fakehandler import FakeListener, FakeProtocol, FakeSocket
from tests.harness.snapshot import a_snapshot
from vigil.identity.tokens import TokenVerifier
from vigil.proxy import generation as generation_module
from vigil.proxy import running as running_module
from vigil.proxy.generation import Builder, Generation
from vigil.proxy.listener import Place
from vigil.proxy.running import RunningService
from vigil.proxy.supervisor import Charge, Supervisor


class World:
    """A Supervisor over fakes, and what it announced."""

    def __init__(self) -> None:
        self.protocol = FakeProtocol()
        self.announced: list[tuple[str, int]] = []
        charge = Charge(
            wanted=self._wanted,
            place=self._place,
            reports=lambda _service, _protocol: self,  # type: ignore[arg-type, return-value]
            announce=self._announce,
        )
        clock = FakeClock()
        self.supervisor = Supervisor(Builder(TokenVerifier({}), clock), charge, clock)
        self._group: asyncio.TaskGroup | None = None
        self._revision = 0

    def rechecked(self, *, kept: int, cut: int) -> None:
        pass

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as self._group:
            yield
            await self.supervisor.stop(0)

    async def apply(self, *resources: Resource) -> None:
        assert self._group is not None
        self._revision += 1
        snapshot = a_snapshot(*resources, revision=self._revision)
        await self.supervisor.apply(snapshot, self._group)

    @property
    def names(self) -> list[str]:
        return [running.generation.service.metadata.name for running in self.supervisor.running]

    def _wanted(self, snapshot: Snapshot) -> list[str]:
        return [service.metadata.name for service in snapshot.all(Service)]

    def _place(self, generation: Generation) -> Place:
        return Place("127.0.0.1", generation.port)

    def _announce(self, running: RunningService) -> None:
        self.announced.append((running.generation.service.metadata.name, running.address[1]))


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    world = World()
    FakeListener.opened = []

    def bind(place: Place) -> FakeSocket:
        if place in (listener.bound.place for listener in FakeListener.opened if listener.is_open):
            raise ConfigError.at("", f"{place.port} is taken")
        return FakeSocket(place)

    monkeypatch.setattr(running_module, "bind", bind)
    monkeypatch.setattr(running_module, "Listener", FakeListener)
    monkeypatch.setattr(generation_module, "protocol_for", lambda _: world.protocol.spec)
    return world


def web(port: int = 8080, **spec: Any) -> Service:
    return a_service(port=port, **spec)


def api(port: int = 8081, **spec: Any) -> Service:
    return a_service(name="api", port=port, **spec)


async def test_a_new_service_can_have_the_port_that_another_leaves_in_the_same_edit(
    world: World,
) -> None:
    async with world.serving():
        await world.apply(web(8080))
        await world.apply(api(8080), web(9090))
        assert world.announced[1:] == [("web.default", 9090), ("api.default", 8080)]


async def test_every_service_is_served_and_announced(world: World) -> None:
    async with world.serving():
        await world.apply(web(), api())
        assert world.announced == [("web.default", 8080), ("api.default", 8081)]


async def test_a_service_may_come_go_and_come_back(world: World) -> None:
    async with world.serving():
        await world.apply(web())
        await world.apply(web(), api())
        assert world.names == ["web.default", "api.default"]
        await world.apply(api())
        assert world.names == ["api.default"]
        await world.apply(web(), api())
        assert sorted(world.names) == ["api.default", "web.default"]


async def test_without_any_service_the_process_goes_on(world: World) -> None:
    async with world.serving():
        await world.apply(web())
        await world.apply()
        assert world.names == []
        await world.apply(web())
        assert world.names == ["web.default"]


async def test_the_port_of_a_service_that_is_gone_is_free_for_another_at_once(
    world: World,
) -> None:
    async with world.serving():
        await world.apply(web(8080))
        await world.apply(api(8080))
        assert world.announced[-1] == ("api.default", 8080)


async def test_where_one_service_cannot_be_built_every_other_stays_as_it_was(world: World) -> None:
    async with world.serving():
        await world.apply(web(), api())
        broken = {"upstream": {"url": "http://a", "user": "alice"}}
        with pytest.raises(ConfigError):
            await world.apply(web(config=broken), api(isPublic=True))
        assert not any(
            running.generation.service.spec.is_public for running in world.supervisor.running
        )


async def test_a_service_that_cannot_listen_is_said_and_the_others_are_served(world: World) -> None:
    async with world.serving():
        with pytest.raises(ConfigError, match="8080 is taken"):
            await world.apply(web(8080), api(8080), a_service(name="admin", port=8082))
        assert world.names == ["web.default", "admin.default"]


async def test_a_moved_service_is_announced_again(world: World) -> None:
    async with world.serving():
        await world.apply(web(8080))
        await world.apply(web(8080, isPublic=True))
        await world.apply(web(9090))
        assert world.announced == [("web.default", 8080), ("web.default", 9090)]


async def test_after_a_stop_nothing_listens_and_no_task_is_left(world: World) -> None:
    async with world.serving():
        await world.apply(web(), api())
    assert not any(listener.is_open for listener in FakeListener.opened)
