from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from policy.cel.values import (
    NONE,
    CostExceeded,
    Duration,
    IndexRange,
    Meter,
    MissingKey,
    NoSuchOverload,
    NullSelect,
    OptionalValue,
    Overflow,
    Timestamp,
    UInt,
    type_name,
)


def test_a_datetime_becomes_nanoseconds() -> None:
    moment = datetime(2026, 3, 4, 5, 6, 7, 890123, tzinfo=UTC)
    assert Timestamp.from_datetime(moment) == Timestamp(1772600767_890123000)
    elsewhere = moment.astimezone(timezone(timedelta(hours=9)))
    assert Timestamp.from_datetime(elsewhere) == Timestamp.from_datetime(moment)
    assert Timestamp.from_datetime(datetime(1, 1, 1, tzinfo=UTC)).ns == -62135596800 * 10**9


def test_times_are_ordered_and_hashed_by_kind_and_value() -> None:
    assert Timestamp(1) < Timestamp(2) <= Timestamp(2)
    assert Duration(3) > Duration(2) >= Duration(2)
    assert len({Timestamp(1), Timestamp(1), Duration(1)}) == 2
    assert Timestamp(1) != Duration(1)
    with pytest.raises(TypeError):
        assert Timestamp(1) < Duration(2)  # type: ignore[operator]  # what CEL refuses


@pytest.mark.parametrize("ns", [-62_135_596_800 * 10**9 - 1, 253_402_300_800 * 10**9])
def test_timestamps_end_with_the_year_9999(ns: int) -> None:
    with pytest.raises(Overflow):
        Timestamp(ns)


@pytest.mark.parametrize("ns", [-(2**63), 2**63])
def test_durations_fit_64_bits(ns: int) -> None:
    with pytest.raises(Overflow):
        Duration(ns)


def test_values_show_what_they_are() -> None:
    assert repr(UInt(7)) == "7u"
    assert repr(Timestamp(5)) == "Timestamp(5)"
    assert repr(OptionalValue(1)) == "optional.of(1)"
    assert repr(NONE) == "optional.none()"
    assert type_name(object()) == "object"


@pytest.mark.parametrize(
    ("error", "text"),
    [
        pytest.param(MissingKey("a"), "no such key: a", id="key"),
        pytest.param(MissingKey("a", ("ctx", "a")), "no such key: a in ctx.a", id="path"),
        pytest.param(MissingKey("x" * 500), f"no such key: {'x' * 80}…", id="long-key"),
        pytest.param(
            NullSelect("a", ("ctx", "n", "a")), "a selected from null in ctx.n.a", id="null"
        ),
        pytest.param(IndexRange(3, 2), "index 3 out of range: the size is 2", id="index"),
        pytest.param(
            NoSuchOverload("+", 1, "a"), "no such overload: +(int, string)", id="overload"
        ),
    ],
)
def test_errors_say_what_happened_and_say_it_again(error: MissingKey, text: str) -> None:
    assert str(error) == text
    assert str(error.again()) == text
    assert type(error.again()) is type(error)


def test_a_meter_stops_at_its_limit() -> None:
    meter = Meter()
    meter.spend(1_000_000)
    with pytest.raises(CostExceeded, match="more than 1000000 steps"):
        meter.spend(1)
