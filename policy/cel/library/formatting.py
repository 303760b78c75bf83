"""``"…".format([…])`` of the strings extension."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from policy.cel.library.conversions import text_to_bytes, to_text
from policy.cel.library.strings import allow
from policy.cel.library.text import require_text
from policy.cel.signature import Function, Kind
from policy.cel.values import (
    CelType,
    CostExceeded,
    IndexRange,
    InvalidArgument,
    Meter,
    NoSuchOverload,
    UInt,
    type_name,
)

_CLAUSE: Final = re.compile(r"%(?:(%)|(?:\.([0-9]{1,4}))?([A-Za-z])|(.?))", re.DOTALL)
_MOST_DIGITS: Final = 1000
_DEFAULT_DIGITS: Final = 6
_DEEPEST: Final = 100
# What it costs, in steps, to write one value.
_VISIT: Final = 4
_INTEGERS: Final = frozenset((int, UInt))


def _format(meter: Meter, template: Any, arguments: Any) -> str:
    require_text("format", template)
    if not isinstance(arguments, list | tuple):
        raise NoSuchOverload("format", template, arguments)
    allow(meter, len(template))
    parts: list[str] = []
    end = taken = 0
    for match in _CLAUSE.finditer(template):
        parts.append(template[end : match.start()])
        end = match.end()
        if match[1]:
            parts.append("%")
            continue
        if taken == len(arguments):
            raise IndexRange(taken, taken)
        parts.append(_clause(meter, match, arguments[taken]))
        taken += 1
        allow(meter, len(parts[-1]))
    return "".join((*parts, template[end:]))


def _clause(meter: Meter, match: re.Match[str], value: Any) -> str:
    verb, digits = match[3], int(match[2] or _DEFAULT_DIGITS)
    if digits > _MOST_DIGITS:
        raise InvalidArgument(f"format() with more than {_MOST_DIGITS} digits")
    if verb == "s":
        return _shown(meter, value, 0)
    if verb in ("f", "e"):
        return _number(value, f".{digits}{verb}")
    write = _INTEGER_VERBS.get(verb)
    if write is None:
        raise InvalidArgument(f"format() knows no clause {match[0]!r}")
    return write(value)


def _refused(verb: str, value: object) -> InvalidArgument:
    return InvalidArgument(f"format() cannot write a {type_name(value)} with %{verb}")


def _not_finite(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _number(value: Any, spec: str) -> str:
    if type(value) is float and not math.isfinite(value):
        return _not_finite(value)
    if type(value) is float or type(value) in _INTEGERS:
        return format(float(value), spec)
    raise _refused(spec[-1], value)


def _decimal(value: Any) -> str:
    if type(value) is float and not math.isfinite(value):
        return _not_finite(value)
    if type(value) in _INTEGERS:
        return str(int(value))
    raise _refused("d", value)


def _radix(verb: str, types: frozenset[type]) -> Callable[[Any], str]:
    def write(value: Any) -> str:
        if type(value) not in types:
            raise _refused(verb, value)
        return format(int(value), verb)

    return write


def _hexadecimal(verb: str) -> Callable[[Any], str]:
    def write(value: Any) -> str:
        if isinstance(value, str | bytes):
            digits = (text_to_bytes(value) if isinstance(value, str) else value).hex()
            return digits.upper() if verb == "X" else digits
        return write_integer(value)

    write_integer = _radix(verb, _INTEGERS)
    return write


_INTEGER_VERBS: Final[Mapping[str, Callable[[Any], str]]] = {
    "d": _decimal,
    "b": _radix("b", _INTEGERS | {bool}),
    "o": _radix("o", _INTEGERS),
    "x": _hexadecimal("x"),
    "X": _hexadecimal("X"),
}


def _shown(meter: Meter, value: Any, depth: int) -> str:
    if depth > _DEEPEST:
        raise CostExceeded("format() of values that nest too deeply")
    meter.spend(_VISIT)
    if isinstance(value, list | tuple):
        return f"[{', '.join(_shown(meter, element, depth + 1) for element in value)}]"
    if isinstance(value, Mapping):
        pairs = [
            (_shown(meter, key, depth + 1), _shown(meter, held, depth + 1))
            for key, held in value.items()
        ]
        return f"{{{', '.join(f'{key}: {held}' for key, held in sorted(pairs))}}}"
    return _shown_scalar(meter, value)


def _shown_scalar(meter: Meter, value: Any) -> str:
    if isinstance(value, str | bytes):
        allow(meter, len(value))
    if value is None:
        return "null"
    if isinstance(value, CelType):
        return value.name
    if isinstance(value, float):
        return _not_finite(value) if not math.isfinite(value) else _plain_float(value)
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return str(to_text(value))


def _plain_float(value: float) -> str:
    return format(Decimal(repr(value)), "f").removesuffix(".0")


FUNCTIONS: Final[Mapping[str, Function]] = {
    ".format": Function(_format, 2, 2, Kind.STRING, is_metered=True),
}
