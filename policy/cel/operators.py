"""CEL's operators on values: equality, order, arithmetic. They raise EvaluationError only."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from policy.cel.containers import MISSING, lookup
from policy.cel.values import (
    INT_LEAST,
    INT_MOST,
    SIZE_LIMIT,
    UINT_MOST,
    CelType,
    CostExceeded,
    DivisionByZero,
    Duration,
    EvaluationError,
    Meter,
    NoSuchOverload,
    OptionalValue,
    Overflow,
    Timestamp,
    UInt,
)

Arithmetic: TypeAlias = Mapping[tuple[type, type], Callable[[Any, Any], Any]]

NUMBERS: Final = frozenset((int, UInt, float))
ORDERED: Final = frozenset((int, UInt, float, str, bytes, bool, Timestamp, Duration))
# What it costs, in steps, to visit one value of a nest.
_VISIT: Final = 4
_PLAIN: Final = ORDERED | {type(None), CelType}


def keep(first: EvaluationError | None, error: EvaluationError) -> EvaluationError:
    """Return the error that counts, cut loose from the frames it passed."""
    error.__traceback__ = None
    error.__context__ = None
    return error if first is None else first


def metered(meter: Meter, function: Callable[..., Any], *operands: Any) -> Any:
    """Call a function where it may be called often: on long texts even a cheap one adds up."""
    for operand in operands:
        if isinstance(operand, str | bytes):
            meter.spend(len(operand) >> 5)
    return function(*operands)


def not_boolean(operation: str, value: object) -> NoSuchOverload:
    """Return the error of an operand that should have been a bool."""
    return NoSuchOverload(operation, value)


def equals(left: Any, right: Any, meter: Meter | None = None) -> bool:
    """Return ``left == right``; values of unlike types are unequal, numbers compare as numbers."""
    kind, other = type(left), type(right)
    if kind is other and kind in _PLAIN:
        if meter is not None and (kind is str or kind is bytes):
            meter.spend(len(left) >> 6)
        return bool(left == right)
    if kind in NUMBERS and other in NUMBERS:
        return bool(left == right)
    if kind in _PLAIN or other in _PLAIN:
        return False
    return _equal_containers(left, right, meter or Meter())


def _equal_containers(left: Any, right: Any, meter: Meter) -> bool:
    meter.spend(1)
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        meter.spend(_VISIT * len(left))
        return len(left) == len(right) and all(
            equals(a, b, meter) for a, b in zip(left, right, strict=True)
        )
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        meter.spend(_VISIT * len(left))
        return len(left) == len(right) and all(
            equals(value, lookup(right, key), meter) for key, value in left.items()
        )
    if isinstance(left, OptionalValue) and isinstance(right, OptionalValue):
        if not (left.has_value and right.has_value):
            return left.has_value is right.has_value
        return equals(left.value, right.value, meter)
    return bool(left == right)


def contains(item: Any, container: Any, meter: Meter | None = None) -> bool:
    """Return ``item in container``."""
    if isinstance(container, list | tuple):
        if type(item) is str:
            return item in container
        meter = meter or Meter()
        meter.spend(len(container))
        return any(equals(item, element, meter) for element in container)
    if isinstance(container, Mapping):
        return lookup(container, item) is not MISSING
    raise NoSuchOverload("in", item, container)


def less(left: Any, right: Any) -> bool:
    """Return ``left < right``."""
    left, right = _comparable("<", left, right)
    return bool(left < right)


def less_equal(left: Any, right: Any) -> bool:
    """Return ``left <= right``."""
    left, right = _comparable("<=", left, right)
    return bool(left <= right)


def greater(left: Any, right: Any) -> bool:
    """Return ``left > right``."""
    left, right = _comparable(">", left, right)
    return bool(left > right)


def greater_equal(left: Any, right: Any) -> bool:
    """Return ``left >= right``."""
    left, right = _comparable(">=", left, right)
    return bool(left >= right)


def _comparable(operation: str, left: Any, right: Any) -> tuple[Any, Any]:
    """Return both sides as they are ordered; refuse what has no common order."""
    kind, other = type(left), type(right)
    if kind is other:
        if kind in ORDERED:
            return left, right
    elif kind in NUMBERS and other in NUMBERS:
        # Beside a double, an integer is ordered as the double nearest to it.
        return (float(left), float(right)) if float in (kind, other) else (left, right)
    raise NoSuchOverload(operation, left, right)


def negate(value: Any) -> Any:
    """Return ``-value``."""
    if type(value) is int:
        return as_int(-value)
    if type(value) is float:
        return -value
    raise NoSuchOverload("-", value)


def as_int(value: int) -> int:
    """Return an int that fits 64 bits."""
    if INT_LEAST <= value <= INT_MOST:
        return value
    raise Overflow("int overflow")


def as_uint(value: int) -> UInt:
    """Return a uint that fits 64 bits."""
    if 0 <= value <= UINT_MOST:
        return UInt(value)
    raise Overflow("uint overflow")


def add(left: Any, right: Any) -> Any:
    """Return ``left + right``."""
    return _compute("+", _ADD, left, right)


def add_metered(meter: Meter, left: Any, right: Any) -> Any:
    """Return ``left + right``, and pay for what grows."""
    result = _compute("+", _ADD, left, right)
    if isinstance(result, str | bytes | list):
        meter.spend(len(result) >> 4)
    return result


def subtract(left: Any, right: Any) -> Any:
    """Return ``left - right``."""
    return _compute("-", _SUBTRACT, left, right)


def multiply(left: Any, right: Any) -> Any:
    """Return ``left * right``."""
    return _compute("*", _MULTIPLY, left, right)


def divide(left: Any, right: Any) -> Any:
    """Return ``left / right``; integers truncate toward zero."""
    return _compute("/", _DIVIDE, left, right)


def remainder(left: Any, right: Any) -> Any:
    """Return ``left % right``, with the sign of ``left``."""
    return _compute("%", _REMAINDER, left, right)


def _compute(operation: str, table: Arithmetic, left: Any, right: Any) -> Any:
    compute = table.get((type(left), type(right)))
    if compute is None:
        raise NoSuchOverload(operation, left, right)
    return compute(left, right)


def _concatenate(left: Any, right: Any) -> Any:
    if len(left) + len(right) > SIZE_LIMIT:
        raise CostExceeded(f"a value of more than {SIZE_LIMIT} characters, bytes or elements")
    return left + right


def _concatenate_lists(left: Any, right: Any) -> Any:
    return _concatenate(list(left), list(right))


def _quotient(left: int, right: int) -> int:
    if right == 0:
        raise DivisionByZero("division by zero")
    size = abs(int(left)) // abs(int(right))
    return -size if (left < 0) != (right < 0) else size


def _modulus(left: int, right: int) -> int:
    if right == 0:
        raise DivisionByZero("modulus by zero")
    size = abs(int(left)) % abs(int(right))
    return -size if left < 0 else size


def _divide_floats(left: float, right: float) -> float:
    if right:
        return left / right
    if left == 0 or math.isnan(left):
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1.0, right)


_SEQUENCES: Final = (list, tuple)
_ADD: Final[Arithmetic] = {
    (int, int): lambda a, b: as_int(a + b),
    (UInt, UInt): lambda a, b: as_uint(int(a) + int(b)),
    (float, float): lambda a, b: a + b,
    (str, str): _concatenate,
    (bytes, bytes): _concatenate,
    **{(a, b): _concatenate_lists for a in _SEQUENCES for b in _SEQUENCES},
    (Timestamp, Duration): lambda a, b: Timestamp(a.ns + b.ns),
    (Duration, Timestamp): lambda a, b: Timestamp(a.ns + b.ns),
    (Duration, Duration): lambda a, b: Duration(a.ns + b.ns),
}
_SUBTRACT: Final[Arithmetic] = {
    (int, int): lambda a, b: as_int(a - b),
    (UInt, UInt): lambda a, b: as_uint(int(a) - int(b)),
    (float, float): lambda a, b: a - b,
    (Timestamp, Timestamp): lambda a, b: Duration(a.ns - b.ns),
    (Timestamp, Duration): lambda a, b: Timestamp(a.ns - b.ns),
    (Duration, Duration): lambda a, b: Duration(a.ns - b.ns),
}
_MULTIPLY: Final[Arithmetic] = {
    (int, int): lambda a, b: as_int(a * b),
    (UInt, UInt): lambda a, b: as_uint(int(a) * int(b)),
    (float, float): lambda a, b: a * b,
}
_DIVIDE: Final[Arithmetic] = {
    (int, int): lambda a, b: as_int(_quotient(a, b)),
    (UInt, UInt): lambda a, b: UInt(_quotient(a, b)),
    (float, float): _divide_floats,
}
_REMAINDER: Final[Arithmetic] = {
    (int, int): _modulus,
    (UInt, UInt): lambda a, b: UInt(_modulus(a, b)),
}
