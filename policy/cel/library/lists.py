"""List functions: our own ``hasAny``, ``hasAll``, ``min``, ``max``; the list and set extensions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from policy.cel.operators import contains, equals, greater, less
from policy.cel.signature import Function, Kind
from policy.cel.values import (
    NONE,
    InvalidArgument,
    Meter,
    NoSuchOverload,
    OptionalValue,
)


def require_list(operation: str, value: Any) -> Sequence[Any]:
    """Return a list; anything else has no such overload."""
    if isinstance(value, list | tuple):
        return value
    raise NoSuchOverload(operation, value)


def _pair(meter: Meter, operation: str, left: Any, right: Any) -> tuple[Sequence[Any], Any]:
    first, second = require_list(operation, left), require_list(operation, right)
    meter.spend(len(first) * max(1, len(second)))
    return first, second


def _has_any(meter: Meter, container: Any, wanted: Any) -> bool:
    held, wanted = _pair(meter, "hasAny", container, wanted)
    return any(contains(item, held, meter) for item in wanted)


def _has_all(meter: Meter, container: Any, wanted: Any) -> bool:
    held, wanted = _pair(meter, "hasAll", container, wanted)
    return all(contains(item, held, meter) for item in wanted)


def _extreme(name: str, is_better: Callable[[Any, Any], bool]) -> Function:
    def choose(meter: Meter, values: Any) -> Any:
        elements = require_list(name, values)
        meter.spend(len(elements))
        if not elements:
            raise InvalidArgument(f"{name}() of an empty list")
        best = elements[0]
        is_better(best, best)
        for element in elements[1:]:
            if is_better(element, best):
                best = element
        return best

    return Function(choose, is_metered=True)


def _is_set_contained(meter: Meter, container: Any, wanted: Any) -> bool:
    held, wanted = _pair(meter, "sets.contains", container, wanted)
    return all(contains(item, held, meter) for item in wanted)


def _are_sets_equivalent(meter: Meter, left: Any, right: Any) -> bool:
    return _is_set_contained(meter, left, right) and _is_set_contained(meter, right, left)


def _do_sets_intersect(meter: Meter, left: Any, right: Any) -> bool:
    first, second = _pair(meter, "sets.intersects", left, right)
    return any(contains(item, second, meter) for item in first)


def _distinct(meter: Meter, values: Any) -> list[Any]:
    elements = require_list("distinct", values)
    kept: list[Any] = []
    for element in elements:
        meter.spend(1 + len(kept))
        if not any(equals(element, other, meter) for other in kept):
            kept.append(element)
    return kept


def _flatten(meter: Meter, values: Any, depth: Any = 1) -> list[Any]:
    elements = require_list("flatten", values)
    if type(depth) is not int:
        raise NoSuchOverload("flatten", values, depth)
    if depth < 0:
        raise InvalidArgument("flatten() to a negative depth")
    flat: list[Any] = []
    waiting = [(element, depth) for element in reversed(elements)]
    while waiting:
        meter.spend(2)
        element, left = waiting.pop()
        if left and isinstance(element, list | tuple):
            meter.spend(len(element))
            waiting.extend((inner, left - 1) for inner in reversed(element))
        else:
            flat.append(element)
    return flat


def _range(meter: Meter, end: Any) -> list[int]:
    if type(end) is not int:
        raise NoSuchOverload("lists.range", end)
    meter.spend(max(0, end))
    return list(range(end))


def _reverse(meter: Meter, value: Any) -> Any:
    if not isinstance(value, str | list | tuple):
        raise NoSuchOverload("reverse", value)
    meter.spend(len(value) >> 4)
    return value[::-1] if isinstance(value, str) else list(value[::-1])


def _slice(meter: Meter, values: Any, start: Any, end: Any) -> list[Any]:
    elements = require_list("slice", values)
    if type(start) is not int or type(end) is not int:
        raise NoSuchOverload("slice", values, start, end)
    if not 0 <= start <= end <= len(elements):
        raise InvalidArgument(f"slice({start}, {end}) of a list of {len(elements)}")
    meter.spend(end - start)
    return list(elements[start:end])


class _Key:
    """A sort key in CEL's order: unlike types do not compare, and say so."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __lt__(self, other: _Key) -> bool:
        return less(self.value, other.value)


def _sort(meter: Meter, values: Any) -> list[Any]:
    return sort_by(meter, require_list("sort", values), values)


def sort_by(meter: Meter, values: Sequence[Any], keys: Sequence[Any]) -> list[Any]:
    """Return the values in the order of their keys, which must be of one ordered type."""
    meter.spend(len(values) * (1 + len(values).bit_length()))
    kinds = {type(key) for key in keys}
    if len(kinds) > 1:
        raise NoSuchOverload("sort", *keys[:2])
    for key in keys[:1]:
        less(key, key)
    order = sorted(range(len(values)), key=[_Key(key) for key in keys].__getitem__)
    return [values[place] for place in order]


def _first(values: Any) -> OptionalValue:
    elements = require_list("first", values)
    return OptionalValue(elements[0]) if elements else NONE


def _last(values: Any) -> OptionalValue:
    elements = require_list("last", values)
    return OptionalValue(elements[-1]) if elements else NONE


FUNCTIONS: Final[Mapping[str, Function]] = {
    ".hasAny": Function(_has_any, 2, 2, Kind.BOOL, is_metered=True),
    ".hasAll": Function(_has_all, 2, 2, Kind.BOOL, is_metered=True),
    ".min": _extreme("min", less),
    ".max": _extreme("max", greater),
    ".distinct": Function(_distinct, result=Kind.LIST, is_metered=True),
    ".flatten": Function(_flatten, 1, 2, Kind.LIST, is_metered=True),
    "lists.range": Function(_range, result=Kind.LIST, is_metered=True),
    ".reverse": Function(_reverse, is_metered=True),
    ".slice": Function(_slice, 3, 3, Kind.LIST, is_metered=True),
    ".sort": Function(_sort, result=Kind.LIST, is_metered=True),
    ".first": Function(_first),
    ".last": Function(_last),
    "sets.contains": Function(_is_set_contained, 2, 2, Kind.BOOL, is_metered=True),
    "sets.equivalent": Function(_are_sets_equivalent, 2, 2, Kind.BOOL, is_metered=True),
    "sets.intersects": Function(_do_sets_intersect, 2, 2, Kind.BOOL, is_metered=True),
}
