from __future__ import annotations

import logging
from collections.abc import AsyncIterator

import pytest

from config.errors import ConfigError, Problem
from config.snapshot import Snapshot
from config.sources.files import Loaded
from tests.harness.snapshot import a_snapshot
from vigil.proxy.reload import follow


class Outcomes:
    """What was counted."""

    def __init__(self) -> None:
        self.counted: list[object] = []

    def config_applied(self, revision: int) -> None:
        self.counted.append(revision)

    def config_refused(self) -> None:
        self.counted.append("refused")


async def followed(
    *loads: Loaded | ConfigError, refusing: int = 0, failing: int = 0
) -> tuple[list[int], Outcomes]:
    applied: list[int] = []
    outcomes = Outcomes()

    async def source() -> AsyncIterator[Loaded | ConfigError]:
        for load in loads:
            yield load

    async def apply(snapshot: Snapshot) -> None:
        if snapshot.revision == refusing:
            raise ConfigError.at("spec.mode", "not built")
        if snapshot.revision == failing:
            raise RuntimeError("a fault of ours")
        applied.append(snapshot.revision)

    await follow(source(), apply, outcomes)
    return applied, outcomes


def loaded(revision: int, *warnings: Problem) -> Loaded:
    return Loaded(a_snapshot(revision=revision), warnings)


async def test_each_good_load_is_put_in_force() -> None:
    applied, outcomes = await followed(loaded(2), loaded(3))
    assert applied == outcomes.counted == [2, 3]


async def test_a_broken_load_changes_nothing_and_says_every_problem(
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken = ConfigError([Problem("a.yaml", 3, "spec", "wrong"), Problem("b.yaml", 4, "", "bad")])
    applied, outcomes = await followed(broken, loaded(2))
    assert applied == [2]
    assert outcomes.counted == ["refused", 2]
    assert "a.yaml:3: spec: wrong" in caplog.text
    assert "b.yaml:4: bad" in caplog.text


async def test_a_load_that_cannot_be_served_does_not_end_the_watch() -> None:
    applied, outcomes = await followed(loaded(2), loaded(3), refusing=2)
    assert applied == [3]
    assert outcomes.counted == ["refused", 3]


async def test_a_fault_of_ours_does_not_end_what_is_being_served(
    caplog: pytest.LogCaptureFixture,
) -> None:
    applied, outcomes = await followed(loaded(2), loaded(3), failing=2)
    assert applied == [3]
    assert outcomes.counted == ["refused", 3]
    assert "what was served goes on" in caplog.text


async def test_warnings_are_said(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    await followed(loaded(2, Problem("a.yaml", 1, "status", "is ignored")))
    assert "a.yaml:1: status: is ignored" in caplog.text
