"""``vigil serve`` and ``vigil up``: which Services a process serves, and where."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from config.errors import ConfigError
from config.names import full_service_name
from config.resources.service import Service
from config.snapshot import Snapshot
from vigil.cli.arguments import Address
from vigil.cli.process import Where, run
from vigil.proxy.generation import Generation
from vigil.proxy.listener import Place

LOOPBACK: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class OneService:
    """Serves one Service; while that is not declared, nothing is listened for."""

    name: str
    listen: Address | None

    def wanted(self, snapshot: Snapshot) -> Collection[str]:
        """Return its name, where it is declared."""
        return [self.name] if snapshot.get(Service, self.name) is not None else []

    def place(self, generation: Generation) -> Place:
        """Return the place asked for, else the Service's own port on this machine."""
        if self.listen is not None:
            return Place(self.listen.host, self.listen.port)
        return Place(LOOPBACK, generation.port)

    def check(self, snapshot: Snapshot) -> None:
        """Refuse to start without the Service."""
        if not self.wanted(snapshot):
            declared = ", ".join(known.metadata.name for known in snapshot.all(Service)) or "none"
            raise ConfigError.at("", f"there is no Service {self.name}", f"declared: {declared}")


@dataclass(frozen=True, slots=True)
class EveryService:
    """Serves every Service, each on its own port or, where that cannot be had, on another."""

    host: str

    def wanted(self, snapshot: Snapshot) -> Collection[str]:
        """Return the names of all."""
        return [service.metadata.name for service in snapshot.all(Service)]

    def place(self, generation: Generation) -> Place:
        """Return the Service's port, or one offset from it."""
        return Place(self.host, generation.port, is_flexible=True)

    def check(self, snapshot: Snapshot) -> None:
        """Refuse to start with nothing to do."""
        if not self.wanted(snapshot):
            raise ConfigError.at("", "no Service is declared", "declare one: kind: Service")


def serve(service: str, where: Where, listen: Address | None) -> int:
    """Serve one Service until told to stop; returns the exit code."""
    return run(where, OneService(full_service_name(service), listen))


def up(where: Where, host: str) -> int:
    """Serve every Service until told to stop; returns the exit code."""
    return run(where, EveryService(host))
