"""``vigil check``: everything that is wrong with a directory, found without serving it."""

from __future__ import annotations

from pathlib import Path

from config.errors import ConfigError
from config.kinds import KINDS
from config.resources.service import Service
from config.sources.files import load
from policy.lint.findings import lint
from vigil.cli.output import say_problems, show
from vigil.identity.tokens import TokenVerifier
from vigil.proxy.generation import Builder
from vigil.telemetry.clock import SystemClock


def check(directory: Path) -> None:
    """Say the warnings, and that all is well; raises ConfigError where it is not."""
    loaded = load(directory)
    snapshot = loaded.snapshot
    warnings = ConfigError([*loaded.warnings, *lint(snapshot)])
    say_problems(loaded.located(warnings).problems)
    names = [service.metadata.name for service in snapshot.all(Service)]
    try:
        Builder(TokenVerifier({}), SystemClock()).build(snapshot, names, {})
    except ConfigError as error:
        raise loaded.located(error) from error
    counts = {kind: len(snapshot.all(model)) for kind, model in KINDS.items()}
    found = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)
    show(f"{directory}: can be served ({found})")
