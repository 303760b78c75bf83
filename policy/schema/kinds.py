"""The types a schema is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias


@dataclass(frozen=True, slots=True)
class Free:
    """Anything: free JSON, or what nobody can know before it is evaluated."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """A value without fields; ``values`` are all it can be, where that is a closed set."""

    words: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of one type."""

    item: Type


@dataclass(frozen=True, slots=True)
class MapOf:
    """A map with keys nobody knows beforehand."""

    item: Type


@dataclass(frozen=True, slots=True)
class Message:
    """A map with known keys; ``fields`` is asked for them because a message may hold itself."""

    fields: Callable[[], Mapping[str, Field]]


Type: TypeAlias = Free | Scalar | ListOf | MapOf | Message


@dataclass(frozen=True, slots=True)
class Field:
    """One key. An optional one may be absent although the message is there."""

    type: Type
    is_optional: bool = False


FREE: Final = Free()
TEXT: Final = Scalar("text")
