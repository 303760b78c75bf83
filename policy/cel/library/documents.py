"""The ``json`` functions: text to a map and any value to text."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Mapping
from typing import Any, Final

import orjson

from policy.cel.library.conversions import to_text
from policy.cel.library.text import require_text
from policy.cel.signature import Function, Kind
from policy.cel.values import (
    INT_MOST,
    SIZE_LIMIT,
    UINT_MOST,
    CostExceeded,
    Duration,
    InvalidArgument,
    Meter,
    NoSuchOverload,
    Timestamp,
    UInt,
)

_LONG_NUMBER: Final = re.compile(r"[0-9]{19}")
_EXACT: Final = 2.0**53
_DEEPEST: Final = 200
# What it costs, in steps, to visit one value.
_VISIT: Final = 16


def parse_document(meter: Meter, text: Any) -> dict[str, Any]:
    """Read a JSON object."""
    require_text("json.parse", text)
    meter.spend(len(text) >> 3)
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidArgument(f"json.parse(): {error.msg}") from None
    except UnicodeEncodeError:
        raise InvalidArgument("json.parse(): the text holds a lone surrogate") from None
    if not isinstance(document, dict):
        raise InvalidArgument("json.parse() reads an object, not a list or a scalar")
    # Python's ints know no bounds: where a long one may hide, each is given its CEL type.
    return _typed(document) if _LONG_NUMBER.search(text) else document


def _typed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _typed(element) for key, element in value.items()}
    if isinstance(value, list):
        return [_typed(element) for element in value]
    if type(value) is int and value > INT_MOST:
        return UInt(value) if value <= UINT_MOST else float(value)
    return value


def marshal(meter: Meter, value: Any) -> str:
    """Write any value as JSON, keys sorted."""
    plain = _plain(meter, value, 0)
    try:
        text = orjson.dumps(plain, option=orjson.OPT_SORT_KEYS).decode()
    except (orjson.JSONEncodeError, UnicodeEncodeError) as error:
        raise InvalidArgument(f"json.marshal(): {error}") from None
    if len(text) > SIZE_LIMIT:
        raise CostExceeded(f"more than {SIZE_LIMIT} characters of JSON")
    return text


def _plain(meter: Meter, value: Any, depth: int) -> Any:
    if depth > _DEEPEST:
        raise CostExceeded("values nest too deeply for JSON")
    meter.spend(_VISIT)
    if isinstance(value, Mapping):
        return {to_text(key): _plain(meter, held, depth + 1) for key, held in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(meter, element, depth + 1) for element in value]
    return _plain_scalar(meter, value)


def _plain_scalar(meter: Meter, value: Any) -> Any:
    if isinstance(value, str | bytes):
        meter.spend(len(value) >> 4)
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, float):
        return _plain_float(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Timestamp | Duration):
        return to_text(value)
    raise NoSuchOverload("json.marshal", value)


def _plain_float(value: float) -> float | int:
    if not math.isfinite(value):
        raise InvalidArgument("JSON has no NaN and no infinity")
    return int(value) if value.is_integer() and abs(value) < _EXACT else value


FUNCTIONS: Final[Mapping[str, Function]] = {
    "json.parse": Function(parse_document, result=Kind.MAP, is_metered=True),
    "json.marshal": Function(marshal, result=Kind.STRING, is_metered=True),
}
