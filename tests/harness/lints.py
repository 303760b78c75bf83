"""Asking the lints about a few resources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from config.resources.meta import Resource
from config.snapshot import Snapshot
from policy.lint.findings import lint
from tests.harness.builders import a_namespace

Said = list[tuple[str, str]]


def lints(*resources: Resource) -> Said:
    """Return each warning's own name and the path it is about."""
    snapshot = Snapshot.of([a_namespace(), *resources])
    return [(name_of(problem.hint), problem.path) for problem in lint(snapshot)]


def words(*resources: Resource) -> list[str]:
    """Return each warning as people read it."""
    return [str(problem) for problem in lint(Snapshot.of([a_namespace(), *resources]))]


def name_of(hint: str) -> str:
    """Return the lint's name, which ends its hint."""
    return hint.rpartition("(")[2].removesuffix(")")


def attaching(*names: str, inline: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Build the authorization block of a Service, or of anything else."""
    blocks = [] if inline is None else [{"name": "inline", "spec": inline}]
    return {"authorization": {"policies": list(names), "inlinePolicies": blocks}}
