"""The engine gets what it cannot mistake, or nothing."""

from __future__ import annotations

from typing import Any

import pytest

from policy.cel.values import CelType, Duration, Timestamp, UInt
from policy.rego.document import MAX_CHARACTERS, MAX_DEPTH, MAX_VALUES, UnsayableError, document


def nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(None, None, id="null"),
        pytest.param(True, True, id="bool"),
        pytest.param(UInt(7), 7, id="uint"),
        pytest.param(0.5, 0.5, id="double"),
        pytest.param("a", '"a"', id="string"),
        pytest.param('a"\\', '"a\\"\\\\"', id="quote and backslash"),
        pytest.param(b"\x00", '"AA=="', id="bytes"),
        pytest.param(Timestamp(1_500_000_000), '"1970-01-01T00:00:01.5Z"', id="timestamp"),
        pytest.param(Duration(90 * 10**9), '"90s"', id="duration"),
        pytest.param({"a": (1, [])}, {'"a"': [1, []]}, id="map and lists"),
    ],
)
def test_a_value_is_said_as_json(value: Any, expected: Any) -> None:
    said = document(value)
    assert said == expected
    assert type(said) is type(expected)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("a\0b", id="NUL"),
        pytest.param({"a\0": 1}, id="NUL in a key"),
        pytest.param({1: 1}, id="a key that is no string"),
        pytest.param(UInt(2**63), id="a number beyond int64"),
        pytest.param(float("nan"), id="nan"),
        pytest.param(float("inf"), id="infinity"),
        pytest.param(CelType("int"), id="a type"),
        pytest.param(nested(MAX_DEPTH + 1), id="too deep"),
        pytest.param([0] * MAX_VALUES, id="too many"),
        pytest.param("a" * (MAX_CHARACTERS + 1), id="too long"),
    ],
)
def test_what_cannot_be_said_is_an_error(value: Any) -> None:
    with pytest.raises(UnsayableError):
        document(value)
