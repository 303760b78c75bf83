"""Arithmetic with its limits, equality and order across types."""

from __future__ import annotations

import math
from typing import Any

import pytest

from policy.cel.values import (
    DivisionByZero,
    EvaluationError,
    NoSuchOverload,
    Overflow,
    UInt,
)
from tests.harness.cel import evaluate

CTX: dict[str, Any] = {
    "int": 1,
    "uint": UInt(1),
    "double": 1.0,
    "bool": True,
    "zero": 0,
    "no": False,
    "text": "1",
    "nothing": None,
    "list": [1, 2],
    "map": {"a": 1},
    "nan": math.nan,
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("7 / 2", 3, id="int-division"),
        pytest.param("-7 / 2", -3, id="division-truncates"),
        pytest.param("-7 % 2", -1, id="remainder-of-a-negative"),
        pytest.param("7 % -2", 1, id="remainder-by-a-negative"),
        pytest.param("7u / 2u", UInt(3), id="uint-division"),
        pytest.param("7u % 2u", UInt(1), id="uint-remainder"),
        pytest.param("1.0 / 0.0", math.inf, id="double-by-zero"),
        pytest.param("-1.0 / 0.0", -math.inf, id="negative-by-zero"),
        pytest.param("2u * 3u", UInt(6), id="uint-product"),
        pytest.param("1.5 + 1.5", 3.0, id="double-sum"),
        pytest.param("'a' + 'b'", "ab", id="strings"),
        pytest.param("b'a' + b'b'", b"ab", id="bytes"),
        pytest.param("[1] + [2]", [1, 2], id="lists"),
        pytest.param("-ctx.int", -1, id="negation"),
        pytest.param("-ctx.double", -1.0, id="double-negation"),
    ],
)
def test_arithmetic(text: str, value: Any) -> None:
    found = evaluate(text, CTX)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        pytest.param("9223372036854775807 + 1", Overflow, id="sum"),
        pytest.param("-9223372036854775808 - 1", Overflow, id="difference"),
        pytest.param("5000000000 * 5000000000", Overflow, id="product"),
        pytest.param("-(-9223372036854775808)", Overflow, id="negation"),
        pytest.param("-9223372036854775808 / -1", Overflow, id="quotient"),
        pytest.param("18446744073709551615u + 1u", Overflow, id="uint-sum"),
        pytest.param("0u - 1u", Overflow, id="uint-difference"),
        pytest.param("1 / 0", DivisionByZero, id="division-by-zero"),
        pytest.param("1u % 0u", DivisionByZero, id="remainder-by-zero"),
        pytest.param("1 + 1u", NoSuchOverload, id="int-and-uint"),
        pytest.param("1 + 1.0", NoSuchOverload, id="int-and-double"),
        pytest.param("1.0 % 1.0", NoSuchOverload, id="double-remainder"),
        pytest.param("'a' + 1", NoSuchOverload, id="string-and-int"),
        pytest.param("'a' * 2", NoSuchOverload, id="repeated-string"),
        pytest.param("true + true", NoSuchOverload, id="bools"),
        pytest.param("-ctx.uint", NoSuchOverload, id="uint-negation"),
        pytest.param("-ctx.bool", NoSuchOverload, id="bool-negation"),
        pytest.param("-'a'", NoSuchOverload, id="string-negation"),
    ],
)
def test_arithmetic_that_has_no_value(text: str, error: type[EvaluationError]) -> None:
    with pytest.raises(error):
        evaluate(text, CTX)


@pytest.mark.parametrize(
    "text",
    [
        "ctx.int == 1",
        "ctx.int == 1u",
        "ctx.int == 1.0",
        "ctx.uint == ctx.double",
        "ctx.int == ctx.uint",
        "ctx.zero == 0",
        "ctx.bool != 1",
        "ctx.no != 0",
        "ctx.bool != ctx.int",
        "ctx.bool == true",
        "ctx.int != true",
        "ctx.zero != false",
        "ctx.zero != null",
        "ctx.nothing == null",
        "ctx.text != 1",
        "ctx.text != ctx.int",
        "ctx.text == '1'",
        "b'1' != '1'",
        "ctx.list == [1, 2]",
        "ctx.list == [1.0, 2u]",
        "ctx.list != [1, true]",
        "ctx.list != [2, 1]",
        "ctx.list != [1]",
        "ctx.map == {'a': 1.0}",
        "ctx.map != {'a': true}",
        "ctx.map != {'b': 1}",
        "ctx.map != {'a': 1, 'b': 1}",
        "ctx.map != [1]",
        "{1: 'a'} == {1u: 'a'}",
        "{1: 'a'} != {true: 'a'}",
        "ctx.nan != ctx.nan",
        "[ctx.nan] != [ctx.nan]",
        "!(ctx.nan in [ctx.nan])",
        "type(1) == int && type(1u) == uint && type(1.0) == double && type(true) == bool",
        "type('') == string && type(b'') == bytes && type(null) == null_type",
        "type([]) == list && type({}) == map && type(type(1)) == type",
        "type(timestamp(0)) == google.protobuf.Timestamp",
        "type(duration('1s')) == google.protobuf.Duration",
        "type(1) != uint",
        "1 < 2 && 1 < 2u && 1u < 2.0 && 1.5 < 2",
        "ctx.int <= 1 && ctx.int >= 1 && ctx.int < 2 && ctx.int > 0",
        "ctx.uint <= 1 && ctx.double >= 1 && ctx.double < 2u",
        "'a' < 'b' && b'a' < b'b' && false < true",
        "'Z' < 'a' && 'a' < 'é' && 'é' < '😀'",
        "timestamp(1) < timestamp(2) && duration('1s') < duration('1m')",
        "9223372036854775807 < 9223372036854775808u",
        "!(ctx.nan < 1.0) && !(ctx.nan >= 1.0)",
    ],
)
def test_comparisons_that_hold(text: str) -> None:
    assert evaluate(text, CTX) is True


@pytest.mark.parametrize(
    "text",
    [
        "ctx.text > 1",
        "ctx.bool > 0",
        "ctx.nothing < 1",
        "ctx.list < [2]",
        "ctx.map < ctx.map",
        "null <= null",
        "'1' < 1",
        "b'a' < 'a'",
        "timestamp(1) < 2",
        "timestamp(1) < duration('1s')",
        "int < uint",
    ],
)
def test_values_without_a_common_order_are_not_compared(text: str) -> None:
    with pytest.raises(NoSuchOverload):
        evaluate(text, CTX)
