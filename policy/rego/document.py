"""``input`` as the Rego engine takes it: JSON, with instants in RFC 3339 and bytes in base64."""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any, Final, final

from policy.cel.library.times import format_duration, format_timestamp
from policy.cel.values import INT_LEAST, INT_MOST, Duration, EvaluationError, Timestamp

MAX_DEPTH: Final = 64
MAX_VALUES: Final = 20_000
MAX_CHARACTERS: Final = 1_000_000


@final
class UnsayableError(EvaluationError):
    """The input holds what the engine would take for something else, or too much."""


def document(value: Any) -> Any:
    """Return a value as the engine takes it; raises UnsayableError."""
    return _Writer().write(value, 0)


@final
class _Writer:
    def __init__(self) -> None:
        self._values = MAX_VALUES
        self._characters = MAX_CHARACTERS

    def write(self, value: Any, depth: int) -> Any:
        self._values -= 1
        if self._values < 0 or depth > MAX_DEPTH:
            raise UnsayableError(f"more than {MAX_VALUES} values, or deeper than {MAX_DEPTH}")
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, Mapping):
            return {self._key(key): self.write(item, depth + 1) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.write(item, depth + 1) for item in value]
        return _scalar(value, self._text)

    def _key(self, key: Any) -> str:
        if not isinstance(key, str):
            raise UnsayableError("a key is not a string")
        return self._text(key)

    def _text(self, text: str) -> str:
        """Quote and escape as the engine keeps strings: it compares them by this spelling."""
        self._characters -= len(text)
        if self._characters < 0:
            raise UnsayableError(f"more than {MAX_CHARACTERS} characters")
        if "\0" in text:
            raise UnsayableError("a string holds a NUL, where the engine would end it")
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'


def _scalar(value: Any, text: Callable[[str], str]) -> Any:
    match value:
        case None | bool():
            return value
        case int() if INT_LEAST <= value <= INT_MOST:
            return int(value)
        case float() if math.isfinite(value):
            return value
        case bytes():
            return text(b64encode(value).decode())
        case Timestamp():
            return text(format_timestamp(value))
        case Duration():
            return text(format_duration(value))
        case _:
            raise UnsayableError(f"the engine has no {type(value).__name__} like this")
