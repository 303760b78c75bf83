"""A serving process from its beginning to its end: everything is put together here."""

from __future__ import annotations

import asyncio
import gc
import ipaddress
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, final

from config.errors import ConfigError
from config.resources.service import Service
from config.snapshot import Snapshot
from config.sources.files import Loaded, load, watch
from protocols.api import ProtocolSpec
from vigil.cli.arguments import Address, data_directory
from vigil.cli.output import say, say_problems
from vigil.cli.signals import Stopping
from vigil.identity.keys import open_key
from vigil.identity.tokens import TokenVerifier
from vigil.proxy.generation import Builder, Generation
from vigil.proxy.listener import Place, reason
from vigil.proxy.reload import follow
from vigil.proxy.running import RunningService
from vigil.proxy.supervisor import Charge, Supervisor
from vigil.telemetry.accesslog import AccessLog
from vigil.telemetry.admin import Admin
from vigil.telemetry.clock import SystemClock
from vigil.telemetry.logs import Style, configure
from vigil.telemetry.meter import Identity
from vigil.telemetry.metrics import Metrics
from vigil.telemetry.outlet import Outlet
from vigil.telemetry.service import ServiceTelemetry

DRAIN_SECONDS: Final = 20.0
LOG_SECONDS: Final = 5.0
REGION: Final = "default"
GC_THRESHOLDS: Final = (50_000, 20, 100)
"""How rarely the collector looks for cycles; loading and serving make few."""
_STDOUT: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """What a serving process reads and writes. ``access_log`` is a path, or - for stdout."""

    resources: Path
    data: Path | None
    admin: Address | None
    access_log: str


class Duty(Protocol):
    """Which Services to serve, and where each is listened for."""

    def wanted(self, snapshot: Snapshot) -> Iterable[str]:
        """Return the names of those that are declared."""
        ...

    def place(self, generation: Generation) -> Place:
        """Return where it is listened for."""
        ...

    def check(self, snapshot: Snapshot) -> None:
        """Raise ConfigError where there is nothing to begin with."""
        ...


def run(where: Where, duty: Duty) -> int:
    """Serve until told to stop, and return the exit code; raises ConfigError at a wrong start."""
    configure(Style.TEXT)
    gc.set_threshold(*GC_THRESHOLDS)
    loaded = load(where.resources)
    say_problems(loaded.warnings)
    duty.check(loaded.snapshot)
    key = open_key(data_directory(where.resources, where.data))
    process = Process(where, duty, TokenVerifier({key.kid: key.public}))
    return _run_in_loop(process.serve(loaded))


def _run_in_loop(main: Coroutine[object, object, int]) -> int:
    try:
        import uvloop  # noqa: PLC0415  a faster loop, where there is one
    except ImportError:
        return asyncio.run(main)
    return uvloop.run(main)


@final
class Process:
    """Owns everything that lives as long as the process."""

    def __init__(self, where: Where, duty: Duty, verifier: TokenVerifier) -> None:
        self._where = where
        self._metrics = Metrics()
        self._log = AccessLog(_outlet(where.access_log), region=REGION)
        self._metrics.count_drops(lambda: self._log.dropped)
        self._telemetry: dict[Identity, ServiceTelemetry] = {}
        self._stopping = Stopping()
        self._not_ready = "starting"
        clock = SystemClock()
        charge = Charge(
            wanted=duty.wanted, place=duty.place, reports=self._reports, announce=announce
        )
        builder = Builder(verifier, clock, lambda *about: self._reports(*about).decided)
        self._supervisor = Supervisor(builder, charge, clock)

    async def serve(self, loaded: Loaded) -> int:
        """Serve until a signal comes; raises ConfigError where it cannot even begin."""
        self._stopping.install()
        admin = await self._listen_for_operators()
        try:
            async with asyncio.TaskGroup() as group:
                refused = await self._begin(loaded, group)
                is_drained = await self._end(group)
        finally:
            await self._log.close(LOG_SECONDS)
            if admin is not None:
                await admin.close()
        if refused is not None:
            raise refused
        return 0 if is_drained else 1

    async def _begin(self, loaded: Loaded, group: asyncio.TaskGroup) -> ConfigError | None:
        """Serve from now on, or return why not: a TaskGroup would wrap what is raised in it."""

        async def apply(snapshot: Snapshot) -> None:
            await self._supervisor.apply(snapshot, group)

        try:
            await apply(loaded.snapshot)
        except ConfigError as error:
            return loaded.located(error)
        _settle_heap()
        self._metrics.config_applied(loaded.snapshot.revision)
        self._not_ready = ""
        loads = watch(self._where.resources, since=loaded)
        following = group.create_task(follow(loads, apply, self._metrics), name="reload")
        await self._stopping.asked.wait()
        self._not_ready = "stopping"
        following.cancel()
        return None

    async def _end(self, group: asyncio.TaskGroup) -> bool:
        """Drain, unless somebody is in a hurry; say whether that went to its end."""
        drain = group.create_task(self._supervisor.stop(DRAIN_SECONDS), name="drain")
        hurry = group.create_task(self._stopping.hurried.wait(), name="hurry")
        await asyncio.wait({drain, hurry}, return_when=asyncio.FIRST_COMPLETED)
        is_drained = drain.done()
        drain.cancel()
        hurry.cancel()
        return is_drained

    async def _listen_for_operators(self) -> Admin | None:
        address = self._where.admin
        if address is None:
            return None
        admin = Admin(self._metrics, lambda: self._not_ready)
        try:
            await admin.listen(address.host, address.port)
        except OSError as error:
            where = f"{address.host}:{address.port}"
            message = f"the admin listener cannot have {where}: {reason(error)}"
            raise ConfigError.at("", message, "choose another with --admin HOST:PORT") from error
        host, port = admin.address
        say(f"admin listens on http://{_host(host)}:{port}")
        return admin

    def _reports(self, service: Service, protocol: ProtocolSpec) -> ServiceTelemetry:
        identity = Identity(
            svc=service.service_name,
            namespace=service.namespace_name,
            region=service.spec.region or REGION,
            mode=service.spec.mode,
        )
        telemetry = self._telemetry.get(identity)
        if telemetry is None:
            meter = self._metrics.meter(identity, protocol.labels)
            telemetry = self._telemetry[identity] = ServiceTelemetry(meter, self._log)
        return telemetry


def _settle_heap() -> None:
    """Stop the collector from walking all that was declared, again and again, under load.

    Requests leave no cycles behind and are freed by counting; with Python's own thresholds a tenth
    of a busy proxy's time went into looking for some.
    """
    gc.collect()
    gc.freeze()


def announce(running: RunningService) -> None:
    """Tell a person where a Service listens, and when nobody else can use it there."""
    host, port = running.address
    generation = running.generation
    name = generation.service.metadata.name
    scheme = "http" if generation.tls is None else "https"
    say(f"{name} listens on {scheme}://{_host(host)}:{port}")
    if generation.tls is None and not ipaddress.ip_address(host).is_loopback:
        say(f"{name}: without isTLS, access tokens are accepted from this machine only", "yellow")


def _host(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _outlet(target: str) -> Outlet:
    try:
        return Outlet(_STDOUT if target == "-" else Path(target), name="access-log")
    except OSError as error:
        message = f"the access log {target} cannot be written: {reason(error)}"
        raise ConfigError.at("", message, "choose another with --access-log PATH") from error
