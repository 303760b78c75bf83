"""``vigil test``: what the policies of a directory decide, beside what they should."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

import orjson

from config.errors import ConfigError, Problem
from config.sources.files import Loaded, load
from config.sources.policy_tests import PlacedCase, load_policy_tests
from vigil.cli.output import say, say_problems, show, write
from vigil.rehearsal.coverage import Coverage
from vigil.rehearsal.junit import junit
from vigil.rehearsal.report import Report
from vigil.rehearsal.trial import Court, checked
from vigil.telemetry.clock import SystemClock

_T = TypeVar("_T")


class ReportFormat(StrEnum):
    """How a run is shown."""

    TEXT = "text"
    JSON = "json"
    JUNIT = "junit"


def test(directory: Path, output: ReportFormat, junit_file: Path | None) -> int:
    """Run every case and return the exit code; raises ConfigError where they cannot be run."""
    loaded, cases = _loaded(directory)
    report = _run(loaded, cases)
    if junit_file is not None:
        _save(junit_file, junit(report.trials))
    match output:
        case ReportFormat.JSON:
            write(orjson.dumps(report.as_json(), option=orjson.OPT_INDENT_2) + b"\n")
        case ReportFormat.JUNIT:
            write(junit(report.trials))
        case ReportFormat.TEXT:
            for line in report.lines():
                show(line, _style(line))
    return 1 if report.failures else 0


def _loaded(directory: Path) -> tuple[Loaded, tuple[PlacedCase, ...]]:
    """Read both, and say at once whatever is wrong with either."""
    problems: list[Problem] = []
    loaded = _noted(problems, load, directory)
    cases = _noted(problems, load_policy_tests, directory)
    if loaded is None or cases is None:
        raise ConfigError(set(problems))
    say_problems(loaded.warnings)
    if not cases:
        message = "holds no PolicyTest, so nothing was tested"
        raise ConfigError([Problem(str(directory), 0, "", message, "declare kind: PolicyTest")])
    checked(cases, loaded.snapshot)
    return loaded, cases


def _noted(problems: list[Problem], read: Callable[[Path], _T], directory: Path) -> _T | None:
    try:
        return read(directory)
    except ConfigError as error:
        problems.extend(error.problems)
        return None


def _run(loaded: Loaded, cases: tuple[PlacedCase, ...]) -> Report:
    clock = SystemClock()
    coverage = Coverage(loaded.snapshot)
    try:
        court = Court(loaded.snapshot, clock.now_ns(), note=coverage.note, steady=clock.monotonic)
        trials = tuple(map(court.tried, cases))
    except ConfigError as error:
        raise loaded.located(error) from error
    return Report(trials, tuple(coverage.policies()), loaded.place)


def _save(path: Path, document: bytes) -> None:
    try:
        path.write_bytes(document)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError.at("", f"the report {path} cannot be written: {reason}") from error
    say(f"wrote {path}")


def _style(line: str) -> str:
    if line.startswith("ok "):
        return "green"
    return "red" if line.startswith("FAIL ") else ""
