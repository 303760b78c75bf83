"""The values CEL computes with that Python has no type for, and the ways an expression can fail.

An int is an int64, a float a double, None is null; lists are lists or tuples, maps any Mapping.
"""
# ruff: noqa: N818 - these are named for what happened to the expression, and callers match on them

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self, final

INT_LEAST: Final = -(2**63)
INT_MOST: Final = 2**63 - 1
UINT_MOST: Final = 2**64 - 1
SECOND: Final = 1_000_000_000
STEP_LIMIT: Final = 1_000_000  # data-plane.md §2.3
SIZE_LIMIT: Final = 8 * 1024 * 1024

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TIMESTAMP_LEAST: Final = -62_135_596_800 * SECOND
_TIMESTAMP_MOST: Final = 253_402_300_800 * SECOND - 1
_DURATION_MOST: Final = 2**63 - 1


class CompileError(Exception):
    """The text is no expression this engine accepts; ``position`` counts characters from 0."""

    def __init__(self, message: str, position: int = 0) -> None:
        super().__init__(message, position)
        self.message = message
        self.position = position

    def __str__(self) -> str:
        return f"{self.message} (at character {self.position + 1})"


class EvaluationError(Exception):
    """An expression has no value for these inputs."""

    def again(self) -> Self:
        """Return an equal error without traceback: a kept one would tie its frame into a cycle."""
        return type(self)(*self.args)


class MissingData(EvaluationError):
    """The expression read what is not there; a condition counts this as false."""


class MissingKey(MissingData):
    """A map has no such key. Made of the key and, when there is one, the whole select chain."""

    @property
    def key(self) -> Any:
        """The key that is not there."""
        return self.args[0]

    @property
    def path(self) -> tuple[str, ...]:
        """The chain the key stands in, from the variable on; empty if it stands in none."""
        return self.args[1] if len(self.args) > 1 else ()

    def __str__(self) -> str:
        place = f" in {'.'.join(self.path)}" if self.path else ""
        return f"no such key: {_short(self.key)}{place}"


class NullSelect(MissingKey):
    """A field of null was selected."""

    def __str__(self) -> str:
        place = f" in {'.'.join(self.path)}" if self.path else ""
        return f"{_short(self.key)} selected from null{place}"


class IndexRange(MissingData):
    """A list or a string has no such index. Made of the index and the size."""

    def __str__(self) -> str:
        index, size = self.args
        return f"index {index} out of range: the size is {size}"


class NoSuchOverload(EvaluationError):
    """An operation was given types it is not defined for."""

    def __init__(self, operation: str, *operands: object) -> None:
        kinds = [name if type(name) is TypeName else type_name(name) for name in operands]
        super().__init__(operation, *map(TypeName, kinds))

    def __str__(self) -> str:
        operation, *kinds = self.args
        return f"no such overload: {operation}({', '.join(kinds)})"


class Overflow(EvaluationError):
    """A number, a timestamp or a duration left its range."""


class DivisionByZero(EvaluationError):
    """An integer was divided by zero."""


class InvalidArgument(EvaluationError):
    """A function was given the right type and a value it cannot work with."""


class CostExceeded(EvaluationError):
    """The evaluation would take too many steps or too much memory."""


class TypeName(str):
    """The name of an operand's type, kept in an error instead of the operand."""

    __slots__ = ()


class Meter:
    """What one evaluation may still spend, in steps."""

    left: int = STEP_LIMIT

    def spend(self, steps: int) -> None:
        """Count steps about to be taken."""
        self.left -= steps
        if self.left < 0:
            raise CostExceeded(f"more than {STEP_LIMIT} steps")


class UInt(int):
    """A CEL uint: equal to the int of the same value, of another type in arithmetic."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"{int(self)}u"


class _Nanoseconds:
    """A count of nanoseconds; compares only with its own class. Not to be changed once made."""

    __slots__ = ("ns",)

    def __init__(self, ns: int) -> None:
        self.ns: Final = ns

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.ns == other.ns

    def __lt__(self, other: Self) -> bool:
        return self.ns < other.ns if type(other) is type(self) else NotImplemented

    def __le__(self, other: Self) -> bool:
        return self.ns <= other.ns if type(other) is type(self) else NotImplemented

    def __gt__(self, other: Self) -> bool:
        return self.ns > other.ns if type(other) is type(self) else NotImplemented

    def __ge__(self, other: Self) -> bool:
        return self.ns >= other.ns if type(other) is type(self) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.ns)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.ns})"


@final
class Timestamp(_Nanoseconds):
    """An instant, in nanoseconds since the epoch, between the years 1 and 9999."""

    __slots__ = ()

    def __init__(self, ns: int) -> None:
        if not _TIMESTAMP_LEAST <= ns <= _TIMESTAMP_MOST:
            raise Overflow("timestamp outside the years 1 to 9999")
        super().__init__(ns)

    @classmethod
    def from_datetime(cls, moment: datetime) -> Self:
        """Return the instant of an aware datetime."""
        return cls((moment - _EPOCH) // timedelta(microseconds=1) * 1000)


@final
class Duration(_Nanoseconds):
    """A span of time in nanoseconds, at most some 292 years."""

    __slots__ = ()

    def __init__(self, ns: int) -> None:
        if not -_DURATION_MOST <= ns <= _DURATION_MOST:
            raise Overflow("duration out of range")
        super().__init__(ns)


@final
class CelType:
    """A type as a value: what ``type(x)`` gives."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name: Final = name

    def __eq__(self, other: object) -> bool:
        return type(other) is CelType and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f"CelType({self.name})"


@final
class OptionalValue:
    """A value that may be absent; ``NONE`` is the absent one."""

    __slots__ = ("has_value", "value")

    def __init__(self, value: Any, *, has_value: bool = True) -> None:
        self.has_value: Final = has_value
        self.value: Final = value

    def __repr__(self) -> str:
        return f"optional.of({self.value!r})" if self.has_value else "optional.none()"


NONE: Final = OptionalValue(None, has_value=False)

_TYPE_NAMES: Final[dict[type, str]] = {
    type(None): "null_type",
    bool: "bool",
    int: "int",
    UInt: "uint",
    float: "double",
    str: "string",
    bytes: "bytes",
    list: "list",
    tuple: "list",
    dict: "map",
    Timestamp: "google.protobuf.Timestamp",
    Duration: "google.protobuf.Duration",
    CelType: "type",
    OptionalValue: "optional_type",
}
TYPES: Final[Mapping[str, CelType]] = {name: CelType(name) for name in _TYPE_NAMES.values()}


def type_name(value: object) -> str:
    """Return CEL's name of a value's type."""
    name = _TYPE_NAMES.get(type(value))
    if name is None:
        name = getattr(type(value), "cel_type", None)
    if name is None:
        name = "map" if isinstance(value, Mapping) else type(value).__name__
    return name


def _short(key: object) -> str:
    text = str(key)
    return text if len(text) <= 80 else f"{text[:80]}…"
