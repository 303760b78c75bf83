"""PolicyTests run in the test's own process, with a clock that stands still."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import yaml

from config.snapshot import Snapshot
from config.sources.files import load
from config.sources.policy_tests import PlacedCase, load_policy_tests
from tests.harness.clock import FakeClock
from tests.harness.resources import Document, document
from vigil.rehearsal.coverage import Coverage
from vigil.rehearsal.report import Report
from vigil.rehearsal.trial import Court, checked

ALLOW: Final = {"effect": "ALLOW"}
DENY: Final = {"effect": "DENY"}


def a_case(name: str = "it is so", **keys: Any) -> Document:
    """Build a case that asks the Service ``web`` and expects ALLOW, unless told otherwise."""
    return {"name": name, "service": "web", "expect": ALLOW, **keys}


def a_policy_test(*cases: Document, name: str = "cases") -> Document:
    return document("PolicyTest", name, {"cases": list(cases)})


def judged(snapshot: Snapshot, cases: Iterable[PlacedCase]) -> Report:
    """Run the cases as ``vigil test`` does."""
    placed = tuple(cases)
    checked(placed, snapshot)
    clock, coverage = FakeClock(), Coverage(snapshot)
    court = Court(snapshot, clock.now_ns(), note=coverage.note, steady=clock.monotonic)
    trials = tuple(map(court.tried, placed))
    return Report(trials, tuple(coverage.policies()), lambda resource, path: f"{resource} {path}")


def tried(directory: Path, *documents: Document) -> Report:
    """Write the documents into one file of the directory and run their cases."""
    (directory / "all.yaml").write_text(yaml.safe_dump_all(documents, sort_keys=False))
    return judged(load(directory).snapshot, load_policy_tests(directory))
