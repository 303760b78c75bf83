"""The values of CEL's literals: numbers in range, strings and bytes with their escapes."""

from __future__ import annotations

import math
import re
from typing import Final

from policy.cel.values import INT_LEAST, INT_MOST, UINT_MOST, CompileError, UInt

_LONGEST: Final = 4000
_SHOWN: Final = 40
_ESCAPE: Final = re.compile(
    r"\\(?:(?P<simple>[abfnrtv\\?\"'`])|[xX](?P<hex>[0-9a-fA-F]{2})|(?P<octal>[0-3][0-7]{2})"
    r"|u(?P<short>[0-9a-fA-F]{4})|U(?P<long>[0-9a-fA-F]{8})|(?P<bad>.?))",
    re.DOTALL,
)
_SIMPLE: Final = dict(zip("abfnrtv", "\a\b\f\n\r\t\v", strict=True))


def decode_string(body: str, position: int) -> str:
    """Resolve the escapes of a string literal."""

    def resolve(match: re.Match[str]) -> str:
        simple = match["simple"]
        if simple is not None:
            return _SIMPLE.get(simple, simple)
        return chr(_code_point(match, position))

    return _ESCAPE.sub(resolve, body) if "\\" in body else body


def decode_bytes(body: str, position: int) -> bytes:
    r"""Resolve the escapes of a bytes literal: ``\x`` and octal are bytes, the rest is UTF-8."""
    parts: list[bytes] = []
    end = 0
    for match in _ESCAPE.finditer(body):
        parts.append(body[end : match.start()].encode())
        end = match.end()
        if match["simple"] is not None:
            parts.append(_SIMPLE.get(match["simple"], match["simple"]).encode())
        elif match["short"] is not None or match["long"] is not None:
            raise CompileError(f"{match[0]} is no escape of a bytes literal", position)
        else:
            parts.append(bytes((_code_point(match, position),)))
    parts.append(body[end:].encode())
    return b"".join(parts)


def _code_point(match: re.Match[str], position: int) -> int:
    if match["octal"] is not None:
        return int(match["octal"], 8)
    digits = match["hex"] or match["short"] or match["long"]
    if digits is None:
        raise CompileError(f"unknown escape {match[0]!r}", position)
    code = int(digits, 16)
    if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        raise CompileError(f"{match[0]} is no Unicode character", position)
    return code


def parse_integer(text: str, position: int) -> int:
    """Return an int, or a UInt for a ``u`` suffix; the sign is part of ``text``."""
    digits = text.rstrip("uU")
    is_unsigned = digits != text
    least, most = (0, UINT_MOST) if is_unsigned else (INT_LEAST, INT_MOST)
    # Python reads no more than some thousand digits, and leading zeros are digits.
    value = int(digits, 16 if "x" in digits else 10) if len(digits) <= _LONGEST else most + 1
    if not least <= value <= most:
        kind = "a uint" if is_unsigned else "an int"
        raise CompileError(f"{text[:_SHOWN]} does not fit {kind}", position)
    return UInt(value) if is_unsigned else value


def parse_float(text: str, position: int) -> float:
    """Return a double."""
    value = float(text)
    if math.isinf(value):
        raise CompileError(f"{text[:_SHOWN]} does not fit a double", position)
    return value
