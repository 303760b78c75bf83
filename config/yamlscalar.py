"""What a YAML scalar means: the 1.2 core schema, without what JSON cannot say.

A complaint never quotes the scalar, because it may be a secret.
"""

from __future__ import annotations

import math
import re
from typing import Final, TypeAlias

Scalar: TypeAlias = str | int | float | bool | None

CORE: Final = "tag:yaml.org,2002:"
_TYPES: Final = {"null": type(None), "bool": bool, "int": int, "float": float}
_WORDS: Final = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_DECIMAL: Final = re.compile(r"[-+]?[0-9]+")
_LEADING_ZERO: Final = re.compile(r"[-+]?0[0-9]")
_OCTAL: Final = re.compile(r"0o[0-7]+")
_HEXADECIMAL: Final = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE: Final = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")
_LONGEST_NUMBER: Final = 64
_RANGE: Final = range(-(1 << 63), 1 << 64)


class RefusedScalarError(Exception):
    """A scalar is refused; whoever knows its place makes this a Problem."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def read_scalar(text: str, tag: str | None, *, is_plain: bool) -> Scalar:
    """Return what the scalar means; an unquoted ``yes``, ``1:30`` or date is text."""
    if _UNSTORABLE.search(text):
        raise RefusedScalarError("a NUL or half of a surrogate pair cannot be part of a text")
    if tag is not None:
        return _read_tagged(text, tag)
    return _read_plain(text) if is_plain else text


def _read_tagged(text: str, tag: str) -> Scalar:
    name = tag.removeprefix(CORE)
    if name == "str":
        return text
    wanted = _TYPES.get(name)
    if wanted is None:
        raise RefusedScalarError("this tag is not accepted", "remove it")
    value = _read_plain(text)
    if wanted is float and type(value) is int:
        return float(value)
    if type(value) is not wanted:
        raise RefusedScalarError(f"is tagged !!{name}, but is no such value")
    return value


def _read_plain(text: str) -> Scalar:
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    if _DECIMAL.fullmatch(text):
        if _LEADING_ZERO.match(text):
            raise RefusedScalarError(
                "a number with a leading zero is read differently by different programs",
                "quote it if it is text; write 0o17 if it is octal",
            )
        return _integer(text, 10)
    if _OCTAL.fullmatch(text):
        return _integer(text, 8)
    if _HEXADECIMAL.fullmatch(text):
        return _integer(text, 16)
    return _float(text)


def _integer(text: str, base: int) -> int:
    value = int(text, base) if len(text) <= _LONGEST_NUMBER else _RANGE.stop
    if value not in _RANGE:
        raise RefusedScalarError("the number does not fit 64 bits", "quote it if it is text")
    return value


def _float(text: str) -> float | str:
    if _NOT_FINITE.fullmatch(text):
        raise RefusedScalarError("the number must be finite", "quote it if it is text")
    if not _FLOAT.fullmatch(text):
        return text
    value = float(text)
    if not math.isfinite(value):
        raise RefusedScalarError("the number is too large", "quote it if it is text")
    return value
