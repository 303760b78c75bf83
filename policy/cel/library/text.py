"""The standard string functions, and ``size``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from policy.cel.library import patterns
from policy.cel.operators import metered
from policy.cel.signature import Function, Kind
from policy.cel.values import Meter, NoSuchOverload


def size(value: Any) -> int:
    """Return the number of characters, bytes, elements or keys."""
    if isinstance(value, str | bytes | list | tuple | Mapping):
        return len(value)
    raise NoSuchOverload("size", value)


def require_text(operation: str, *values: object) -> None:
    """Refuse operands that are not all strings."""
    for value in values:
        if type(value) is not str:
            raise NoSuchOverload(operation, *values)


def priced(call: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that first pays for copying its text."""

    def paid(meter: Meter, *operands: Any) -> Any:
        return metered(meter, call, *operands)

    return paid


def _test(name: str, test: Callable[[str, str], bool]) -> Function:
    def checked(text: Any, part: Any) -> bool:
        require_text(name, text, part)
        return test(text, part)

    return Function(checked, 2, 2, Kind.BOOL)


def _lower(text: Any) -> str:
    require_text("toLower", text)
    return str(text.lower())


def _upper(text: Any) -> str:
    require_text("toUpper", text)
    return str(text.upper())


_MATCHES: Final = Function(patterns.matches, 2, 2, Kind.BOOL, is_metered=True)

FUNCTIONS: Final[Mapping[str, Function]] = {
    "size": Function(size, result=Kind.INT),
    ".size": Function(size, result=Kind.INT),
    ".contains": _test("contains", lambda text, part: part in text),
    ".startsWith": _test("startsWith", str.startswith),
    ".endsWith": _test("endsWith", str.endswith),
    ".matches": _MATCHES,
    "matches": _MATCHES,
    ".toLower": Function(priced(_lower), result=Kind.STRING, is_metered=True),
    ".toUpper": Function(priced(_upper), result=Kind.STRING, is_metered=True),
}
