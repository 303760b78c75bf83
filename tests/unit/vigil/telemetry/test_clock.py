from __future__ import annotations

import pytest

from tests.harness.clock import FakeClock
from vigil.telemetry.clock import Clock, SystemClock


def test_both_ways_to_ask_the_wall_clock_agree() -> None:
    clock = SystemClock()
    assert clock.now_ns() / 1e9 == pytest.approx(clock.now(), abs=5.0)


def test_the_steady_clock_never_runs_backwards() -> None:
    clock = SystemClock()
    readings = [clock.monotonic() for _ in range(100)]
    assert readings == sorted(readings)


def test_the_clock_of_tests_stands_in_for_the_real_one() -> None:
    clock: Clock = FakeClock(1_800_000_000.0)
    FakeClock.advance(clock, 2.5)  # type: ignore[arg-type]  # the annotation is what is tested
    assert (clock.now(), clock.now_ns(), clock.monotonic()) == (
        1_800_000_002.5, 1_800_000_002_500_000_000, 2.5,
    )  # fmt: skip
