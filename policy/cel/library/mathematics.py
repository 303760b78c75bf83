"""The ``math`` extension."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from policy.cel.operators import NUMBERS, as_int, greater, less
from policy.cel.signature import Function, Kind
from policy.cel.values import InvalidArgument, NoSuchOverload, UInt

Overloads: TypeAlias = Mapping[type, Callable[[Any], Any]]

_WORD: Final = 64
_MASK: Final = 2**_WORD - 1
_MOST_ARGUMENTS: Final = 1000


def _unary(name: str, overloads: Overloads, result: Kind = Kind.DYN) -> Function:
    def compute(value: Any) -> Any:
        overload = overloads.get(type(value))
        if overload is None:
            raise NoSuchOverload(name, value)
        return overload(value)

    return Function(compute, result=result)


def _extreme(name: str, is_better: Callable[[Any, Any], bool]) -> Function:
    def choose(first: Any, *others: Any) -> Any:
        is_list = isinstance(first, list | tuple) and not others
        numbers = list(first) if is_list else [first, *others]
        if not numbers:
            raise InvalidArgument(f"{name}() of an empty list")
        best = numbers[0]
        for number in numbers:
            if type(number) not in NUMBERS:
                raise NoSuchOverload(name, number)
            if is_better(number, best):
                best = number
        return best

    return Function(choose, 1, _MOST_ARGUMENTS)


def _whole(rounded: Callable[[float], float]) -> Callable[[float], float]:
    def apply(value: float) -> float:
        return math.copysign(rounded(value), value) if math.isfinite(value) else value

    return apply


def _half_away_from_zero(value: float) -> float:
    size = abs(value)
    below = math.floor(size)
    return float(below + 1 if size - below >= 0.5 else below)


def _sign(value: float) -> float:
    return value if math.isnan(value) else float((value > 0) - (value < 0))


def _square_root(value: float) -> float:
    return math.sqrt(value) if value >= 0 else math.nan


def _signed(bits: int) -> int:
    """Read 64 bits as an int."""
    bits &= _MASK
    return bits - 2**_WORD if bits >> (_WORD - 1) else bits


def _bitwise(name: str, combine: Callable[[int, int], int]) -> Function:
    def compute(left: Any, right: Any) -> int:
        if type(left) is int and type(right) is int:
            return combine(left, right)
        if type(left) is UInt and type(right) is UInt:
            return UInt(combine(int(left), int(right)))
        raise NoSuchOverload(name, left, right)

    return Function(compute, 2, 2)


def _shift(name: str, shift: Callable[[int, int], int]) -> Function:
    def compute(value: Any, offset: Any) -> int:
        if type(value) not in (int, UInt) or type(offset) is not int:
            raise NoSuchOverload(name, value, offset)
        if offset < 0:
            raise InvalidArgument(f"{name}() by a negative offset")
        bits = shift(int(value) & _MASK, offset) & _MASK if offset < _WORD else 0
        return UInt(bits) if type(value) is UInt else _signed(bits)

    return Function(compute, 2, 2)


FUNCTIONS: Final[Mapping[str, Function]] = {
    "math.greatest": _extreme("math.greatest", greater),
    "math.least": _extreme("math.least", less),
    "math.ceil": _unary("math.ceil", {float: _whole(math.ceil)}, Kind.DOUBLE),
    "math.floor": _unary("math.floor", {float: _whole(math.floor)}, Kind.DOUBLE),
    "math.round": _unary("math.round", {float: _whole(_half_away_from_zero)}, Kind.DOUBLE),
    "math.trunc": _unary("math.trunc", {float: _whole(math.trunc)}, Kind.DOUBLE),
    "math.abs": _unary(
        "math.abs",
        {int: lambda value: as_int(abs(value)), UInt: lambda value: value, float: math.fabs},
    ),
    "math.sign": _unary(
        "math.sign",
        {
            int: lambda value: (value > 0) - (value < 0),
            UInt: lambda value: UInt(value > 0),
            float: _sign,
        },
    ),
    "math.sqrt": _unary("math.sqrt", dict.fromkeys((int, UInt, float), _square_root), Kind.DOUBLE),
    "math.isNaN": _unary("math.isNaN", {float: math.isnan}, Kind.BOOL),
    "math.isInf": _unary("math.isInf", {float: math.isinf}, Kind.BOOL),
    "math.isFinite": _unary("math.isFinite", {float: math.isfinite}, Kind.BOOL),
    "math.bitAnd": _bitwise("math.bitAnd", lambda left, right: left & right),
    "math.bitOr": _bitwise("math.bitOr", lambda left, right: left | right),
    "math.bitXor": _bitwise("math.bitXor", lambda left, right: left ^ right),
    "math.bitNot": _unary(
        "math.bitNot", {int: lambda value: ~value, UInt: lambda value: UInt(~int(value) & _MASK)}
    ),
    "math.bitShiftLeft": _shift("math.bitShiftLeft", lambda bits, offset: bits << offset),
    "math.bitShiftRight": _shift("math.bitShiftRight", lambda bits, offset: bits >> offset),
}
