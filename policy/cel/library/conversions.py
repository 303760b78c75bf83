"""The type conversions of CEL: ``int(x)``, ``string(x)``, ``timestamp(x)`` and the others."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from policy.cel.library.addresses import Cidr, Ip
from policy.cel.library.text import priced
from policy.cel.library.times import (
    format_duration,
    format_timestamp,
    parse_duration,
    parse_timestamp,
)
from policy.cel.operators import as_int, as_uint
from policy.cel.signature import Function, Kind
from policy.cel.values import (
    SECOND,
    TYPES,
    CelType,
    Duration,
    InvalidArgument,
    NoSuchOverload,
    Overflow,
    Timestamp,
    UInt,
    type_name,
)

Conversions: TypeAlias = Mapping[type, Callable[[Any], Any]]

_INT_TEXT: Final = re.compile(r"[+-]?[0-9]{1,40}")
_UINT_TEXT: Final = re.compile(r"[0-9]{1,40}")
_FLOAT_TEXT: Final = re.compile(
    r"[+-]?(?:[0-9]+\.?[0-9]*(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?)"
)
_NAMED_FLOAT: Final = re.compile(r"[+-]?(?:inf|infinity)|nan", re.IGNORECASE)
_TRUE: Final = frozenset(("1", "t", "T", "TRUE", "true", "True"))
_FALSE: Final = frozenset(("0", "f", "F", "FALSE", "false", "False"))
_LONGEST_NUMBER: Final = 400
_SHOWN: Final = 40


def _converter(name: str, conversions: Conversions) -> Callable[[Any], Any]:
    def convert(value: Any) -> Any:
        conversion = conversions.get(type(value))
        if conversion is None:
            raise NoSuchOverload(name, value)
        return conversion(value)

    return convert


def _same(value: Any) -> Any:
    return value


def _text_to_int(text: str) -> int:
    if not _INT_TEXT.fullmatch(text):
        raise InvalidArgument(f"{text[:_SHOWN]!r} is no int")
    return as_int(int(text))


def _text_to_uint(text: str) -> UInt:
    if not _UINT_TEXT.fullmatch(text):
        raise InvalidArgument(f"{text[:_SHOWN]!r} is no uint")
    return as_uint(int(text))


def _float_to_int(value: float) -> int:
    if not -(2.0**63) < value < 2.0**63:
        raise Overflow("int overflow")
    return int(value)


def _float_to_uint(value: float) -> UInt:
    if not -1 < value < 2.0**64:
        raise Overflow("uint overflow")
    return as_uint(int(value))


def _text_to_float(text: str) -> float:
    if _NAMED_FLOAT.fullmatch(text):
        return float(text)
    if len(text) > _LONGEST_NUMBER or not _FLOAT_TEXT.fullmatch(text):
        raise InvalidArgument(f"{text[:_SHOWN]!r} is no double")
    value = float(text)
    if math.isinf(value):
        raise Overflow("double overflow")
    return value


def _text_to_bool(text: str) -> bool:
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise InvalidArgument(f"{text[:_SHOWN]!r} is no bool")


def format_float(value: float) -> str:
    """Return the shortest text that reads back as this double."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    text = repr(value)
    return text.removesuffix(".0")


def _bytes_to_text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise InvalidArgument("the bytes are no UTF-8") from None


def text_to_bytes(value: str) -> bytes:
    """Encode as UTF-8."""
    try:
        return value.encode()
    except UnicodeEncodeError:
        raise InvalidArgument("the text holds a lone surrogate") from None


def type_of(value: Any) -> CelType:
    """Return a value's type."""
    name = type_name(value)
    return TYPES.get(name) or CelType(name)


to_text: Final = _converter(
    "string",
    {
        str: _same,
        bool: lambda value: "true" if value else "false",
        int: str,
        UInt: lambda value: str(int(value)),
        float: format_float,
        bytes: _bytes_to_text,
        Timestamp: format_timestamp,
        Duration: format_duration,
        Ip: str,
        Cidr: str,
    },
)
_to_int: Final = _converter(
    "int",
    {
        int: _same,
        UInt: lambda value: as_int(int(value)),
        float: _float_to_int,
        str: _text_to_int,
        Timestamp: lambda value: value.ns // SECOND,
    },
)
_to_uint: Final = _converter(
    "uint", {UInt: _same, int: as_uint, float: _float_to_uint, str: _text_to_uint}
)
_to_float: Final = _converter(
    "double", {float: _same, int: float, UInt: float, str: _text_to_float}
)
_to_bool: Final = _converter("bool", {bool: _same, str: _text_to_bool})
_to_bytes: Final = _converter("bytes", {bytes: _same, str: text_to_bytes})
_to_timestamp: Final = _converter(
    "timestamp",
    {
        Timestamp: _same,
        str: parse_timestamp,
        int: lambda value: Timestamp(value * SECOND),
    },
)
_to_duration: Final = _converter("duration", {Duration: _same, str: parse_duration})

FUNCTIONS: Final[Mapping[str, Function]] = {
    "int": Function(_to_int, result=Kind.INT),
    "uint": Function(_to_uint, result=Kind.UINT),
    "double": Function(_to_float, result=Kind.DOUBLE),
    "string": Function(priced(to_text), result=Kind.STRING, is_metered=True),
    "bool": Function(_to_bool, result=Kind.BOOL),
    "bytes": Function(priced(_to_bytes), result=Kind.BYTES, is_metered=True),
    "timestamp": Function(_to_timestamp, is_foldable=True),
    "duration": Function(_to_duration, is_foldable=True),
    "dyn": Function(_same),
    "type": Function(type_of),
}
