"""The strings extension, except ``format``. Positions count characters."""

from __future__ import annotations

import string
from collections.abc import Mapping
from typing import Any, Final

from policy.cel.library.text import priced, require_text
from policy.cel.signature import Function, Kind
from policy.cel.values import (
    SIZE_LIMIT,
    CostExceeded,
    IndexRange,
    InvalidArgument,
    Meter,
    NoSuchOverload,
)

_TO_LOWER: Final = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_TO_UPPER: Final = str.maketrans(string.ascii_lowercase, string.ascii_uppercase)
# The characters Unicode calls white space; Python strips a few control characters more.
_BLANK: Final = (
    "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000"
    "\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
)
_ESCAPES: Final = str.maketrans(
    {
        "\a": "\\a",
        "\b": "\\b",
        "\f": "\\f",
        "\n": "\\n",
        "\r": "\\r",
        "\t": "\\t",
        "\v": "\\v",
        "\\": "\\\\",
        '"': '\\"',
    }
)


def _require_positions(operation: str, text: str, *positions: Any) -> None:
    for position in positions:
        if type(position) is not int:
            raise NoSuchOverload(operation, text, position)
        if not 0 <= position <= len(text):
            raise IndexRange(position, len(text))


def allow(meter: Meter, size: int) -> None:
    """Pay for a text about to be made, unless it would be too long."""
    if size > SIZE_LIMIT:
        raise CostExceeded(f"a text of more than {SIZE_LIMIT} characters")
    meter.spend(1 + (size >> 4))


def _char_at(text: Any, position: Any) -> str:
    require_text("charAt", text)
    _require_positions("charAt", text, position)
    return str(text[position : position + 1])


def _index_of(text: Any, part: Any, start: Any = 0) -> int:
    require_text("indexOf", text, part)
    _require_positions("indexOf", text, start)
    return int(text.find(part, start))


def _last_index_of(text: Any, part: Any, *start: Any) -> int:
    require_text("lastIndexOf", text, part)
    _require_positions("lastIndexOf", text, *start)
    return int(text.rfind(part, 0, start[0] + len(part)) if start else text.rfind(part))


def _join(meter: Meter, parts: Any, separator: Any = "") -> str:
    if not isinstance(parts, list | tuple):
        raise NoSuchOverload("join", parts)
    require_text("join", separator, *parts)
    allow(meter, sum(map(len, parts)) + len(parts) * len(separator))
    return str(separator.join(parts))


def _split(meter: Meter, text: Any, separator: Any, limit: Any = -1) -> list[str]:
    require_text("split", text, separator)
    if type(limit) is not int:
        raise NoSuchOverload("split", text, separator, limit)
    meter.spend(1 + (len(text) >> 1))
    if limit == 0:
        return []
    if separator:
        return list(text.split(separator, limit - 1 if limit > 0 else -1))
    if 0 < limit < len(text):
        return [*text[: limit - 1], text[limit - 1 :]]
    return list(text)


def _replace(meter: Meter, text: Any, old: Any, new: Any, limit: Any = -1) -> str:
    require_text("replace", text, old, new)
    if type(limit) is not int:
        raise NoSuchOverload("replace", text, old, new, limit)
    found = text.count(old)
    times = found if limit < 0 else min(found, limit)
    allow(meter, len(text) + times * max(0, len(new) - len(old)))
    return str(text.replace(old, new, times))


def _substring(text: Any, start: Any, *end: Any) -> str:
    require_text("substring", text)
    _require_positions("substring", text, start, *end)
    if end and end[0] < start:
        raise InvalidArgument(f"substring({start}, {end[0]}) ends before it starts")
    return str(text[start : end[0] if end else len(text)])


def _trim(text: Any) -> str:
    require_text("trim", text)
    return str(text.strip(_BLANK))


def _lower_ascii(text: Any) -> str:
    require_text("lowerAscii", text)
    return str(text.translate(_TO_LOWER))


def _upper_ascii(text: Any) -> str:
    require_text("upperAscii", text)
    return str(text.translate(_TO_UPPER))


def _quote(meter: Meter, text: Any) -> str:
    require_text("strings.quote", text)
    allow(meter, 2 * len(text))
    return f'"{text.translate(_ESCAPES)}"'


FUNCTIONS: Final[Mapping[str, Function]] = {
    ".charAt": Function(_char_at, 2, 2, Kind.STRING),
    ".indexOf": Function(_index_of, 2, 3, Kind.INT),
    ".lastIndexOf": Function(_last_index_of, 2, 3, Kind.INT),
    ".join": Function(_join, 1, 2, Kind.STRING, is_metered=True),
    ".split": Function(_split, 2, 3, Kind.LIST, is_metered=True),
    ".replace": Function(_replace, 3, 4, Kind.STRING, is_metered=True),
    ".substring": Function(priced(_substring), 2, 3, Kind.STRING, is_metered=True),
    ".trim": Function(priced(_trim), result=Kind.STRING, is_metered=True),
    ".lowerAscii": Function(priced(_lower_ascii), result=Kind.STRING, is_metered=True),
    ".upperAscii": Function(priced(_upper_ascii), result=Kind.STRING, is_metered=True),
    "strings.quote": Function(_quote, result=Kind.STRING, is_metered=True),
}
