"""From what a directory says now to what is served: each load that is right is put in force."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, Protocol, TypeAlias

from config.errors import ConfigError
from config.snapshot import Snapshot
from config.sources.files import Loaded

Loads: TypeAlias = AsyncIterator[Loaded | ConfigError]
_log: Final = logging.getLogger(__name__)


class Outcome(Protocol):
    """Where reloads are counted (``vigil.telemetry.metrics``)."""

    def config_applied(self, revision: int) -> None:
        """Count a load that is in force."""
        ...

    def config_refused(self) -> None:
        """Count a load that was refused."""
        ...


async def follow(
    loads: Loads, apply: Callable[[Snapshot], Awaitable[None]], outcome: Outcome
) -> None:
    """Apply load after load; one that is wrong is said, counted, and changes nothing."""
    async for loaded in loads:
        if isinstance(loaded, ConfigError):
            refuse(loaded, outcome)
            continue
        for warning in loaded.warnings:
            _log.warning("%s", warning)
        try:
            await apply(loaded.snapshot)
        except ConfigError as error:
            refuse(loaded.located(error), outcome)
        except Exception:  # noqa: BLE001  an edit must not end what is being served
            _log.exception("the resources cannot be put in force; what was served goes on")
            outcome.config_refused()
        else:
            outcome.config_applied(loaded.snapshot.revision)
            _log.info("revision %d of the resources is in force", loaded.snapshot.revision)


def refuse(error: ConfigError, outcome: Outcome) -> None:
    """Say every problem; what was in force stays in force."""
    for problem in error.problems:
        _log.error("%s", problem)
    _log.error("the resources are refused: the last good ones stay in force")
    outcome.config_refused()
