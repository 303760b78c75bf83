"""Optional values: making them, asking them, and lists and maps that leave absent ones out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from policy.cel.containers import unwrap
from policy.cel.signature import Function, Kind
from policy.cel.values import NONE, Duration, InvalidArgument, OptionalValue, Timestamp


def of(value: Any) -> OptionalValue:
    """Return an optional that has this value."""
    return OptionalValue(value)


def _of_non_zero(value: Any) -> OptionalValue:
    return NONE if _is_zero(value) else OptionalValue(value)


def _is_zero(value: Any) -> bool:
    if isinstance(value, Timestamp | Duration):
        return value.ns == 0
    if isinstance(value, OptionalValue):
        return not value.has_value
    return not value


def _none() -> OptionalValue:
    return NONE


def _has_value(optional: Any) -> bool:
    return unwrap(optional).has_value


def _value(optional: Any) -> Any:
    held = unwrap(optional)
    if not held.has_value:
        raise InvalidArgument("optional.none() has no value")
    return held.value


def make_list(elements: Sequence[Any], flags: Sequence[bool]) -> list[Any]:
    """Build a list literal in which flagged elements are optionals."""
    made: list[Any] = []
    for element, is_optional in zip(elements, flags, strict=True):
        if not is_optional:
            made.append(element)
        elif (held := unwrap(element)).has_value:
            made.append(held.value)
    return made


def present(entries: Sequence[tuple[Any, Any]], flags: Sequence[bool]) -> Iterator[tuple[Any, Any]]:
    """Yield the entries of a map literal whose value is there."""
    for (key, value), is_optional in zip(entries, flags, strict=True):
        if not is_optional:
            yield key, value
        elif (held := unwrap(value)).has_value:
            yield key, held.value


# Lowered to a branch, because the alternative is evaluated only when needed.
OR: Final = Function(unwrap, 2, 2)
OR_VALUE: Final = Function(unwrap, 2, 2, Kind.DYN)

FUNCTIONS: Final[Mapping[str, Function]] = {
    "optional.of": Function(of),
    "optional.ofNonZeroValue": Function(_of_non_zero),
    "optional.none": Function(_none, 0, 0),
    ".hasValue": Function(_has_value, result=Kind.BOOL),
    ".value": Function(_value),
    ".or": OR,
    ".orValue": OR_VALUE,
}
