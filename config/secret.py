"""A value that must not be printed."""

from __future__ import annotations

import hmac
from typing import Any, NoReturn, final

_HIDDEN = "SecretBytes(...)"


@final
class SecretBytes:
    """Bytes that no log line, repr, traceback, pickle or format string may show.

    ``reveal()`` is the only way out, so its call sites are the audit list
    (``tests/architecture/test_secrets.py`` names them).
    """

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        self._value = value

    def reveal(self) -> bytes:
        """Return the bytes themselves; every caller is listed and reviewed."""
        return self._value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretBytes) and hmac.compare_digest(self._value, other._value)

    def __hash__(self) -> int:
        return hash((SecretBytes, self._value))

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return _HIDDEN

    def __format__(self, spec: str) -> str:
        return format(_HIDDEN, spec)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a SecretBytes is not pickled")

    def __deepcopy__(self, memo: dict[int, Any]) -> SecretBytes:
        return self
