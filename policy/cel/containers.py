"""Reading lists, maps and optionals: selection, indexing, key lookup, building maps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from policy.cel.values import (
    NONE,
    IndexRange,
    InvalidArgument,
    MissingKey,
    NoSuchOverload,
    NullSelect,
    OptionalValue,
    UInt,
)

MISSING: Final = object()
LOOKUP_ERRORS: Final = (KeyError, TypeError)
_KEY_TYPES: Final = frozenset((str, int, UInt, bool))


def lookup(mapping: Mapping[Any, Any], key: object) -> Any:
    """Return the value under a key, or MISSING. 1, 1u and 1.0 are one key; true is another."""
    kind = type(key)
    if kind is str:
        return mapping.get(key, MISSING)
    if kind is float or kind in _KEY_TYPES:
        # Python takes True for 1 and False for 0: ask the stored key what it is.
        if key in (0, 1):
            for stored in mapping:
                if stored == key and (type(stored) is bool) is (kind is bool):
                    return mapping[stored]
            return MISSING
        return mapping.get(key, MISSING)
    return MISSING


def select(base: Any, fields: Sequence[str], path: tuple[str, ...]) -> Any:
    """Follow fields, and say precisely which one is not there; ``path`` is for the message."""
    value = base
    for field in fields:
        if type(value) is not dict:
            value = _field(value, field, path)
        elif field in value:
            value = value[field]
        else:
            raise MissingKey(field, path)
    return value


def _field(value: Any, field: str, path: tuple[str, ...]) -> Any:
    if isinstance(value, Mapping):
        found = lookup(value, field)
        if found is MISSING:
            raise MissingKey(field, path)
        return found
    if value is None:
        raise NullSelect(field, path)
    if isinstance(value, OptionalValue):
        return select_optional(value, field)
    raise NoSuchOverload(f"select of {field!r}", value)


def has_field(value: Any, field: str) -> bool:
    """Return what ``has(value.field)`` means."""
    if isinstance(value, Mapping):
        return lookup(value, field) is not MISSING
    if value is None:
        raise NullSelect(field)
    if isinstance(value, OptionalValue):
        return value.has_value and has_field(value.value, field)
    raise NoSuchOverload(f"has({field})", value)


def index(container: Any, key: Any) -> Any:
    """Return ``container[key]``."""
    if isinstance(container, list | tuple):
        return _element(container, key)
    if isinstance(container, Mapping):
        found = lookup(container, key)
        if found is not MISSING:
            return found
        if type(key) in _KEY_TYPES or type(key) is float:
            raise MissingKey(key)
    if isinstance(container, OptionalValue):
        return select_optional(container, key)
    if container is None and type(key) is str:
        raise NullSelect(key)
    raise NoSuchOverload("[]", container, key)


def position(key: Any) -> int | None:
    """Return a list position as an int, None for what is no position."""
    if type(key) is int or type(key) is UInt:
        return int(key)
    return int(key) if type(key) is float and key.is_integer() else None


def _element(container: Sequence[Any], key: Any) -> Any:
    place = position(key)
    if place is None:
        raise NoSuchOverload("[]", container, key)
    if 0 <= place < len(container):
        return container[place]
    raise IndexRange(place, len(container))


def select_optional(base: Any, key: Any) -> OptionalValue:
    """Return ``base.?key`` or ``base[?key]``."""
    if isinstance(base, OptionalValue):
        return select_optional(base.value, key) if base.has_value else NONE
    if isinstance(base, Mapping):
        found = lookup(base, key)
        return NONE if found is MISSING else OptionalValue(found)
    if isinstance(base, list | tuple):
        place = position(key)
        if place is None:
            raise NoSuchOverload("[?]", base, key)
        return OptionalValue(base[place]) if 0 <= place < len(base) else NONE
    if base is None:
        raise NullSelect(key)
    raise NoSuchOverload("[?]", base, key)


class MixedMap(Mapping[Any, Any]):
    """A map with both true and 1, or false and 0: keys that Python takes for one."""

    __slots__ = ("_entries",)

    def __init__(self, entries: dict[tuple[bool, Any], Any]) -> None:
        self._entries: Final = entries

    def __getitem__(self, key: Any) -> Any:
        return self._entries[type(key) is bool, key]

    def __iter__(self) -> Iterator[Any]:
        return (key for _, key in self._entries)

    def __len__(self) -> int:
        return len(self._entries)


def make_map(entries: Iterable[tuple[Any, Any]]) -> Mapping[Any, Any]:
    """Build a map; keys are strings, bools or integers, each once."""
    pairs = list(entries)
    made: dict[Any, Any] = {}
    for key, value in pairs:
        if type(key) not in _KEY_TYPES:
            raise NoSuchOverload("map key", key)
        made[key] = value
    if len(made) == len(pairs):
        return made
    mixed: dict[tuple[bool, Any], Any] = {}
    for key, value in pairs:
        if (type(key) is bool, key) in mixed:
            raise InvalidArgument(f"map key {_shown(key)} given twice")
        mixed[type(key) is bool, key] = value
    return MixedMap(mixed)


def _shown(key: object) -> str:
    return str(key)[:80]


def visited(container: Any) -> Sequence[Any]:
    """Return what a comprehension with one variable visits: elements, or a map's keys."""
    if isinstance(container, list | tuple):
        return container
    if isinstance(container, Mapping):
        return list(container)
    raise NoSuchOverload("comprehension over", container)


def visited_pairs(container: Any) -> Sequence[tuple[Any, Any]]:
    """Return what two variables visit: index and element, or key and value."""
    if isinstance(container, list | tuple):
        return list(enumerate(container))
    if isinstance(container, Mapping):
        return list(container.items())
    raise NoSuchOverload("comprehension over", container)


def unwrap(value: Any) -> OptionalValue:
    """Return an optional as it is; anything else has no such overload."""
    if isinstance(value, OptionalValue):
        return value
    raise NoSuchOverload("optional", value)


def entries_of(value: Any) -> Iterable[tuple[Any, Any]]:
    """Return the entries of the map that ``transformMapEntry`` made for one element."""
    if isinstance(value, Mapping):
        return value.items()
    raise NoSuchOverload("transformMapEntry", value)
